/**
 * @module One's own runs beside the paper's numbers and beside each other.
 *
 * The paper's numbers have no error bars: a difference to one of them carries the interval of the own score alone.
 * Two own runs on the same rows are compared row by row.
 */
import { type Interval, mean } from "../../src/core/stats.js";
import type { BenchmarkName, ScoreMode } from "../records.js";
import type { OwnRow, OwnRun, OwnScore } from "./ownScores.js";
import { MAIN_TABLE, PAPER_COLUMNS, type PaperRow } from "./paper.js";
import { comparePaired, type PairedComparison } from "./statistics.js";

/** Why an own score and a published one are not the same measurement. */
export type Caveat =
  | "sample rows"
  | "not the published file"
  | "not all rows"
  | "no MD5 is published"
  | "rules only"
  | null;

/** A score as a row of plain values, for a data frame. All scores in percent. */
export interface ScoreRecord {
  readonly source: "paper" | "own";
  readonly model: string;
  readonly benchmark: string;
  readonly dataset: string | null;
  readonly rules: string | null;
  readonly mode: string | null;
  readonly judge: string | null;
  readonly rows: number | null;
  readonly score: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** Points to the paper's row that is compared against, with the own score's interval. */
  readonly difference: number | null;
  readonly differenceLow: number | null;
  readonly differenceHigh: number | null;
  readonly measuredByAuthors: boolean | null;
  readonly caveat: Caveat;
}

export const DEFAULT_REFERENCE = "R1-ShareVL-7B";

/** The paper's row of that name, in any case. */
export function paperRow(model: string): PaperRow | undefined {
  return MAIN_TABLE.find((row) => row.model.toLowerCase() === model.toLowerCase());
}

export function paperScore(row: PaperRow, benchmark: string): number | null {
  return row.scores[PAPER_COLUMNS.map(String).indexOf(benchmark)] ?? null;
}

/** Whether a score is of rows that the paper's score is not of. */
export function isForeign({ origin }: OwnScore): boolean {
  return origin === "sample" || origin === "other";
}

export function caveatOf({ origin, judge, isWhole }: OwnScore): Caveat {
  if (origin === "sample") return "sample rows";
  if (origin === "other") return "not the published file";
  if (!isWhole) return "not all rows";
  if (judge === null) return "rules only";
  return origin === "unknown" ? "no MD5 is published" : null;
}

/** A share as percent. */
export function percent({ value, low, high }: Interval): Interval {
  return { value: 100 * value, low: 100 * low, high: 100 * high };
}

/** Own score minus the reference; undefined where either is missing or the data are not the published ones. */
export function differenceTo(reference: PaperRow, score: OwnScore): Interval | undefined {
  const published = paperScore(reference, score.benchmark);
  if (published === null || isForeign(score)) return undefined;
  const { value, low, high } = percent(score.reported.accuracy);
  return { value: value - published, low: low - published, high: high - published };
}

function ownRecord(run: OwnRun, score: OwnScore, reference: PaperRow): ScoreRecord {
  const { benchmark, dataset, rules, mode, judge, reported } = score;
  const { value, low, high } = percent(reported.accuracy);
  const difference = differenceTo(reference, score);
  return {
    source: "own",
    model: run.name,
    benchmark,
    dataset,
    rules,
    mode,
    judge,
    rows: reported.total,
    score: value,
    low,
    high,
    difference: difference?.value ?? null,
    differenceLow: difference?.low ?? null,
    differenceHigh: difference?.high ?? null,
    measuredByAuthors: null,
    caveat: caveatOf(score),
  };
}

function paperRecord(row: PaperRow, benchmark: BenchmarkName): ScoreRecord {
  return {
    source: "paper",
    model: row.model,
    benchmark,
    dataset: null,
    rules: null,
    mode: null,
    judge: null,
    rows: null,
    score: paperScore(row, benchmark),
    low: null,
    high: null,
    difference: null,
    differenceLow: null,
    differenceHigh: null,
    measuredByAuthors: row.measuredByAuthors.includes(benchmark),
    caveat: null,
  };
}

