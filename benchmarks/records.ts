/**
 * @module The nouns of evaluation, in the order one benchmark row meets them:
 * row → prompt → prediction → verdict → score.
 *
 * A *benchmark* is what a paper names ("MMMU"); a *dataset* is one file of it in VLMEvalKit's naming ("MMMU_DEV_VAL").
 * The two words `prediction` and `index` are VLMEvalKit's column names, so that its files and ours are one format.
 */
import type { Interval } from "../src/core/stats.js";
import type { ImageSource } from "../src/records.js";
import type { JudgePrompts } from "./scoring/judgePrompts.js";

/** The six benchmarks by the paper's names, in the order of its table. */
export const BENCHMARKS = ["MathVista", "MMStar", "MMMU", "MathVerse", "MathVision", "AI2D"] as const;
/** The six of the paper's main table, in no order of merit. */
export type BenchmarkName = (typeof BENCHMARKS)[number];

/** One row of a dataset as `pandas.read_csv(sep="\t")` understands it. */
export interface BenchmarkRow {
  /** Unique in its dataset; a whole number where every index of the file is one. */
  readonly index: string;
  /**
   * Cells by column name; a missing cell has no key. Image columns are left out. Columns whose every cell is numeric
   * hold numbers as Python prints them ("007" is "7"; with a missing cell somewhere in the column, "7.0").
   */
  readonly cells: Readonly<Record<string, string>>;
  /** In the order of the `image` list; empty when the rows were read without images. */
  readonly images: readonly ImageSource[];
  /** Why the row cannot be asked (its image cell is damaged or leads elsewhere); such a row fails, the others go on. */
  readonly problem?: string;
}

/** A published file of rows. */
export interface DatasetInfo {
  /** VLMEvalKit's name, also the file's: `<name>.tsv`. */
  readonly name: string;
  readonly url: string;
  /** Hex MD5 of the whole file; undefined where none is published. */
  readonly md5?: string;
  /** Rows the whole file has, where known. */
  readonly rows?: number;
  /** What a person should know it as: "validation and dev", "testmini, five versions". */
  readonly split: string;
  /** Its answers are not published: answers to it are sent to the benchmark's own server, not scored here. */
  readonly hidesAnswers?: boolean;
  /** Column with the words to ask; `question` by default. */
  readonly questionColumn?: string;
}

/** `generic`: VLMEvalKit's dataset prompts; `qwen`: the Qwen2-VL model class's own. */
export const PROMPT_FORMS = ["generic", "qwen"] as const;
export type PromptForm = (typeof PROMPT_FORMS)[number];

/** Where the R1 thinking prompt goes: after every text item (as R1-ShareVL did), once at the end, or nowhere. */
export const THINKING_PROMPTS = ["r1-sharevl", "r1-once", "none"] as const;
export type ThinkingPrompt = (typeof THINKING_PROMPTS)[number];

export interface PromptStyle {
  readonly form: PromptForm;
  readonly thinking: ThinkingPrompt;
  /** Words in place of the R1 prompt's, for policies trained with other ones. */
  readonly thinkingText?: string;
}

/** A piece of a user's message, in order. */
export type MessageItem =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "image"; readonly image: ImageSource };

/** How generation ended; a failed row has no text and is asked again on the next run. */
export type PredictionStatus = "finished" | "truncated" | "failed";

/** A line of `predictions.jsonl`: one answer to one row. */
export interface Prediction {
  /** Of this record's layout. */
  readonly version: 1;
  readonly dataset: string;
  readonly index: string;
  /** Which of the repeated samples, from 0. */
  readonly sample: number;
  /** What the model wrote; empty when it failed. */
  readonly prediction: string;
  /** What a thinking server keeps apart from it; never graded. */
  readonly thinking?: string;
  readonly status: PredictionStatus;
  /** Why it failed. */
  readonly error?: string;
  /** Null where the engine does not say. */
  readonly promptTokens: number | null;
  /** Tokens written; null where the engine does not say. */
  readonly tokens: number | null;
  /** From asking to the whole answer, waiting for a free place not included; in a batch, the batch's. */
  readonly latencyMs: number | null;
}

/** Points in VLMEvalKit's history whose scoring rules differ; published numbers name one of them. */
export const RULE_SETS = ["2025-05", "2025-08", "2026-08"] as const;
/** A version of VLMEvalKit's rules. */
export type RuleSet = (typeof RULE_SETS)[number];
export const NEWEST_RULES: RuleSet = "2026-08";

