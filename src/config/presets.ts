/**
 * @module Named starting points. A preset is data; `key=value` arguments change single settings of it.
 */
import type { RunConfigInput } from "./schema.js";

export const PRESETS = {
  /** What `npm start` runs: the bundled policy on drawn scenes, a few minutes on two cores. */
  tiny: {
    model: "tiny",
    expand: { variants: 2, transformProbability: 0.3 },
    rollout: { responses: 6, temperature: 1, maxResponseLength: 96 },
    update: { learningRate: 2e-4, optimizerStepsPerRollout: 2, weightDecay: 0 },
    train: { steps: 48, questionsPerStep: 16, saveEvery: 12, evaluateQuestions: 400 },
  },
  /** Plain GRPO with as many responses and optimizer steps as `tiny`. */
  "tiny-grpo": {
    model: "tiny",
    expand: { variants: 1, transformProbability: 0 },
    rollout: { responses: 12, temperature: 1, maxResponseLength: 96 },
    update: { algorithm: "grpo", learningRate: 2e-4, optimizerStepsPerRollout: 2, weightDecay: 0 },
    train: { steps: 48, questionsPerStep: 16, saveEvery: 12, evaluateQuestions: 400 },
  },
} as const satisfies Readonly<Record<string, RunConfigInput>>;

export type PresetName = keyof typeof PRESETS;