/** Every number of the main table and of one's own runs, one record each: give them to a data frame. */
export function scoreRecords(runs: readonly OwnRun[], reference: PaperRow): ScoreRecord[] {
  return [
    ...MAIN_TABLE.flatMap((row) => PAPER_COLUMNS.map((benchmark) => paperRecord(row, benchmark))),
    ...runs.flatMap((run) => run.scores.map((score) => ownRecord(run, score, reference))),
  ];
}

/** What of a row is compared: how often its samples are right, or whether any of the first k is. */
export type Measure = "mean" | "pass";

/** Two own runs on the same rows. */
export interface RunComparison {
  readonly benchmark: string;
  readonly dataset: string;
  readonly mode: ScoreMode;
  readonly a: string;
  readonly b: string;
  readonly measure: Measure;
  /** Samples of a row: the fewest that either run has of any. */
  readonly k: number;
  readonly comparison: PairedComparison;
  /** Set where the two were not scored alike. */
  readonly caveat: string | null;
}

/** A row's samples in order, of the rows that papers report. */
function samplesByRow({ rows }: OwnScore): Map<string, OwnRow[]> {
  const reported = rows.filter(({ isReported }) => isReported);
  const samples = new Map<string, OwnRow[]>();
  for (const row of reported.length > 0 ? reported : rows) {
    samples.set(
      row.index,
      [...(samples.get(row.index) ?? []), row].sort((a, b) => a.sample - b.sample),
    );
  }
  return samples;
}

function unlike(a: OwnScore, b: OwnScore): string | null {
  if (a.rules !== b.rules) return `rules ${a.rules} and ${b.rules}`;
  if (a.judge !== b.judge) return `judges ${a.judge ?? "none"} and ${b.judge ?? "none"}`;
  if (a.judgePrompts !== b.judgePrompts) return "the judge was asked in other words";
  const [samplesA, samplesB] = [a, b].map(({ rows }) => 1 + Math.max(...rows.map(({ sample }) => sample)));
  return samplesA === samplesB ? null : `${samplesA} and ${samplesB} samples a row`;
}

const MEASURE: Readonly<Record<Measure, (samples: readonly OwnRow[], k: number) => number>> = {
  mean: (samples) => mean(samples.map(({ isCorrect }) => Number(isCorrect))),
  pass: (samples, k) => Number(samples.slice(0, k).some(({ isCorrect }) => isCorrect)),
};

function comparePair(
  [runA, scoreA]: readonly [OwnRun, OwnScore],
  [runB, scoreB]: readonly [OwnRun, OwnScore],
): RunComparison[] {
  const others = samplesByRow(scoreB);
  const shared = [...samplesByRow(scoreA)].flatMap(([index, a]) => {
    const b = others.get(index);
    return b ? [{ a, b, cluster: a[0]?.cluster ?? index }] : [];
  });
  if (shared.length === 0) return [];
  const k = Math.min(...shared.flatMap(({ a, b }) => [a.length, b.length]));
  const { benchmark, dataset, mode } = scoreA;
  const compared = {
    benchmark,
    dataset,
    mode,
    a: runA.name,
    b: runB.name,
    k,
    caveat: unlike(scoreA, scoreB),
  };
  const measures: readonly Measure[] = k > 1 ? ["mean", "pass"] : ["mean"];
  return measures.map((measure) => {
    const of = MEASURE[measure];
    const rows = shared.map(({ a, b, cluster }) => ({ a: of(a, k), b: of(b, k), cluster }));
    return { ...compared, measure, comparison: comparePaired(rows) };
  });
}

/** Every later run against the first, dataset by dataset and mode by mode, on the rows both answered. */
export function compareRuns(runs: readonly OwnRun[]): RunComparison[] {
  const [first, ...others] = runs;
  if (!first) return [];
  return first.scores.flatMap((a) =>
    others.flatMap((other) =>
      other.scores
        .filter((b) => b.dataset === a.dataset && b.mode === a.mode)
        .flatMap((b) => comparePair([first, a], [other, b])),
    ),
  );
}
