/**
 * @module Percentile bootstrap (Efron 1979): items are drawn anew with replacement, and the statistic computed on each
 * draw. Items must be independent of each other; what hangs together belongs into one item.
 */
import type { Rng } from "./rng.js";
import { type Interval, quantile } from "./stats.js";

export interface BootstrapOptions {
  readonly rng: Rng;
  /** Draws; default 2,000. */
  readonly resamples?: number;
}

/** The statistic of all items with its 95 % percentile interval; all NaN where there are no items. */
export function bootstrap<T>(
  items: readonly T[],
  statistic: (items: readonly T[]) => number,
  { rng, resamples = 2000 }: BootstrapOptions,
): Interval {
  const value = statistic(items);
  if (items.length === 0) return { value, low: Number.NaN, high: Number.NaN };
  const draws = Array.from({ length: resamples }, () => statistic(items.map(() => rng.pick(items))));
  const defined = draws.filter(Number.isFinite);
  return { value, low: quantile(defined, 0.025), high: quantile(defined, 0.975) };
}
