/**
 * @module A model whose weights stay in their files: opened, with what is computed layer by layer.
 */
import type { RuntimeOptions } from "../../../compile/runtime/session.js";
import { type NdArray, type Params, zeros } from "../../../core/ndarray.js";
import { zip } from "../../../core/zip.js";
import type { Network } from "../../../model/family.js";
import { loadNetwork } from "../../../model/load.js";
import type { PatchedPrompt } from "../../../model/patchPrompt.js";
import { loadProcessor, type Processor } from "../../../model/processor.js";
import { within } from "../../../model/transformer/layers.js";
import { tokenBias } from "../../../model/transformer/pack.js";
import { openWeights } from "../../../model/weights/open.js";
import type { TensorStore } from "../../../model/weights/tensorStore.js";
import { createHead, type Head } from "./head.js";
import { createImageReader } from "./imageRows.js";
import { type LayerGraphs, layerGraphs } from "./layerGraphs.js";
import { createLayerStream, type LayerStream } from "./layerStream.js";
import { readRows } from "./tokenRows.js";

/** A model folder with its weights open. */
export interface OpenModel extends Network {
  readonly dir: string;
  readonly processor: Processor;
  readonly store: TensorStore;
}

/** Opens a Hugging Face model folder. @throws ModelError or CheckpointError naming what is missing or damaged */
export async function openModel(dir: string): Promise<OpenModel> {
  const processor = await loadProcessor(dir);
  const network = await loadNetwork(dir);
  return { ...network, dir, processor, store: await openWeights(dir, network) };
}

/** Tokens before the first layer. */
export interface EmbeddedTokens {
  /** `[T, hidden]` f32 */
  readonly x: NdArray;
  /** Added to `x` after the decoder's first layers, `[T, hidden]` f32 each (DeepStack). */
  readonly deep: readonly NdArray[];
}

/** A model in the pieces that run one at a time. */
export interface LayeredModel extends OpenModel {
  readonly graphs: LayerGraphs;
  readonly layers: LayerStream;
  readonly head: Head;
  readonly tokenBias: NdArray;
  /** What its graphs are opened with. */
  readonly runtime: RuntimeOptions;
  /**
   * Prompts on a flat axis, each at its place, and other tokens.
   * @param tokens `[T]` on the flat axis
   * @param stride tokens from one prompt's beginning to the next one's
   */
  embed(
    tokens: ArrayLike<number>,
    prompts: readonly PatchedPrompt[],
    stride: number,
  ): Promise<EmbeddedTokens>;
}

export function layeredModel(model: OpenModel, runtime: RuntimeOptions = {}): LayeredModel {
  const { store, config } = model;
  const bias = tokenBias(config, model.processor.size);
  const readImage = createImageReader(model, store, runtime);
  return {
    ...model,
    graphs: layerGraphs(config, runtime),
    layers: createLayerStream(store),
    head: createHead(model, store, bias, runtime),
    tokenBias: bias,
    runtime,
    async embed(tokens, prompts, stride) {
      const x = await readRows(store, "model.embed_tokens.weight", tokens);
      const deep: NdArray[] = [];
      for (const [u, prompt] of prompts.entries()) {
        const places = imagePlaces(prompt, config.tokens.image, u * stride);
        for (const image of prompt.images) {
          const read = await readImage(image);
          const own = places.splice(0, read.rows.shape[0] as number);
          placeRows(x, read.rows, own);
          for (const [level, rows] of read.deep.entries()) {
            deep[level] ??= zeros(x.shape);
            placeRows(deep[level], rows, own);
          }
        }
      }
      return { x, deep };
    },
  };
}

/** Where a prompt's image tokens stand. */
function imagePlaces({ tokens }: PatchedPrompt, image: number, start: number): number[] {
  return Array.from(tokens).flatMap((token, at) => (token === image ? [start + at] : []));
}

function placeRows(target: NdArray, rows: NdArray, places: readonly number[]): void {
  const columns = target.shape[1] as number;
  for (const [n, place] of places.entries()) {
    target.data.set(rows.data.subarray(n * columns, (n + 1) * columns), place * columns);
  }
}

/** Prefix of a layer's parameters. */
export function layerPrefix(layer: number): string {
  return `model.layers.${layer}`;
}

/** An adapter by layer: what a layer's graph takes. */
export interface LayerAdapter {
  readonly adapter: Params;
  readonly scales: Params;
}

/** Cuts an adapter's arrays and scales by layer; arrays are not copied. */
export function adapterByLayer(layers: number, adapter: Params, scales: Params): LayerAdapter[] {
  return Array.from({ length: layers }, (_, layer) => ({
    adapter: within(adapter, layerPrefix(layer)),
    scales: within(scales, layerPrefix(layer)),
  }));
}

/** Adds `level` to `x` in place. */
export function addInto(x: NdArray, level: NdArray | undefined): void {
  if (!level) return;
  for (let at = 0; at < x.data.length; at++) {
    x.data[at] = (x.data[at] as number) + (level.data[at] as number);
  }
}

/** Adds arrays of the same names. */
export function addAllInto(sums: Params, arrays: Params): void {
  for (const [sum, array] of zip(
    Object.keys(arrays).map((name) => sums[name] as NdArray),
    Object.values(arrays),
  )) {
    addInto(sum, array);
  }
}
