/**
 * @module A model folder as something that samples: compiled prefill and decode over parameters that training updates
 * in place.
 */
import { jit } from "../../compile/jit.js";
import { kernelQueue } from "../../compile/runtime/deviceKernel.js";
import { type Arrays, memoryFor } from "../../compile/runtime/placed.js";
import type { RuntimeOptions } from "../../compile/runtime/session.js";
import { given } from "../../core/given.js";
import type { NdArray } from "../../core/ndarray.js";
import type { OnProgress } from "../../core/progress.js";
import { type TensorParams, tf } from "../../core/tf.js";
import type { Network } from "../../model/family.js";
import type { Model } from "../../model/load.js";
import { decodeStep, type PrefillInputs, prefill, type Sampler } from "../../model/transformer/decode.js";
import { type PackedPrompts, tokenBias } from "../../model/transformer/pack.js";
import { mropeTables } from "../../model/transformer/rope.js";
import type { KvCache } from "./kvCache.js";
import { respondOnDevice, type StepInputs } from "./onDevice/respondOnDevice.js";
import { createPromptReader, type PromptReader } from "./promptReader.js";
import type { StartResponding } from "./responding.js";
import { samplingWeights } from "./samplingWeights.js";

/** Sampler settings on the host. */
export interface HostSampler {
  readonly temperature: NdArray;
  readonly tokenBias: NdArray;
}

export interface LocalPolicy {
  readonly model: Network;
  /** Prepares the model's parameters of now for sampling. */
  ready(onProgress?: OnProgress): Promise<ReadyPolicy>;
}

/** A policy that samples, until training next changes its parameters. */
export interface ReadyPolicy {
  readonly model: Network;
  readonly readPrompts: PromptReader;
  /** Frees what it holds on a device. */
  dispose?(): void;
  /** Tokens that end a response. */
  readonly eos: ReadonlySet<number>;
  readonly tokenBias: NdArray;
  /** Answers prompts where the graphs run; default: keys and values on the host (`respondOnHost`). */
  readonly respond?: StartResponding;
  prefill(packed: PackedPrompts, sampler: HostSampler): Promise<NextTokens>;
  decodeStep(
    inputs: { tokens: NdArray; rope: { cos: NdArray; sin: NdArray }; cache: KvCache },
    sampler: HostSampler,
  ): Promise<NextTokens>;
}

/** What is known after some tokens have been read. */
export interface NextTokens {
  /** `[rows, V]` f32 */
  readonly probs: NdArray;
  /** Of the tokens read, per layer. */
  readonly keys: readonly NdArray[];
  readonly values: readonly NdArray[];
}

/**
 * Compiles prefill and decode for a model; graphs are made on first use.
 * @param parts `readPrompts`: default a reader of its own; `runtime`: where graphs run; `weights`: the parameters of now
 *   where they read them, which somebody else keeps there; default: the model's, placed each time
 */
export function createLocalPolicy(
  model: Model,
  parts: {
    readonly readPrompts?: PromptReader;
    readonly runtime?: RuntimeOptions;
    readonly weights?: () => Promise<Arrays>;
  } = {},
): LocalPolicy {
  const { config } = model;
  const { readPrompts = createPromptReader(model.processor), runtime = {} } = parts;
  type DecodeInputs = Parameters<typeof decodeStep>[2];
  const placeWeights = samplingWeights(model, runtime, parts.weights);
  const runPrefill = jit(
    (weights: TensorParams, inputs: PrefillInputs, sampler: Sampler) =>
      prefill(weights, model, inputs, sampler),
    { name: "prefill", runtime },
  );
  const runDecode = jit(
    (weights: TensorParams, inputs: DecodeInputs, sampler: Sampler) =>
      decodeStep(weights, config, inputs, sampler),
    { name: "decode", runtime: { ...runtime, plansMemory: true } },
  );
  const runStep = jit(
    (weights: TensorParams, { tokens, positions, table, cache }: StepInputs, sampler: Sampler) => {
      const rope = { cos: tf.gather(table.cos, positions), sin: tf.gather(table.sin, positions) };
      return decodeStep(weights, config, { tokens, rope, cache }, sampler);
    },
    { name: "decode", runtime: { replays: true, ...runtime, plansMemory: true } },
  );
  const about = {
    model,
    readPrompts,
    eos: new Set(config.tokens.eos),
    tokenBias: tokenBias(config, model.processor.size),
  };
  const readyWith = (weights: Arrays): ReadyPolicy => ({
    ...about,
    prefill: (packed, sampler) => {
      const { tokens, last, image } = packed;
      const rope = mropeTables(packed.positions, config);
      return runPrefill(weights, { tokens, rope, last, ...(image ? { image } : {}) }, sampler);
    },
    decodeStep: ({ tokens, rope, cache }, sampler) => {
      const { promptKeys, promptValues, blocks, promptMask, slotMask } = cache;
      const held = { promptKeys, promptValues, blocks, promptMask, slotMask };
      return runDecode(weights, { tokens, rope, cache: held }, sampler);
    },
  });
  return {
    model,
    ready: async () => {
      const { arrays: weights, dispose } = await placeWeights();
      const memory = await memoryFor(runtime);
      const device = memory && { memory, kernels: kernelQueue(memory) };
      const respond =
        device && respondOnDevice({ ...about, weights, device, prefill: runPrefill, step: runStep });
      return { ...readyWith(weights), ...given({ respond }), dispose };
    },
  };
}
