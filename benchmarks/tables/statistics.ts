/**
 * @module How sure a score is: intervals that know which rows belong together, comparisons of two runs on the same
 * rows, how many rows a difference needs, repeated samples.
 *
 * With d = value − mean of all n values and clusters c (rows of one picture or problem):
 * se² = sd²/n + (1/n²)·Σ_c [(Σd)² − Σd²], the sums over the rows of a cluster, sd with divisor n − 1.
 */
import { type Interval, mean, std, wilson } from "../../src/core/stats.js";
import { zip } from "../../src/core/zip.js";

/** Of the standard normal distribution: two-sided 95 %, and 80 % one-sided. */
const Z_95 = 1.959963984540054;
const Z_POWER_80 = 0.8416212335729143;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const sumOfSquares = (values: readonly number[]): number => sum(values.map((value) => value * value));

/** The sum over each cluster's rows. */
function clusterSums(values: readonly number[], clusters: readonly string[]): number[] {
  const sums = new Map<string, number>();
  for (const [value, cluster] of zip(values, clusters)) sums.set(cluster, (sums.get(cluster) ?? 0) + value);
  return [...sums.values()];
}

/** Standard error of the mean of values that may hang together within clusters. */
export function clusteredStandardError(values: readonly number[], clusters: readonly string[]): number {
  const centre = mean(values);
  const d = values.map((value) => value - centre);
  const withinClusters = sumOfSquares(clusterSums(d, clusters)) - sumOfSquares(d);
  const n = values.length;
  return Math.sqrt(Math.max(0, std(values) ** 2 / n + withinClusters / n ** 2));
}

/** How many independent rows tell as much as these: never more than there are; where all are equal, the clusters. */
function effectiveSize(hits: readonly number[], clusters: readonly string[]): number {
  const n = hits.length;
  const independent = std(hits) ** 2 / n;
  if (!(independent > 0)) return new Set(clusters).size;
  const variance = clusteredStandardError(hits, clusters) ** 2;
  return variance > independent ? (n * independent) / variance : n;
}

/**
 * Share of hits with its 95 % interval: Wilson's, with the effective number of rows where several share a cluster.
 * @param hits 0 or 1 each
 * @param clusters one key per hit; equal keys hang together
 */
export function shareInterval(hits: readonly number[], clusters: readonly string[]): Interval {
  const correct = sum(hits);
  if (new Set(clusters).size === hits.length) return wilson(correct, hits.length);
  const size = effectiveSize(hits, clusters);
  const interval = wilson(mean(hits) * size, size);
  return { ...interval, value: correct / hits.length };
}

/** Values are told apart by so many steps between 0 and 1 at most: means of up to so many samples are exact. */
const MOST_STEPS = 120;

/** The fewest equal steps between 0 and 1 of which all values are whole multiples. */
function stepsOf(values: readonly number[]): number {
  const isWhole = (value: number, steps: number) =>
    Math.abs(value * steps - Math.round(value * steps)) < 1e-6;
  let steps = 1;
  while (steps < MOST_STEPS && !values.every((value) => isWhole(value, steps))) steps++;
  return steps;
}

/**
 * The sign-flip test of paired differences, exact: the two-sided p-value of their sum if every cluster's sum were as
 * likely to have the other sign. One row a cluster and differences of −1, 0 and 1 make it McNemar's exact test.
 * @returns 1 when nothing differs
 */
export function signFlipExact(differences: readonly number[], clusters: readonly string[]): number {
  const steps = stepsOf(differences);
  const whole = differences.map((difference) => Math.round(difference * steps));
  const sums = clusterSums(whole, clusters);
  const sizes = sums.map(Math.abs).filter((size) => size > 0);
  const most = sum(sizes);
  // chances[most + s] of each sum s; every size spreads them to both sides.
  let chances = new Float64Array(2 * most + 1);
  chances[most] = 1;
  for (const size of sizes) {
    chances = chances.map((_, at) => ((chances[at - size] ?? 0) + (chances[at + size] ?? 0)) / 2);
  }
  const found = Math.abs(sum(sums));
  return Math.min(1, sum([...chances].filter((_, at) => Math.abs(at - most) >= found)));
}

/** One row as both runs answered it: whether it is right, or the share of its samples that are. */
export interface PairedRow {
  readonly a: boolean | number;
  readonly b: boolean | number;
  readonly cluster: string;
}

export interface PairedComparison {
  readonly rows: number;
  /** Rows that a alone has right; of repeated samples, rows that it has right more often. */
  readonly onlyA: number;
  readonly onlyB: number;
  /** Share correct of b minus that of a, with its 95 % interval, clustered. */
  readonly difference: Interval;
  /** Of the sign-flip test, two-sided, clustered. */
  readonly p: number;
  /** The smallest difference that so many rows, disagreeing so much, show with 80 % power. */
  readonly detectable: number;
}

/**
 * Mean of paired differences (from −1 to 1) with its 95 % interval: Agresti and Min's, which adds half a row to each of
 * the four cells and so has a width also where all rows agree; wider where clusters say so.
 */
