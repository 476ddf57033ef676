/**
 * @module What the files of a run folder hold: one row of `metrics.jsonl`, `rollouts.jsonl`, `evaluations.jsonl`.
 *
 * The trainer writes them, the report and the notebooks read them. Numbers that JSON cannot hold are `null`.
 */

/** A row of `metrics.jsonl`: one step. Names as in `train/run/metrics.ts`. */
export interface StepRecord {
  /** Rollout step, from 1. */
  readonly step: number;
  /** Passes over the data begun so far, where the data has an end. */
  readonly epoch?: number;
  readonly [metric: string]: number | null | undefined;
}

/** A variant as a row of `rollouts.jsonl` shows it. */
export interface VariantRecord {
  /** j or k. */
  readonly index: number;
  /** The words with guidance and format prompt. */
  readonly text: string;
  readonly transform: string;
  /** `"original"`, or the number of the rewrite. */
  readonly wording: "original" | number;
  /** File names relative to the run folder, `images/<sha256>.png`. */
  readonly images: readonly string[];
}

/** What was read out of a response: the answer, or why there is none. */
export type ExtractedRecord = { readonly text: string } | { readonly none: string };

export interface RewardRecord {
  readonly overall: number;
  readonly accuracy: number;
  readonly format: number;
  /** Why the grader decided so. */
  readonly reason: string;
  /** What else a custom reward measured, by name. */
  readonly parts?: Readonly<Record<string, number>>;
}

/** One response in a row of `rollouts.jsonl`. */
export interface ResponseRecord {
  /** The variant it was sampled from. */
  readonly j: number;
  /** Its number among the responses of that variant. */
  readonly i: number;
  readonly text: string;
  /** Number of response tokens. */
  readonly tokens: number;
  readonly stopReason: "eos" | "length";
  readonly extracted: ExtractedRecord;
  readonly reward: RewardRecord;
  /** Against all m·n responses of the question (Eq. 5): what pairs under other prompts get. */
  readonly advantageGlobal: number | null;
  /** Against the n responses of its own variant (Eq. 6); own-variant pairs get global + local. */
  readonly advantageLocal: number | null;
}

/** A row of `rollouts.jsonl`: one question of one step. */
export interface RolloutRecord {
  readonly step: number;
  readonly questionId: string;
  readonly category: string;
  /** The data set's words. */
  readonly question: string;
  readonly gold: string;
  readonly variants: readonly VariantRecord[];
  /** In order j, then i. */
  readonly responses: readonly ResponseRecord[];
}

/** One evaluated question, kept as an example. */
export interface EvaluationSample {
  readonly questionId: string;
  readonly category: string;
  readonly question: string;
  readonly gold: string;
  readonly images: readonly string[];
  readonly response: string;
  readonly stopReason: "eos" | "length";
  readonly extracted: ExtractedRecord;
  readonly reward: RewardRecord;
}

export interface CategoryCount {
  readonly total: number;
  readonly correct: number;
}

/** A row of `evaluations.jsonl`: one greedy pass over the held-out questions. */
export interface EvaluationRecord {
  readonly label: "before" | "after";
  /** Training steps done before it. */
  readonly step: number;
  readonly total: number;
  readonly correct: number;
  /** Responses in the asked-for format. */
  readonly formatted: number;
  readonly perCategory: Readonly<Record<string, CategoryCount>>;
  readonly seed: number;
  readonly greedy: boolean;
  /** Accuracy of every question by its id, so that two runs can be compared question by question. */
  readonly outcomes?: Readonly<Record<string, number>>;
  readonly samples?: readonly EvaluationSample[];
}
