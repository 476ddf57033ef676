/**
 * @module The learning rate of each step of a run, and what becomes of it when the run is given another length.
 */
import type { RunConfig } from "../config/schema.js";
import { learningRateMultiplier } from "../optim/schedule.js";

/** Learning rate of the rollout step after `step` of them. */
export function learningRateAt(step: number, { update, train }: Pick<RunConfig, "update" | "train">): number {
  const { learningRate, warmupSteps, startsAtZero, schedule, minLearningRateRatio } = update;
  const course = { kind: schedule, minRatio: minLearningRateRatio, totalSteps: train.steps };
  return learningRate * learningRateMultiplier(step, { ...course, warmupSteps, startsAtZero });
}

/**
 * What it means that a run goes on for another number of steps than it was begun for.
 * @param former the steps it was begun for
 * @param done the steps it has done
 */
export function lengthNote(
  former: number,
  done: number,
  config: Pick<RunConfig, "update" | "train">,
): string {
  const { steps } = config.train;
  const what = `train.steps was ${former}, now ${steps}`;
  if (config.update.schedule === "constant") {
    return `${what}: the constant learning rate does not depend on it, the run is as one begun for ${steps} steps`;
  }
  const begun = { update: config.update, train: { ...config.train, steps: former } };
  const rate = (step: number, settings: typeof begun) => learningRateAt(step, settings).toPrecision(3);
  const jump =
    done > 0
      ? `: the learning rate goes from ${rate(done - 1, begun)} in step ${done} to ${rate(done, config)}`
      : "";
  return `${what}: steps up to ${done} followed a cosine that ends at step ${former}, later ones follow one that ends at ${steps}${jump}; a run begun for ${steps} steps would end with other weights`;
}
