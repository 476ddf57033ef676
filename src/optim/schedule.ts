/**
 * @module The learning rate's course: linear warm-up, then constant or a half cosine. A multiplier of the base rate.
 *
 * Departure: the released code's warm-up is min(1, t / max(1, warmup)), so that without warm-up the whole first step
 * trains with rate 0; here a run without warm-up starts at the full rate (`startsAtZero` brings the other back).
 */

export interface ScheduleOptions {
  readonly kind: "constant" | "cosine";
  /** Steps of linear warm-up from 0. */
  readonly warmupSteps: number;
  /** Steps of the run; a cosine reaches its lowest value there. */
  readonly totalSteps: number;
  /** Lowest multiplier of the cosine. */
  readonly minRatio: number;
  /** Whether step 0 has rate 0 even without warm-up, as in the released code. */
  readonly startsAtZero: boolean;
}

export const SCHEDULE_DEFAULTS: ScheduleOptions = {
  kind: "constant",
  warmupSteps: 0,
  totalSteps: 1,
  minRatio: 0,
  startsAtZero: false,
};

/** Multiplier during step `step` (0-based). */
export function learningRateMultiplier(step: number, options: Partial<ScheduleOptions> = {}): number {
  const { kind, warmupSteps, totalSteps, minRatio, startsAtZero } = { ...SCHEDULE_DEFAULTS, ...options };
  const rampSteps = startsAtZero ? Math.max(1, warmupSteps) : warmupSteps;
  if (step < rampSteps) return step / rampSteps;
  if (kind === "constant") return 1;
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
  return minRatio + (1 - minRatio) * 0.5 * (1 + Math.cos(Math.PI * progress));
}
