/**
 * @module A model folder as something that samples: compiled prefill and decode over parameters that training updates
 * in place.
 */
import { jit } from "../compile/jit.js";
import type { NdArray } from "../core/ndarray.js";
import type { Model } from "../model/load.js";
import { decodeStep, type PrefillInputs, prefill, type Sampler } from "../model/qwen25vl/decode.js";
import { type PackedPrompts, tokenBias } from "../model/qwen25vl/pack.js";
import { mropeTables } from "../model/qwen25vl/rope.js";
import type { KvCache } from "./kvCache.js";

/** Sampler settings on the host. */
export interface HostSampler {
  readonly temperature: NdArray;
  readonly tokenBias: NdArray;
}

export interface LocalPolicy {
  readonly model: Model;
  /** Tokens that end a response. */
  readonly eos: ReadonlySet<number>;
  readonly tokenBias: NdArray;
  prefill(
    packed: PackedPrompts,
    sampler: HostSampler,
  ): Promise<{ probs: NdArray; keys: readonly NdArray[]; values: readonly NdArray[] }>;
  decodeStep(
    inputs: { tokens: NdArray; rope: { cos: NdArray; sin: NdArray }; cache: KvCache },
    sampler: HostSampler,
  ): Promise<{ probs: NdArray; keys: readonly NdArray[]; values: readonly NdArray[] }>;
}

/** Compiles prefill and decode for a model; graphs are made on first use. */
export function createLocalPolicy(model: Model): LocalPolicy {
  const { config, params } = model;
  const bias = tokenBias(config, model.processor.size);
  type TensorParams = Parameters<typeof prefill>[0];
  type DecodeInputs = Parameters<typeof decodeStep>[2];
  const runPrefill = jit(
    (weights: TensorParams, inputs: PrefillInputs, sampler: Sampler) =>
      prefill(weights, config, inputs, sampler),
    { name: "prefill" },
  );
  const runDecode = jit(
    (weights: TensorParams, inputs: DecodeInputs, sampler: Sampler) =>
      decodeStep(weights, config, inputs, sampler),
    { name: "decode" },
  );
  return {
    model,
    eos: new Set(config.tokens.eos),
    tokenBias: bias,
    prefill: (packed, sampler) =>
      runPrefill(
        params,
        {
          tokens: packed.tokens,
          rope: mropeTables(packed.positions, config),
          last: packed.last,
          ...(packed.image ? { image: packed.image } : {}),
        },
        sampler,
      ),
    decodeStep: ({ tokens, rope, cache }, sampler) => {
      const { promptKeys, promptValues, blocks, promptMask, slotMask } = cache;
      return runDecode(
        params,
        { tokens, rope, cache: { promptKeys, promptValues, blocks, promptMask, slotMask } },
        sampler,
      );
    },
  };
}
