/**
 * @module A learner with the settings of a run, and an update as a step makes it; easy to reason about unless told
 * otherwise: no decay, no clipping of gradients, two prompts in a graph.
 */
import { resolveConfig } from "../../src/config/load.js";
import type { RunConfig, RunConfigInput } from "../../src/config/schema.js";
import type { LogProbRequest, OptimizerStep } from "../../src/engine/engine.js";
import { createLearner, type WholeLearner } from "../../src/engine/local/learner.js";
import { type LocalSettings, localSettings } from "../../src/engine/local/settings.js";
import type { LocalLearner } from "../../src/engine/local/statefulLearner.js";
import type { Model } from "../../src/model/load.js";
import type { Lesson, Reading } from "../../src/policy/lessons.js";
import { type UpdateStats, updateOnce } from "../../src/train/update.js";

/** Changes nothing; with β1 = 0 the first moment afterwards is the gradient. */
export const PROBE: OptimizerStep = {
  step: 1,
  learningRate: 0,
  maxGradNorm: 1e9,
  weightDecay: 0,
  beta1: 0,
  beta2: 0.9,
  epsilon: 1e-8,
};

/** A lesson before it is weighed; nothing is cut off unless given. */
export type PlainLesson = Omit<Lesson, "weights_R"> & { readonly isTruncated_R?: readonly boolean[] };

/** One of an old policy that is not the one of now. */
export type OffPolicyLesson = PlainLesson & Required<Pick<Lesson, "oldLogProbs_R">>;

export interface TestLearner extends Pick<LocalLearner, "params" | "first" | "second"> {
  readonly config: RunConfig;
  readonly learner: WholeLearner;
  logProbs(readings: readonly Reading[], of?: LogProbRequest["of"]): Promise<Float32Array[][]>;
  update(
    lessons: readonly PlainLesson[],
    at: { readonly learningRate: number; readonly step: number; readonly klCoefficient?: number },
  ): Promise<UpdateStats>;
}

const PLAIN = { weightDecay: 0, maxGradNorm: 1e9, microBatchUnits: 2 };

export function testLearner(
  model: Model,
  settings: RunConfigInput = {},
  local: Partial<LocalSettings> = {},
): TestLearner {
  const config = resolveConfig({ ...settings, update: { ...PLAIN, ...settings.update } }, "test");
  const learner = createLearner(model, { ...localSettings(config), ...local });
  const { params, first, second } = learner;
  const { temperature } = config.rollout;
  return {
    ...{ config, learner, params, first, second },
    logProbs: (readings, of = "policy") => learner.logProbs({ readings, of, temperature }),
    update(lessons, { step, ...at }) {
      const whole = lessons.map((lesson) => ({
        pairs_R: [],
        isTruncated_R: lesson.responses_R.map(() => false),
        ...lesson,
      }));
      return updateOnce(whole, step, { config, engine: { learner }, optimizerSteps: step - 1, ...at });
    },
  };
}
