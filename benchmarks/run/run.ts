/**
 * @module A whole evaluation: settings fixed, rows asked, answers scored, result written.
 */
import { SharegrpoError } from "../../src/core/errors.js";
import { whileHolding } from "../../src/core/files/folderLock.js";
import { given } from "../../src/core/given.js";
import type { OnProgress } from "../../src/core/progress.js";
import type { AnswerEngine } from "../engines/engine.js";
import type { GradeSettings, MessageItem, Prediction, ScoreReport } from "../records.js";
import { type ScoreSettings, scoreBoth } from "../scoring/score.js";
import { askDataset, messageFor } from "./ask.js";
import type { PlannedDataset } from "./plan.js";
import { type EvaluationResult, evaluationResult, type ScoredDataset, writeResult } from "./result.js";
import { writeRows } from "./rows.js";
import { type AnswerSettings, openEvaluation } from "./settings.js";
import { writeSubmission } from "./submission.js";

/** Scores one dataset's predictions in both modes; is not asked where answers are hidden. */
export type Scorer = (
  plan: PlannedDataset,
  predictions: readonly Prediction[],
) => Promise<readonly ScoreReport[]>;

/** By one rule set, the mended rules first. */
export function scorerBy(settings: ScoreSettings, onProgress?: OnProgress): Scorer {
  return async ({ benchmark, dataset, file }, predictions) => {
    const scored = { benchmark, dataset, rows: file.rows, predictions };
    const { fixed, compatible } = await scoreBoth(scored, settings, onProgress);
    return [fixed, compatible];
  };
}

export interface EvaluationRequest {
  readonly plans: readonly PlannedDataset[];
  readonly settings: AnswerSettings;
  readonly engine: AnswerEngine;
  /** Answers per row. */
  readonly samples: number;
  /** Run folder. */
  readonly dir: string;
  readonly isResume: boolean;
  readonly scorer: Scorer;
  /** Named in the result; the scorer knows them. */
  readonly scoring: Pick<GradeSettings, "rules"> & { readonly judge: string | null };
  readonly onProgress?: OnProgress;
  /** Hears of each dataset whose rows are all answered. */
  readonly onDataset?: (scored: ScoredDataset) => void;
  readonly signal?: AbortSignal;
}

export interface EvaluationOutcome {
  readonly result: EvaluationResult;
  /** Path of `result.json`. */
  readonly path: string;
  readonly datasets: readonly ScoredDataset[];
}

/**
 * Asks, scores, writes.
 * @throws CheckpointError when the folder holds another run, or another process works in it; BenchmarkError when the
 *   engine gives up; the signal's reason
 */
export function runEvaluation(request: EvaluationRequest): Promise<EvaluationOutcome> {
  return whileHolding(request.dir, "evaluate", () => evaluate(request));
}

async function evaluate(request: EvaluationRequest): Promise<EvaluationOutcome> {
  const { plans, settings, engine, samples, dir, isResume, scorer, onProgress, signal } = request;
  const stamps = Object.fromEntries(plans.map(({ dataset, file }) => [dataset.name, { md5: file.md5 }]));
  await openEvaluation(dir, settings, stamps, { isResume });
  const datasets: ScoredDataset[] = [];
  for (const plan of plans) {
    await writeRows(dir, plan, settings.prompt.form);
    const predictions = await askDataset(plan, {
      engine,
      prompt: settings.prompt,
      samples,
      dir,
      ...given({ onProgress, signal }),
    });
    const { hidesAnswers } = plan.dataset;
    if (hidesAnswers) await writeSubmission(dir, { ...plan, predictions }, request.scoring);
    const scores = hidesAnswers ? [] : await scorer(plan, predictions);
    const scored = { plan, samples, predictions, scores };
    datasets.push(scored);
    request.onDataset?.(scored);
  }
  const context = { settings, engine: engine.kind, ...request.scoring };
  const path = await writeResult(dir, context, datasets);
  return { result: evaluationResult(context, datasets), path, datasets };
}

/** A prompt as a person reads it: texts as they are, images by number. */
export function shownPrompt(items: readonly MessageItem[]): string {
  let images = 0;
  return items.map((item) => (item.kind === "text" ? item.text : `[image ${++images}]`)).join("\n⏐ ");
}

/** The first prompts of a dataset with everything that is added to them; a row that cannot be asked says why. */
export function firstPrompts(
  plan: PlannedDataset,
  settings: Pick<AnswerSettings, "prompt">,
  count: number,
): string[] {
  return plan.file.rows.slice(0, count).map((row) => {
    const head = `--- ${plan.dataset.name}, index ${row.index}, ${row.images.length} images`;
    try {
      if (row.problem !== undefined) return `${head}\n(${row.problem})`;
      return `${head}\n${shownPrompt(messageFor(plan, row, settings.prompt))}`;
    } catch (error) {
      if (!(error instanceof SharegrpoError)) throw error;
      return `${head}\n(${error.message})`;
    }
  });
}
