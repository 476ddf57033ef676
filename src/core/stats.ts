/**
 * @module Small statistics in float64: means, deviations, quantiles, and the interval printed beside a share.
 */

/** Arithmetic mean; NaN for an empty list. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Standard deviation with divisor n − `ddof` (1: sample, 0: population); NaN when that is not positive. */
export function std(values: readonly number[], ddof: 0 | 1 = 1): number {
  const centre = mean(values);
  const divisor = values.length - ddof;
  if (divisor <= 0) return Number.NaN;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / divisor);
}

/** Quantile by linear interpolation between order statistics; `q` in [0, 1]. NaN for an empty list. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const low = sorted[Math.floor(at)] as number;
  const high = sorted[Math.ceil(at)] as number;
  return low + (high - low) * (at - Math.floor(at));
}

/** An interval of numbers, ends included. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Share of successes with its 95 % Wilson score interval. With no trials all three are NaN. */
export function wilson(successes: number, trials: number): Interval {
  const z = 1.959963984540054;
  const share = successes / trials;
  const centre = (share + (z * z) / (2 * trials)) / (1 + (z * z) / trials);
  const spread =
    (z / (1 + (z * z) / trials)) *
    Math.sqrt((share * (1 - share)) / trials + (z * z) / (4 * trials * trials));
  // The ends may miss 0, 1 or the share itself by a rounding.
  const low = Math.max(0, Math.min(share, centre - spread));
  const high = Math.min(1, Math.max(share, centre + spread));
  return { value: share, low, high };
}
