/**
 * @module Every setting of a training run: default, meaning, unit and source. Misspelt keys are refused by name.
 *
 * Sources: Eq./Table = the paper; `code` = the released implementation (config.py, core_algos.py).
 */
import { z } from "zod";
import { dataSchema } from "./data.js";

const positiveInt = z.int().positive();
const share = z.number().min(0).max(1);
/** Of a running mean: at 1 it would never move, and AdamW would divide by 1 − 1. */
const decay = z.number().min(0).lt(1);

export const expandSchema = z.strictObject({
  variants: positiveInt.default(2).describe("m, variants per question; Table 4"),
  transformProbability: share
    .default(0.3)
    .describe("p, probability that a variant's images are transformed; code: 0.3"),
  isOriginalFirst: z
    .boolean()
    .default(true)
    .describe("variant 0 keeps the original words; the code draws it like any rewrite"),
  formatPrompt: z
    .string()
    .default("Think in <think> </think>, then answer in \\boxed{}.")
    .describe("sentence appended to every variant, after one space"),
});

export const rolloutSchema = z.strictObject({
  responses: positiveInt.default(6).describe("n, responses per variant; Table 5"),
  temperature: z.number().positive().default(1).describe("softmax temperature; paper 0.7, code 1.0"),
  topP: z.number().gt(0).max(1).default(1).describe("nucleus; code 0.99"),
  topK: z.int().nonnegative().default(0).describe("most likely tokens kept; 0: all"),
  maxResponseLength: positiveInt.default(96).describe("tokens; code 2048"),
  maxRows: positiveInt.default(256).describe("responses decoded at once; memory, not results"),
});

export const rewardSchema = z.strictObject({
  formatWeight: share.default(0.1).describe("weight of the format reward; accuracy has the rest; code 0.1"),
});

export const updateSchema = z.strictObject({
  algorithm: z
    .enum(["share-grpo", "grpo"])
    .default("share-grpo")
    .describe("share-grpo: m·m·n pairs, Eqs. 5–8; grpo: each response under its own prompt, Eq. 1"),
  optimizerStepsPerRollout: positiveInt
    .default(2)
    .describe("mini-batches a rollout step is split into; paper 512/128 = 4"),
  epochs: positiveInt.default(1).describe("passes over the rollouts of a step; code 1"),
  microBatchUnits: positiveInt.default(4).describe("prompts in one gradient graph; memory, not results"),
  clipLow: z.number().gt(0).lt(1).default(0.2).describe("lower clip of the ratio; code 0.2"),
  clipHigh: z.number().gt(0).default(0.3).describe("upper clip of the ratio; code 0.3"),
  dualClip: z.number().gt(1).default(3).describe("bound on the loss of negative advantages; code 3.0"),
  learningRate: z.number().positive().default(1e-6).describe("AdamW; paper 1e-6"),
  warmupSteps: z.int().nonnegative().default(0).describe("rollout steps of linear warm-up; code 0"),
  weightDecay: z.number().nonnegative().default(0.01).describe("AdamW, on all parameters; code 0.01"),
  beta1: decay.default(0.9).describe("AdamW; code 0.9"),
  beta2: decay.default(0.999).describe("AdamW; code 0.999"),
  epsilon: z.number().positive().default(1e-8).describe("AdamW; code 1e-8"),
  maxGradNorm: z.number().positive().default(1).describe("clip by global norm; code 1.0"),
});

export const trainSchema = z.strictObject({
  steps: positiveInt.default(100).describe("rollout steps; paper: best at 100"),
  questionsPerStep: positiveInt.default(16).describe("B, questions per rollout step; paper 512"),
  saveEvery: positiveInt.default(10).describe("steps between checkpoints; the last step is always saved"),
  keepCheckpoints: positiveInt.default(2).describe("newest checkpoints kept; code 5"),
  evaluateQuestions: z
    .int()
    .nonnegative()
    .default(400)
    .describe("held-out questions before and after, greedy"),
  loggedQuestions: z.int().nonnegative().default(2).describe("questions per step written to rollouts.jsonl"),
});

export const runSchema = z
  .strictObject({
    seed: z.int().nonnegative().default(1).describe("all randomness follows from it"),
    model: z.string().default("tiny").describe("model folder, or `tiny` for the bundled policy"),
    data: dataSchema.prefault({}),
    expand: expandSchema.prefault({}),
    rollout: rolloutSchema.prefault({}),
    reward: rewardSchema.prefault({}),
    update: updateSchema.prefault({}),
    train: trainSchema.prefault({}),
  })
  .refine((run) => run.expand.variants * run.rollout.responses >= 2, {
    message: "responses are compared with each other: variants × responses must be at least 2",
    path: ["rollout", "responses"],
  })
  .refine((run) => run.update.algorithm !== "share-grpo" || run.rollout.responses >= 2, {
    message: "share-grpo compares the responses of one variant with each other: responses must be at least 2",
    path: ["rollout", "responses"],
  })
  .refine((run) => run.train.questionsPerStep % run.update.optimizerStepsPerRollout === 0, {
    message: "questions are split evenly: questionsPerStep must be a multiple of optimizerStepsPerRollout",
    path: ["update", "optimizerStepsPerRollout"],
  });

export type RunConfig = z.output<typeof runSchema>;
export type RunConfigInput = z.input<typeof runSchema>;
