/**
 * @module What every estimator does with one group of rewards: (r − mean) / (std + ε), in float64, and 0 where a
 * group has nothing to compare.
 */
import { DataError } from "../core/errors.js";
import { mean } from "../core/stats.js";

/** A group whose rewards differ by less carries no signal (a rounding error is not one). */
export const DEGENERATE_RANGE = 1e-9;

/**
 * Divisor of the variance of N rewards: `sample` N − 1, `population` N, `duplicated` as if every reward stood in
 * the group `copies` times and the sample divisor were used over all rows.
 */
export type StdKind = "sample" | "population" | "duplicated";

export interface StandardiseOptions {
  readonly std: StdKind;
  /** Added to the standard deviation. */
  readonly epsilon: number;
  /** How often each reward counts when `std` is `duplicated`. */
  readonly copies?: number;
  /** `"float64"` unless given; `"float32"` has the rounding errors of the released code. */
  readonly arithmetic?: Arithmetic;
}

export type Arithmetic = "float64" | "float32";

/** Largest minus smallest; 0 for an empty list. */
export function range(values: readonly number[]): number {
  return values.length === 0 ? 0 : Math.max(...values) - Math.min(...values);
}

/** @throws DataError naming the first reward that is not a finite number */
export function requireFinite(where: string, rewards: readonly number[]): void {
  const at = rewards.findIndex((reward) => !Number.isFinite(reward));
  if (at >= 0) {
    throw new DataError(
      `${where}: invalid reward: ${rewards[at]} at position ${at}; a reward function must return a finite number`,
    );
  }
}

/** Standard deviation of a group by its kind of divisor. */
export function groupStd(rewards: readonly number[], kind: StdKind, copies = 1): number {
  const centre = mean(rewards);
  const sumOfSquares = rewards.reduce((sum, reward) => sum + (reward - centre) ** 2, 0);
  if (kind === "population") return Math.sqrt(sumOfSquares / rewards.length);
  const repeats = kind === "duplicated" ? copies : 1;
  return Math.sqrt((repeats * sumOfSquares) / (repeats * rewards.length - 1));
}

/**
 * (r − mean) / (std + ε) as single precision computes it, one reward after another. A mean of equal rewards is then off
 * by a rounding error, which the likewise tiny standard deviation turns into an advantage.
 */
function standardiseFloat32(rewards: readonly number[], options: StandardiseOptions): number[] {
  const f = Math.fround;
  const copies = options.std === "duplicated" ? (options.copies ?? 1) : 1;
  const rows = Array.from({ length: copies }, () => rewards).flat();
  const centre = f(rows.reduce((sum, reward) => f(sum + f(reward)), 0) / rows.length);
  const squares = rows.reduce((sum, reward) => f(sum + f(f(f(reward) - centre) ** 2)), 0);
  const divisor = options.std === "population" ? rows.length : rows.length - 1;
  const scale = f(f(Math.sqrt(f(squares / divisor))) + options.epsilon);
  return rewards.map((reward) => (scale === 0 ? 0 : f(f(f(reward) - centre) / scale)));
}

/** (r − mean) / (std + ε) for each reward of a group; all 0 when the rewards are equal or there is only one. */
export function standardise(rewards: readonly number[], options: StandardiseOptions): number[] {
  if (options.arithmetic === "float32" && rewards.length > 1) return standardiseFloat32(rewards, options);
  if (range(rewards) < DEGENERATE_RANGE) return rewards.map(() => 0);
  const centre = mean(rewards);
  const scale = groupStd(rewards, options.std, options.copies) + options.epsilon;
  return rewards.map((reward) => (reward - centre) / scale);
}
