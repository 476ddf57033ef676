/**
 * @module Samples from a model whose weights stay in their files: prefill and decode, layer by layer, with the adapter
 * of the moment beside them.
 */
import { type NdArray, type Params, zeros } from "../../../core/ndarray.js";
import { zip } from "../../../core/zip.js";
import { type Adapter, adapterScales } from "../../../model/lora/adapter.js";
import { mropeTables } from "../../../model/transformer/rope.js";
import type { KvCache, Slots } from "../kvCache.js";
import type { LocalPolicy, NextTokens, ReadyPolicy } from "../policy.js";
import type { PromptReader } from "../promptReader.js";
import type { HostSampler } from "../responding.js";
import type { SamplingPrecision } from "../settings.js";
import { adapterByLayer, type EmbeddedTokens, type LayerAdapter, type LayeredModel } from "./model.js";
import { type LayerArrays, readBy, type SamplingWeights, samplingWeights } from "./samplingWeights.js";

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
  const part = ({ keys, values, mask }: Slots) => ({ keys: only(keys), values: only(values), mask });
  return { ...part(cache), ...(cache.prompt ? { prompt: part(cache.prompt) } : {}) };
}

/** What attention of a layer is asked. */
interface Attending {
  readonly qkv: NdArray;
  readonly vectors: Params;
}

/** A layer's arrays with its adapters, by what reads them. */
function withAdapter(arrays: LayerArrays, { adapter, scales }: LayerAdapter) {
  const part = (which: "before" | "after") => ({
    ...arrays[which],
    adapter: readBy(which, { ...adapter, ...scales }),
  });
  return { before: part("before"), after: part("after"), vectors: arrays.attention.vectors };
}

type Layer = ReturnType<typeof withAdapter>;

/**
 * Runs all layers on `x`.
 * @param deepLevels layers after which something can be added: they are always given it, so that they have one graph
 */
async function throughLayers(
  {
    graphs,
    layers,
    deepLevels,
  }: Pick<SamplingWeights, "graphs"> & {
    readonly layers: readonly Layer[];
    readonly deepLevels: number;
  },
  { x: first, deep }: EmbeddedTokens,
  attend: (given: Attending, layer: number) => Promise<Attended>,
): Promise<Passed> {
  const keys: NdArray[] = [];
  const values: NdArray[] = [];
  let x = first;
  let qkv = await graphs.first(x, (layers[0] as Layer).before);
  for (const [at, { vectors, after }] of layers.entries()) {
    const { mixed, ...step } = await attend({ qkv, vectors }, at);
    keys.push(step.keys);
    values.push(step.values);
    const given = { x, mixed, ...(at < deepLevels ? { deep: deep[at] ?? zeros(x.shape) } : {}) };
    const next = layers[at + 1];
    if (next) ({ x, qkv } = await graphs.between(given, { after, before: next.before }));
    else x = await graphs.last(given, after);
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

  const deepLevels = model.family.tower.deep?.blocks(config).length ?? 0;
  const readyWith = (made: SamplingWeights): ReadyPolicy => {
    const layers = zip(made.layers, adapters).map(([arrays, each]) => withAdapter(arrays, each));
    const stack = { graphs: made.graphs, layers, deepLevels };
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
        const done = await throughLayers(stack, start, (given) =>
          made.graphs.prefill({ ...given, rope }, tokens),
        );
        return next(done, Array.from(last.data), sampler);
      },
      async decodeStep({ tokens, rope, cache }, sampler) {
        const start = await model.embed(tokens.data, [], 0);
        const done = await throughLayers(stack, start, (given, layer) =>
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
