/**
 * @module Scores one dataset's predictions by one rule set, in both modes: every row a verdict, then counts, intervals
 * and the benchmark's tables. What a score is compared with is not known here.
 */

import { BenchmarkError } from "../../src/core/errors.js";
import { digestJson } from "../../src/core/files/digest.js";
import { listed } from "../../src/core/listed.js";
import type { OnProgress } from "../../src/core/progress.js";
import {
  type Benchmark,
  type BenchmarkRow,
  type DatasetInfo,
  type GradedRow,
  type GradeSettings,
  OUTCOMES,
  type Prediction,
  type RowVerdict,
  SCORE_MODES,
  type ScoreMode,
  type ScoreReport,
  type Tally,
  type Verdict,
} from "../records.js";
import { shareInterval } from "../tables/statistics.js";
import { afterThinking, postProcess, RULE } from "./reading.js";

/** Which part of a response `compatible` looks at: VLMEvalKit's default, `SPLIT_THINK`, and `post_process`. */
export const RESPONSE_PARTS = ["whole", "after-think", "boxed"] as const;
export type ResponsePart = (typeof RESPONSE_PARTS)[number];

const PART: Readonly<Record<ResponsePart, (response: string) => string>> = {
  whole: (response) => response,
  "after-think": (response) => afterThinking(response).trim(),
  boxed: postProcess,
};

/** The part of a response that is graded; `fixed` finds it itself. */
export function partOf(
  response: string,
  { mode, part = "whole" }: { readonly mode: ScoreMode; readonly part?: ResponsePart },
): string {
  return mode === "fixed" ? response : PART[part](response);
}

export interface ScoreSettings extends Omit<GradeSettings, "mode"> {
  /** Default `whole`. `fixed` finds the part itself. */
  readonly part?: ResponsePart;
}

export interface ToScore {
  readonly benchmark: Benchmark;
  readonly dataset: DatasetInfo;
  /** Of the data file, images not needed. */
  readonly rows: readonly BenchmarkRow[];
  /** Of any of these rows, in any order; several samples of a row count as rows. */
  readonly predictions: readonly Prediction[];
}

/** Predictions with their rows, in the order of the rows, then samples. @throws BenchmarkError for unknown rows */
export function withRows({ dataset, rows, predictions }: ToScore): (readonly [BenchmarkRow, Prediction])[] {
  const place = new Map(rows.map((row, at) => [row.index, { row, at }]));
  const unknown = predictions.filter(({ index }) => !place.has(index)).map(({ index }) => index);
  if (unknown.length > 0) {
    throw new BenchmarkError(
      `predictions: unknown index: ${listed(unknown)}: ${dataset.name} has no such rows; is this its data file?`,
    );
  }
  return predictions
    .flatMap((prediction) => {
      const found = place.get(prediction.index);
      return found ? [{ ...found, prediction }] : [];
    })
    .sort((a, b) => a.at - b.at || a.prediction.sample - b.prediction.sample)
    .map(({ row, prediction }) => [row, prediction]);
}

const FAILED: Verdict = { outcome: "failed", extracted: null, rule: RULE.failed };

/** The words of a failure can hold an option's text: to `compatible` that is an answer, when it is the right one. */
async function gradeFailed(
  benchmark: Benchmark,
  row: BenchmarkRow,
  { prediction }: Prediction,
  { judge: _judge, guessSeed: _seed, ...settings }: GradeSettings,
): Promise<Verdict> {
  if (settings.mode === "fixed" || prediction === "") return FAILED;
  const verdict = await benchmark.grade(row, prediction, settings);
  return verdict.outcome === "correct" ? verdict : FAILED;
}

async function gradeOne(
  benchmark: Benchmark,
  row: BenchmarkRow,
  prediction: Prediction,
  { part = "whole", ...settings }: ScoreSettings & { readonly mode: ScoreMode },
): Promise<Verdict> {
  if (prediction.status === "failed") return gradeFailed(benchmark, row, prediction, settings);
  const response = partOf(prediction.prediction, { mode: settings.mode, part });
  const verdict = await benchmark.grade(row, response, settings);
  const isCut = verdict.outcome === "unparsed" && prediction.status === "truncated";
  return isCut ? { ...verdict, outcome: "truncated" } : verdict;
}

/** Hits of graded rows with their interval. */
export function tally(verdicts: readonly Pick<RowVerdict, "outcome" | "cluster">[]): Tally {
  const hits = verdicts.map(({ outcome }) => Number(outcome === "correct"));
  const correct = hits.reduce((sum, hit) => sum + hit, 0);
  const clusters = verdicts.map(({ cluster }) => cluster);
  return { total: hits.length, correct, accuracy: shareInterval(hits, clusters) };
}

/**
 * Scores by one mode.
 * @throws BenchmarkError when a prediction has no row, or a row lacks what scoring needs
 */
export async function scoreMode(
  { benchmark, dataset, rows, predictions }: ToScore,
  settings: ScoreSettings & { readonly mode: ScoreMode },
  onProgress?: OnProgress,
): Promise<ScoreReport> {
  let done = 0;
  const pairs = withRows({ benchmark, dataset, rows, predictions });
  const graded = await Promise.all(
    pairs.map(async ([row, prediction]): Promise<GradedRow> => {
      const verdict = await gradeOne(benchmark, row, prediction, settings);
      onProgress?.({ phase: "score", done: ++done, total: pairs.length, note: dataset.name });
      return { row, prediction, verdict };
    }),
  );
  const verdicts = graded.map(
    ({ row, prediction, verdict }): RowVerdict => ({
      index: row.index,
      sample: prediction.sample,
      cluster: benchmark.cluster(row),
      isReported: benchmark.isReported(row),
      ...verdict,
    }),
  );
  const reported = verdicts.filter(({ isReported }) => isReported);
  const count = (outcome: string) => verdicts.filter((each) => each.outcome === outcome).length;
  const outcomes = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, count(outcome)]));
  return {
    benchmark: benchmark.name,
    dataset: dataset.name,
    rules: settings.rules,
    mode: settings.mode,
    judge: settings.judge?.name ?? null,
    judgePrompts: settings.judge ? digestJson(settings.judge.prompts) : null,
    ...tally(verdicts),
    reported: tally(reported.length > 0 ? reported : verdicts),
    outcomes: outcomes as ScoreReport["outcomes"],
    missing: rows.length - new Set(verdicts.map(({ index }) => index)).size,
    tables: benchmark.tables(graded),
    verdicts,
  };
}

export type ScoresByMode = Readonly<Record<ScoreMode, ScoreReport>>;

/** Scores by both modes; a judge with kept answers is asked the same question once. */
export async function scoreBoth(
  scored: ToScore,
  settings: ScoreSettings,
  onProgress?: OnProgress,
): Promise<ScoresByMode> {
  const [compatible, fixed] = [
    await scoreMode(scored, { ...settings, mode: SCORE_MODES[0] }, onProgress),
    await scoreMode(scored, { ...settings, mode: SCORE_MODES[1] }, onProgress),
  ];
  return { compatible, fixed };
}