/** `compatible` reproduces VLMEvalKit's known quirks, `fixed` mends them. */
export const SCORE_MODES = ["compatible", "fixed"] as const;
/** `compatible` reproduces VLMEvalKit with its quirks, `fixed` mends them. */
export type ScoreMode = (typeof SCORE_MODES)[number];

export const OUTCOMES = ["correct", "wrong", "unparsed", "truncated", "failed"] as const;
/**
 * What became of a row. Only `correct` counts as a hit; the other four share the denominator.
 * `unparsed`: no rule and no judge found an answer; `truncated`: that, and the response hit the length limit;
 * `failed`: there is no response.
 */
export type Outcome = (typeof OUTCOMES)[number];

export interface Verdict {
  readonly outcome: Outcome;
  /** The answer that was read out of the response; null when none was. */
  readonly extracted: string | null;
  /** The rule that decided, in a few words: "option letter", "option text", "judge". */
  readonly rule: string;
}

/** Answers a judge's prompt. Cached and retried by whoever makes it. @throws BenchmarkError when no answer can be had */
export interface Judge {
  /** Printed beside every score it had a part in. */
  readonly name: string;
  readonly prompts: JudgePrompts;
  /** @param question `attempt` counts from 0; a repeated attempt is a new call. */
  ask(
    prompt: string,
    question: { readonly temperature: number; readonly maxTokens: number; readonly attempt: number },
  ): Promise<string>;
}

export interface GradeSettings {
  readonly rules: RuleSet;
  readonly mode: ScoreMode;
  readonly judge?: Judge;
  /** Seed of the guess VLMEvalKit takes for an unparsed choice; undefined: no guess, the row is `unparsed`. */
  readonly guessSeed?: number;
}

/** A row with its answer and what the rules say of it. */
export interface GradedRow {
  readonly row: BenchmarkRow;
  readonly prediction: Prediction;
  readonly verdict: Verdict;
}

/** A table as the spec orders it; a missing cell is null. Numbers are unrounded. */
export interface ScoreTable {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number | null)[])[];
}

/** Everything specific to a benchmark is behind this: one file in `suites/`, one line in its registry. */
export interface Benchmark {
  /** As a paper calls it. */
  readonly name: string;
  /** The first is the one the paper reports. */
  readonly datasets: readonly DatasetInfo[];
  /** Columns its rows must have, besides `index` and `image` or `image_path`. */
  readonly columns: readonly string[];
  /** The user's message without thinking prompt. @throws BenchmarkError when the row cannot be asked */
  prompt(row: BenchmarkRow, form: PromptForm, dataset: DatasetInfo): readonly MessageItem[];
  /** Of a whole response; failed and truncated predictions are settled by the caller where no answer is found. */
  grade(row: BenchmarkRow, response: string, settings: GradeSettings): Promise<Verdict>;
  /** What the benchmark's server is sent for a row; where a dataset hides its answers. */
  submitted?(row: BenchmarkRow, response: string, settings: Pick<GradeSettings, "rules" | "mode">): string;
  tables(graded: readonly GradedRow[]): readonly ScoreTable[];
  /** Rows with equal keys are not independent (same image or problem): intervals are clustered by it. */
  cluster(row: BenchmarkRow): string;
  /** Whether a row belongs to the number the paper reports (MMMU: split `validation`). */
  isReported(row: BenchmarkRow): boolean;
}

/** Hits among rows; `accuracy` is the share with its 95 % interval, clustered where rows are not independent. */
export interface Tally {
  readonly total: number;
  readonly correct: number;
  readonly accuracy: Interval;
}

/** What scoring one dataset's predictions by one rule set and mode says. Failed rows count as rows. */
export interface ScoreReport extends Tally {
  readonly benchmark: string;
  readonly dataset: string;
  readonly rules: RuleSet;
  readonly mode: ScoreMode;
  /** Null: rules only. */
  readonly judge: string | null;
  /** Digest of what the judge was asked with: scores by other words are not comparable. */
  readonly judgePrompts: string | null;
  /** The rows whose share papers report (MMMU: `validation`); all of them where the file has none of those. */
  readonly reported: Tally;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** Rows of the data that have no prediction and are not counted. */
  readonly missing: number;
  readonly tables: readonly ScoreTable[];
  readonly verdicts: readonly RowVerdict[];
}

/** A row's verdict; rows with equal `cluster` are not independent. */
export interface RowVerdict extends Verdict {
  readonly index: string;
  readonly sample: number;
  readonly cluster: string;
  /** Whether it belongs to the number that papers report. */
  readonly isReported: boolean;
}
