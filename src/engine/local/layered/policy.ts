/**
 * @module Samples from a model whose weights stay in their files: prefill and decode, layer by layer, with the adapter
 * of the moment beside them.
 */
import type { NdArray } from "../../../core/ndarray.js";
import { type Adapter, adapterScales } from "../../../model/lora/adapter.js";
import { mropeTables } from "../../../model/transformer/rope.js";
import type { KvCache } from "../kvCache.js";
import type { LocalPolicy, NextTokens, ReadyPolicy } from "../policy.js";
import type { PromptReader } from "../promptReader.js";
import type { HostSampler } from "../responding.js";
import type { SamplingPrecision } from "../settings.js";
import {
  adapterByLayer,
  addInto,
  type EmbeddedTokens,
  type LayerAdapter,
  type LayeredModel,
} from "./model.js";
import { type SamplingWeights, samplingWeights } from "./samplingWeights.js";

/** What attention of one layer reads and gives. */
interface Attended {
  readonly mixed: NdArray;
  readonly keys: NdArray;
  readonly values: NdArray;
}

/** What came of all layers: per layer keys and values. */
interface Passed {
  readonly x: NdArray;
  readonly keys: readonly NdArray[];
  readonly values: readonly NdArray[];
}

/** The part of a cache that a layer reads. */
function cacheOf(cache: KvCache, layer: number) {
  const only = (arrays: readonly NdArray[]) => [arrays[layer] as NdArray];
  return {
    promptKeys: only(cache.promptKeys),
    promptValues: only(cache.promptValues),
    blocks: cache.blocks.map(({ keys, values }) => ({ keys: only(keys), values: only(values) })),
    promptMask: cache.promptMask,
    slotMask: cache.slotMask,
  };
}

/** Runs all layers on `x`. */
async function throughLayers(
  { graphs, layers }: SamplingWeights,
  adapters: readonly LayerAdapter[],
  { x: first, deep }: EmbeddedTokens,
  attend: (given: { qkv: NdArray; vectors: Record<string, NdArray> }, layer: number) => Promise<Attended>,
): Promise<Passed> {
  const keys: NdArray[] = [];
  const values: NdArray[] = [];
  let x = first;
  for (const [layer, arrays] of layers.entries()) {
    const { adapter, scales } = adapters[layer] as LayerAdapter;
    const weights = { ...arrays, adapter: { ...adapter, ...scales } };
    const qkv = await graphs.before(x, weights);
    const step = await attend({ qkv, vectors: arrays.vectors }, layer);
    x = await graphs.after({ x, mixed: step.mixed }, weights);
    addInto(x, deep[layer]);
    keys.push(step.keys);
    values.push(step.values);
  }
  return { x, keys, values };
}

/** A policy whose sessions and files can be closed. */
export interface LayeredPolicy extends LocalPolicy {
  close(): Promise<void>;
}

export interface LayeredPolicyOptions {
  /** Changes in place as it is trained; default: none. */
  readonly adapter?: Adapter;
  /** Default: exact. */
  readonly precision?: SamplingPrecision;
}

export function createLayeredPolicy(
  model: LayeredModel,
  readPrompts: PromptReader,
  { adapter, precision = { weights: "exact" } }: LayeredPolicyOptions = {},
): LayeredPolicy {
  const { config } = model;
  const adapters = adapter
    ? adapterByLayer(config.layers, adapter.params, adapterScales(adapter))
    : adapterByLayer(config.layers, {}, {});
  let weights: Promise<SamplingWeights> | undefined;

  const readyWith = (made: SamplingWeights): ReadyPolicy => {
    const next = async (read: Passed, at: readonly number[], sampler: HostSampler): Promise<NextTokens> => {
      const { x, keys, values } = read;
      return { probs: await made.probabilities(x, at, sampler), keys, values };
    };
    return {
      model,
      readPrompts,
      eos: new Set(config.tokens.eos),
      tokenBias: model.tokenBias,
      async prefill({ prompts, tokens, last, positions, sizes }, sampler) {
        const rope = mropeTables(positions, config);
        const start = await model.embed(tokens.data, prompts, sizes.P);
        const done = await throughLayers(made, adapters, start, (given) =>
          made.graphs.prefill({ ...given, rope }, tokens),
        );
        return next(done, Array.from(last.data), sampler);
      },
      async decodeStep({ tokens, rope, cache }, sampler) {
        const start = await model.embed(tokens.data, [], 0);
        const done = await throughLayers(made, adapters, start, (given, layer) =>
          made.graphs.decode({ ...given, rope }, cacheOf(cache, layer)),
        );
        return next(done, [...tokens.data.keys()], sampler);
      },
    };
  };

  return {
    model,
    ready: async (onProgress) => {
      weights ??= samplingWeights(model, precision, onProgress).catch((error: unknown) => {
        weights = undefined; // what failed may be tried again
        throw error;
      });
      return readyWith(await weights);
    },
    close: async () => {
      await (await weights?.catch(() => undefined))?.close();
    },
  };
}
