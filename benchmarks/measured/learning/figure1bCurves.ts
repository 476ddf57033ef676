/**
 * @module What `figure1b.json` holds.
 */

/** What is plotted, and the metric it is read from. With one variant, pooled is local: GRPO's own groups. */
export const QUANTITIES = {
  reward: "reward/overall",
  validShare: "advantage/valid_share_pooled",
} as const;
export type Quantity = keyof typeof QUANTITIES;

/** One algorithm, one quantity: the mean over seeds at each step, and the spread between seeds. */
export interface SeedCurve {
  readonly algorithm: string;
  readonly quantity: Quantity;
  /** Rollout steps, from 1. */
  readonly steps: readonly number[];
  readonly mean: readonly number[];
  /** Lowest and highest seed: with few seeds more honest than a standard error. */
  readonly low: readonly number[];
  readonly high: readonly number[];
}

/** Curves and outcomes of both algorithms over the seeds that were run. */
export interface Figure1b {
  readonly command: string;
  readonly seeds: readonly number[];
  /** Steps of the running mean that smooths each seed's curve before seeds are compared. */
  readonly window: number;
  readonly curves: readonly SeedCurve[];
  readonly outcomes: readonly {
    readonly algorithm: string;
    readonly seed: number;
    readonly before: number;
    readonly after: number;
  }[];
}
