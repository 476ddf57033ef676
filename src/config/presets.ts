/**
 * @module Named starting points. A preset is data; `key=value` arguments change single settings of it.
 */
import type { RunConfigInput } from "./schema.js";

/** An adapter trained on two cores, one question a step. README has the times and the memory. */
const LAPTOP = {
  data: { maxPixels: 448 * 448 },
  expand: { variants: 2 },
  rollout: { responses: 2, maxResponseLength: 64, maxRows: 16, weights: "int8" },
  update: { optimizerStepsPerRollout: 1, microBatchUnits: 2, learningRate: 1e-5, weightDecay: 0 },
  train: { steps: 100, questionsPerStep: 1, saveEvery: 5, evaluateQuestions: 0 },
  lora: { rank: 16 },
} as const satisfies RunConfigInput;

/** Settings that belong together, by name; where paper and released code differ, so do their presets. */
export const PRESETS = {
  /** What `npm start` runs: the bundled policy on drawn scenes, a few minutes on two cores. */
  tiny: {
    model: "tiny",
    expand: { variants: 2 },
    rollout: { responses: 6, maxResponseLength: 96 },
    update: { learningRate: 2e-4, schedule: "cosine", optimizerStepsPerRollout: 2, weightDecay: 0 },
    train: { steps: 64, questionsPerStep: 16, saveEvery: 16, evaluateQuestions: 400 },
  },
  /** Plain GRPO with as many responses and optimizer steps as `tiny`. */
  "tiny-grpo": {
    model: "tiny",
    expand: { variants: 1, transformProbability: 0 },
    rollout: { responses: 12, maxResponseLength: 96 },
    update: {
      algorithm: "grpo",
      learningRate: 2e-4,
      schedule: "cosine",
      optimizerStepsPerRollout: 2,
      weightDecay: 0,
    },
    train: { steps: 64, questionsPerStep: 16, saveEvery: 16, evaluateQuestions: 400 },
  },
  /** The 7B run as the paper describes it. */
  "paper-7b": {
    mode: "paper",
    model: "Qwen/Qwen2.5-VL-7B-Instruct",
    expand: { variants: 2 },
    rollout: { responses: 6, maxResponseLength: 2048 },
    update: { optimizerStepsPerRollout: 4, learningRate: 1e-6 },
    train: { steps: 150, questionsPerStep: 512, saveEvery: 25, keepCheckpoints: 6, evaluateQuestions: 0 },
  },
  /** What the released script and config run, epochs turned into steps of 512 questions out of 52,000. */
  "reference-code": {
    mode: "code",
    model: "Qwen/Qwen2.5-VL-3B-Instruct",
    data: { minPixels: 262_144, maxPixels: 1_048_576 },
    expand: { variants: 2 },
    rollout: { responses: 6, maxResponseLength: 2048 },
    update: { optimizerStepsPerRollout: 4, learningRate: 1e-6 },
    train: { steps: 15_150, questionsPerStep: 512, saveEvery: 20, keepCheckpoints: 5, evaluateQuestions: 0 },
  },
  /** 3 billion weights on a laptop: memory for a layer at a time. */
  "qwen2.5-vl-3b-laptop": { model: "Qwen/Qwen2.5-VL-3B-Instruct", ...LAPTOP },
  /** The same of 7 billion. */
  "qwen2.5-vl-7b-laptop": { model: "Qwen/Qwen2.5-VL-7B-Instruct", ...LAPTOP },
} as const satisfies Readonly<Record<string, RunConfigInput>>;

export type PresetName = keyof typeof PRESETS;
