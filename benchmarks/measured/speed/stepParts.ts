/**
 * @module How long the parts of measured steps take.
 */
import { quantile } from "../../../src/core/stats.js";
import type { Repetitions } from "./interleave.js";

/** Median seconds of a step's parts. */
export interface StepParts {
  readonly rollout: number;
  readonly old_log_probs: number;
  readonly update: number;
}

/** Medians of the steps that count. @param seconds by part, of every step */
export function medianParts(
  seconds: readonly Readonly<Record<string, number>>[],
  { warmUp }: Repetitions,
): StepParts {
  const counted = seconds.slice(warmUp);
  const middle = (part: keyof StepParts) =>
    quantile(
      counted.map((each) => each[part] ?? 0),
      0.5,
    );
  return { rollout: middle("rollout"), old_log_probs: middle("old_log_probs"), update: middle("update") };
}
