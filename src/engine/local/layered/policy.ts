/**
 * @module Samples from a model whose weights stay in their files: prefill and decode, layer by layer, with the adapter
 * beside them. Weights are read once for all rows, so many rows cost little more than one.
 */
import { type NdArray, ndarray } from "../../../core/ndarray.js";
import { type Adapter, adapterScales } from "../../../model/lora/adapter.js";
import { mropeTables } from "../../../model/transformer/rope.js";
import type { KvCache } from "../kvCache.js";
import type { HostSampler, LocalPolicy, NextTokens, ReadyPolicy } from "../localPolicy.js";
import type { PromptReader } from "../promptReader.js";
import { adapterByLayer, addInto, type LayerAdapter, type LayeredModel, layerPrefix } from "./model.js";

/** Runs all layers on `x`. */
async function throughLayers(
  model: LayeredModel,
  start: { readonly x: NdArray; readonly deep: readonly NdArray[] },
  run: (
    x: NdArray,
    layer: number,
    weights: Awaited<ReturnType<LayeredModel["layers"]["take"]>>,
  ) => Promise<LayerStep>,
): Promise<{ x: NdArray; keys: NdArray[]; values: NdArray[] }> {
  const { layers } = model.config;
  const keys: NdArray[] = [];
  const values: NdArray[] = [];
  let { x } = start;
  for (let layer = 0; layer < layers; layer++) {
    // After the last layer of this token comes the first of the next.
    const next = `${layerPrefix((layer + 1) % layers)}.`;
    const step = await run(x, layer, await model.layers.take(`${layerPrefix(layer)}.`, next));
    x = step.x;
    addInto(x, start.deep[layer]);
    keys.push(step.keys);
    values.push(step.values);
  }
  return { x, keys, values };
}

interface LayerStep {
  readonly x: NdArray;
  readonly keys: NdArray;
  readonly values: NdArray;
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

/** @param adapter changes in place as it is trained; default: none */
export function createLayeredPolicy(
  model: LayeredModel,
  readPrompts: PromptReader,
  adapter?: Adapter,
): LocalPolicy {
  const { config, graphs, head } = model;
  const adapters: readonly LayerAdapter[] = adapter
    ? adapterByLayer(config.layers, adapter.params, adapterScales(adapter))
    : adapterByLayer(config.layers, {}, {});
  const ofLayer = (layer: number) => adapters[layer] as LayerAdapter;

  const next = async (
    { x, keys, values }: { x: NdArray; keys: NdArray[]; values: NdArray[] },
    at: NdArray,
    { temperature }: HostSampler,
  ): Promise<NextTokens> => ({ probs: await head.probabilities(x, at, temperature), keys, values });

  const ready: ReadyPolicy = {
    model,
    readPrompts,
    eos: new Set(config.tokens.eos),
    tokenBias: model.tokenBias,
    async prefill(packed, sampler) {
      const { prompts, tokens, last, positions, sizes } = packed;
      const inputs = { rope: mropeTables(positions, config), tokens };
      const start = await model.embed(tokens.data, prompts, sizes.P);
      const done = await throughLayers(model, start, (x, layer, weights) => {
        const { adapter: own, scales } = ofLayer(layer);
        return graphs.prefill({ x, adapter: own }, { weights, scales }, inputs);
      });
      return next(done, last, sampler);
    },
    async decodeStep({ tokens, rope, cache }, sampler) {
      const start = await model.embed(tokens.data, [], 0);
      const done = await throughLayers(model, start, (x, layer, weights) => {
        const { adapter: own, scales } = ofLayer(layer);
        const inputs = { rope, cache: cacheOf(cache, layer) };
        return graphs.decode({ x, adapter: own }, { weights, scales }, inputs);
      });
      const rows = tokens.data.length;
      const all = ndarray(
        Int32Array.from({ length: rows }, (_, row) => row),
        [rows],
        "int32",
      );
      return next(done, all, sampler);
    },
  };
  return { model, ready: () => Promise.resolve(ready) };
}
