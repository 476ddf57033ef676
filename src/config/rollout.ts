/**
 * @module Settings of how questions are answered: by what, how often, and which answers are trained on.
 */
import { z } from "zod";

const positiveInt = z.int().positive();

export const filterSchema = z.strictObject({
  kind: z
    .enum(["off", "valid", "mean"])
    .default("off")
    .describe(
      "questions trained on: all; those whose rewards differ (DAPO); those of a mean inside low … high (EasyR1)",
    ),
  key: z.enum(["overall", "accuracy", "format"]).default("overall").describe("the reward that is looked at"),
  low: z.number().default(0.01).describe("kind mean: the question's mean is above it; EasyR1 filter_low"),
  high: z.number().default(0.99).describe("kind mean: the question's mean is below it; EasyR1 filter_high"),
  maxTries: positiveInt
    .default(8)
    .describe("batches of questions sampled for one step at most; EasyR1 max_try_make_batch 20"),
});

export const rolloutSchema = z.strictObject({
  responses: positiveInt.default(6).describe("n, responses per variant; Table 5"),
  temperature: z.number().positive().default(1).describe("softmax temperature; paper 0.7, code 1.0"),
  topP: z.number().gt(0).max(1).default(1).describe("nucleus; code 0.99"),
  topK: z.int().nonnegative().default(0).describe("most likely tokens kept; 0: all"),
  maxResponseLength: positiveInt.default(96).describe("tokens; code 2048"),
  maxRows: positiveInt.default(256).describe("responses decoded at once; memory, not results"),
  weights: z
    .enum(["exact", "int8"])
    .default("exact")
    .describe(
      "what samples beside an adapter (lora.rank): the weights as they are, or int8: rounded, with half the memory and faster; gradients stay exact",
    ),
  filter: filterSchema.prefault({}),
  server: z
    .string()
    .default("")
    .describe(
      "a vLLM or SGLang server that samples with the adapter in training (lora.rank); empty: this machine",
    ),
  adapters: z
    .string()
    .default("")
    .describe("with server: folder where the adapter is put for it, one that both see"),
  adaptersThere: z.string().default("").describe("with server: the same folder as it is called there"),
  publishEvery: positiveInt
    .default(1)
    .describe("with server: rollout steps between two adapters; above 1 the sampler lags behind the learner"),
  importanceCap: z
    .number()
    .min(1)
    .nullable()
    .default(2)
    .describe(
      "with server: tokens weighted by min(cap, π_old/π_sampler), both under the prompt that was asked; null: not",
    ),
});
