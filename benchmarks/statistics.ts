/**
 * @module How sure a score is: intervals that know which rows belong together, comparisons of two runs on the same
 * rows, how many rows a difference needs, repeated samples.
 *
 * With d = value − mean of all n values and clusters c (rows of one picture or problem):
 * se² = sd²/n + (1/n²)·Σ_c [(Σd)² − Σd²], the sums over the rows of a cluster, sd with divisor n − 1.
 */
import { type Interval, mean, std, wilson } from "../src/core/stats.js";
import { zip } from "../src/core/zip.js";

/** Of the standard normal distribution: two-sided 95 %, and 80 % one-sided. */
const Z_95 = 1.959963984540054;
const Z_POWER_80 = 0.8416212335729143;

/** Standard error of the mean of values that may hang together within clusters. */
export function clusteredStandardError(values: readonly number[], clusters: readonly string[]): number {
  const centre = mean(values);
  const sums = new Map<string, number>();
  let squares = 0;
  for (const [value, cluster] of zip(values, clusters)) {
    const d = value - centre;
    sums.set(cluster, (sums.get(cluster) ?? 0) + d);
    squares += d * d;
  }
  const withinClusters = [...sums.values()].reduce((sum, one) => sum + one * one, -squares);
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
  const correct = hits.reduce((sum, hit) => sum + hit, 0);
  if (new Set(clusters).size === hits.length) return wilson(correct, hits.length);
  const size = effectiveSize(hits, clusters);
  const interval = wilson(mean(hits) * size, size);
  return { ...interval, value: correct / hits.length };
}

/** ln n! for n = 0 … upTo. */
function logFactorials(upTo: number): number[] {
  const logs = [0];
  for (let n = 1; n <= upTo; n++) logs.push((logs[n - 1] ?? 0) + Math.log(n));
  return logs;
}

/**
 * McNemar's exact test: the two-sided p-value of `onlyA` against `onlyB` under a fair coin.
 * @returns 1 when no row differs
 */
export function mcnemarExact(onlyA: number, onlyB: number): number {
  const n = onlyA + onlyB;
  const logs = logFactorials(n);
  let tail = 0;
  for (let k = 0; k <= Math.min(onlyA, onlyB); k++) {
    tail += Math.exp((logs[n] ?? 0) - (logs[k] ?? 0) - (logs[n - k] ?? 0) - n * Math.LN2);
  }
  return Math.min(1, 2 * tail);
}

/** One row as both runs answered it. */
export interface PairedRow {
  readonly a: boolean;
  readonly b: boolean;
  readonly cluster: string;
}

export interface PairedComparison {
  readonly rows: number;
  readonly both: number;
  readonly onlyA: number;
  readonly onlyB: number;
  readonly neither: number;
  /** Share correct of b minus that of a, with its 95 % interval, clustered. */
  readonly difference: Interval;
  /** McNemar's exact, two-sided; takes rows for independent. */
  readonly p: number;
  /** The smallest difference that so many rows, disagreeing so often, show with 80 % power. */
  readonly detectable: number;
}

/**
 * Mean of paired differences (−1, 0, 1) with its 95 % interval: Agresti and Min's, which adds half a row to each of the
 * four cells and so has a width also where all rows agree; wider where clusters say so.
 */
function differenceInterval(differences: readonly number[], clusters: readonly string[]): Interval {
  if (differences.length === 0) return { value: Number.NaN, low: Number.NaN, high: Number.NaN };
  const n = differences.length + 2;
  const discordant = differences.filter((difference) => difference !== 0).length + 1;
  const sum = differences.reduce((total, difference) => total + difference, 0);
  const adjusted = Math.sqrt(discordant - sum ** 2 / n) / n;
  const clustered = differences.length > 1 ? clusteredStandardError(differences, clusters) : 0;
  const half = Z_95 * Math.max(adjusted, clustered);
  return {
    value: mean(differences),
    low: Math.max(-1, sum / n - half),
    high: Math.min(1, sum / n + half),
  };
}

/** Compares two runs on the same rows. Without rows all shares are NaN. */
export function comparePaired(rows: readonly PairedRow[]): PairedComparison {
  const count = (a: boolean, b: boolean) => rows.filter((row) => row.a === a && row.b === b).length;
  const [both, onlyA, onlyB, neither] = [
    count(true, true),
    count(true, false),
    count(false, true),
    count(false, false),
  ];
  const differences = rows.map(({ a, b }) => Number(b) - Number(a));
  const clusters = rows.map(({ cluster }) => cluster);
  const discordant = (onlyA + onlyB) / rows.length;
  return {
    rows: rows.length,
    both,
    onlyA,
    onlyB,
    neither,
    difference: differenceInterval(differences, clusters),
    p: mcnemarExact(onlyA, onlyB),
    detectable: (Z_95 + Z_POWER_80) * Math.sqrt(discordant / rows.length),
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
