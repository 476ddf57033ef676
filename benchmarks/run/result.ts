/**
 * @module What a run says in the end: `result.json` with everything a score depends on, and one line of verdict a row.
 */
import { join } from "node:path";
import { makeFolder, writeFileAtomic } from "../../src/core/files/atomic.js";
import { mean, quantile } from "../../src/core/stats.js";
import type { DataOrigin } from "../data/origin.js";
import type { Prediction, PredictionStatus, RuleSet, ScoreReport } from "../records.js";
import { samplesOf } from "../scoring/present.js";
import type { RepeatedSamples } from "../tables/statistics.js";
import { type PlannedDataset, splitOf } from "./plan.js";
import { type AnswerSettings, settingsDigest } from "./settings.js";

/** How the answers to one dataset came about. Shares are of all predictions. */
export interface AnswerSummary {
  readonly total: number;
  readonly statuses: Readonly<Record<PredictionStatus, number>>;
  readonly truncatedShare: number;
  readonly failedShare: number;
  /** Tokens of a response; null where no engine said. */
  readonly tokens: { readonly mean: number; readonly most: number; readonly total: number } | null;
  readonly promptTokensMean: number | null;
  /** Milliseconds from asking to the whole answer. */
  readonly latencyMs: { readonly median: number; readonly p90: number } | null;
}

/** One dataset in `result.json`; `scores` without their verdicts. */
export interface DatasetResult extends AnswerSummary {
  readonly benchmark: string;
  readonly dataset: string;
  readonly split: string;
  /** Rows asked, of how many the file has. */
  readonly rows: number;
  readonly rowsOfFile: number;
  readonly md5: string;
  readonly origin: DataOrigin;
  readonly samples: number;
  /** Share of rows without a readable answer, by score mode. */
  readonly unparsedShare: Readonly<Record<string, number>>;
  readonly scores: readonly (Omit<ScoreReport, "verdicts"> & {
    /** Where rows were asked several times: pass@k, consensus. */
    readonly repeated?: RepeatedSamples;
  })[];
}

/** `result.json` of a run folder. */
export interface EvaluationResult extends AnswerSettings {
  readonly version: 1;
  /** Of the settings above: equal digests, comparable answers. */
  readonly settingsDigest: string;
  readonly engine: string;
  readonly rules: RuleSet;
  /** Null: rules only. */
  readonly judge: string | null;
  readonly datasets: readonly DatasetResult[];
}

/** A dataset with its answers and what the rules say of them. */
export interface ScoredDataset {
  readonly plan: PlannedDataset;
  readonly samples: number;
  readonly predictions: readonly Prediction[];
  readonly scores: readonly ScoreReport[];
}

const known = (values: readonly (number | null)[]): number[] => values.filter((value) => value !== null);

/** Counts, token numbers and times of predictions. */
export function summariseAnswers(predictions: readonly Prediction[]): AnswerSummary {
  const count = (status: PredictionStatus) => predictions.filter((each) => each.status === status).length;
  const statuses = {
    finished: count("finished"),
    truncated: count("truncated"),
    failed: count("failed"),
  };
  const total = predictions.length;
  const tokens = known(predictions.map((each) => each.tokens));
  const prompts = known(predictions.map((each) => each.promptTokens));
  const times = known(predictions.map((each) => each.latencyMs));
  const share = (part: number) => (total === 0 ? 0 : part / total);
  const sum = tokens.reduce((all, each) => all + each, 0);
  return {
    total,
    statuses,
    truncatedShare: share(statuses.truncated),
    failedShare: share(statuses.failed),
    tokens:
      tokens.length === 0
        ? null
        : { mean: sum / tokens.length, most: tokens.reduce((a, b) => Math.max(a, b)), total: sum },
    promptTokensMean: prompts.length === 0 ? null : mean(prompts),
    latencyMs: times.length === 0 ? null : { median: quantile(times, 0.5), p90: quantile(times, 0.9) },
  };
}

function datasetResult({ plan, samples, predictions, scores }: ScoredDataset): DatasetResult {
  const { benchmark, dataset, file, origin } = plan;
  return {
    benchmark: benchmark.name,
    dataset: dataset.name,
    split: splitOf(plan),
    rows: file.rows.length,
    rowsOfFile: file.total,
    md5: file.md5,
    origin,
    samples,
    ...summariseAnswers(predictions),
    unparsedShare: Object.fromEntries(
      scores.map(({ mode, outcomes, total }) => [mode, total === 0 ? 0 : outcomes.unparsed / total]),
    ),
    scores: scores.map((each) => {
      const { verdicts: _verdicts, ...score } = each;
      const repeated = samples > 1 ? samplesOf(each) : undefined;
      return { ...score, ...(repeated ? { repeated } : {}) };
    }),
  };
}

/** What `result.json` says besides the datasets. */
export interface ResultContext {
  readonly settings: AnswerSettings;
  readonly engine: string;
  readonly rules: RuleSet;
  readonly judge: string | null;
}

export function evaluationResult(
  { settings, engine, rules, judge }: ResultContext,
  datasets: readonly ScoredDataset[],
): EvaluationResult {
  const { model, prompt, decoding, pixels } = settings;
  return {
    version: 1,
    settingsDigest: settingsDigest(settings),
    model,
    prompt,
    decoding,
    pixels,
    engine,
    rules,
    judge,
    datasets: datasets.map(datasetResult),
  };
}

/** A line per row and sample: index, sample, what it hangs together with, and the verdict of each mode. */
function verdictLines(scores: readonly ScoreReport[]): string {
  const [first] = scores;
  const lines = first?.verdicts.map(({ index, sample, cluster, isReported }, at) => {
    const byMode = scores.map(({ mode, verdicts }) => {
      const { outcome, extracted, rule } = verdicts[at] ?? {};
      return [mode, { outcome, extracted, rule }];
    });
    return `${JSON.stringify({ index, sample, cluster, isReported, ...Object.fromEntries(byMode) })}\n`;
  });
  return (lines ?? []).join("");
}

/**
 * Writes `result.json` and `verdicts/<dataset>.jsonl`.
 * @returns the path of the result
 */
export async function writeResult(
  dir: string,
  context: ResultContext,
  datasets: readonly ScoredDataset[],
): Promise<string> {
  await makeFolder(join(dir, "verdicts"));
  for (const { plan, scores } of datasets) {
    await writeFileAtomic(join(dir, "verdicts", `${plan.dataset.name}.jsonl`), verdictLines(scores));
  }
  const path = join(dir, "result.json");
  await writeFileAtomic(path, `${JSON.stringify(evaluationResult(context, datasets), null, 2)}\n`);
  return path;
}