function differenceInterval(differences: readonly number[], clusters: readonly string[]): Interval {
  if (differences.length === 0) return { value: Number.NaN, low: Number.NaN, high: Number.NaN };
  const n = differences.length + 2;
  const total = sum(differences);
  const adjusted = Math.sqrt(sumOfSquares(differences) + 1 - total ** 2 / n) / n;
  const clustered = differences.length > 1 ? clusteredStandardError(differences, clusters) : 0;
  const half = Z_95 * Math.max(adjusted, clustered);
  return {
    value: mean(differences),
    low: Math.max(-1, total / n - half),
    high: Math.min(1, total / n + half),
  };
}

/** Compares two runs on the same rows. Without rows all shares are NaN. */
export function comparePaired(rows: readonly PairedRow[]): PairedComparison {
  const differences = rows.map(({ a, b }) => Number(b) - Number(a));
  const clusters = rows.map(({ cluster }) => cluster);
  return {
    rows: rows.length,
    onlyA: differences.filter((difference) => difference < 0).length,
    onlyB: differences.filter((difference) => difference > 0).length,
    difference: differenceInterval(differences, clusters),
    p: signFlipExact(differences, clusters),
    detectable:
      ((Z_95 + Z_POWER_80) * Math.sqrt(sumOfSquares(clusterSums(differences, clusters)))) / rows.length,
  };
}

export interface PowerOptions {
  /** Shares of a row's two answers, as standard deviations; 0.5 is the largest. */
  readonly sdA?: number;
  readonly sdB?: number;
  /** Correlation of the two answers to a row. */
  readonly correlation?: number;
}

/** Rows that show a difference of `effect` (a share) at 5 % two-sided with 80 % power: ⌈((z+z')·sd/effect)²⌉. */
export function rowsNeeded(
  effect: number,
  { sdA = 0.5, sdB = 0.5, correlation = 0.5 }: PowerOptions = {},
): number {
  const variance = sdA ** 2 + sdB ** 2 - 2 * correlation * sdA * sdB;
  return Math.ceil(((Z_95 + Z_POWER_80) ** 2 * variance) / effect ** 2);
}

/** Probability that at least one of k of n samples is right when c are: 1 − C(n−c, k)/C(n, k). NaN for k > n. */
export function passAtK(n: number, c: number, k: number): number {
  if (k > n) return Number.NaN;
  let miss = 1;
  for (let at = 0; at < k; at++) miss *= Math.max(0, n - c - at) / (n - at);
  return 1 - miss;
}

/** Probability that all of k of n samples are right when c are: C(c, k)/C(n, k). NaN for k > n. */
export function passAllK(n: number, c: number, k: number): number {
  if (k > n) return Number.NaN;
  let hit = 1;
  for (let at = 0; at < k; at++) hit *= Math.max(0, c - at) / (n - at);
  return hit;
}

/** A row's repeated samples. */
export interface SampledRow {
  readonly cluster: string;
  /** What each sample answered (null: nothing) and whether that is right. */
  readonly samples: readonly { readonly extracted: string | null; readonly isCorrect: boolean }[];
}

export interface RepeatedSamples {
  /** Fewest samples a row has; k of pass@k. */
  readonly k: number;
  /** Mean share correct. */
  readonly mean: Interval;
  readonly passAtK: number;
  readonly passAllK: number;
  /** Share of rows whose most frequent answer is right. */
  readonly consensus: Interval;
}

/** Whether the most frequent answer is right; of answers given equally often, the one given first. */
function isConsensusCorrect({ samples }: SampledRow): boolean {
  const counts = new Map<string, { count: number; isCorrect: boolean }>();
  for (const { extracted, isCorrect } of samples) {
    if (extracted === null) continue;
    const seen = counts.get(extracted);
    counts.set(extracted, { count: (seen?.count ?? 0) + 1, isCorrect: seen?.isCorrect ?? isCorrect });
  }
  let best: { count: number; isCorrect: boolean } | undefined;
  for (const one of counts.values()) if (!best || one.count > best.count) best = one;
  return best?.isCorrect ?? false;
}

/** What repeated samples say; undefined when no row has several. */
export function repeatedSamples(rows: readonly SampledRow[]): RepeatedSamples | undefined {
  const k = Math.min(...rows.map(({ samples }) => samples.length));
  if (rows.length === 0 || k < 2) return undefined;
  const correct = rows.map(({ samples }) => samples.filter(({ isCorrect }) => isCorrect).length);
  const over = (share: (n: number, c: number, k: number) => number) =>
    mean(zip(rows, correct).map(([{ samples }, c]) => share(samples.length, c, k)));
  const flat = rows.flatMap(({ cluster, samples }) =>
    samples.map(({ isCorrect }) => ({ cluster, hit: Number(isCorrect) })),
  );
  return {
    k,
    mean: shareInterval(
      flat.map(({ hit }) => hit),
      flat.map(({ cluster }) => cluster),
    ),
    passAtK: over(passAtK),
    passAllK: over(passAllK),
    consensus: shareInterval(
      rows.map((row) => Number(isConsensusCorrect(row))),
      rows.map(({ cluster }) => cluster),
    ),
  };
}
