/**
 * @module Forward and backward over all layers for several micro-batches at once: a layer's weights are read and widened
 * once for all of them. Only layer inputs are kept; a layer's gradient computes the layer once more.
 */

import type { HostOf } from "../../../compile/tree.js";
import type { NdArray, Params } from "../../../core/ndarray.js";
import { zip } from "../../../core/zip.js";
import { type PackedUnits, packUnits } from "../../../model/transformer/pack.js";
import type { Reading } from "../../../policy/lessons.js";
import { breathe } from "../breathe.js";
import type { PromptReader } from "../promptReader.js";
import type { LayerBatch } from "./layerGraphs.js";
import { addAllInto, addInto, type LayerAdapter, type LayeredModel, layerPrefix } from "./model.js";

/** Bytes of layer inputs that are kept at once. */
export const KEPT_BYTES = 2e9;

/** A micro-batch on its way through the layers. */
export interface Passing {
  readonly packed: PackedUnits<NdArray>;
  /** `inputs[l]` `[S, hidden]`: what layer l reads; one more than there are layers. Where they are kept. */
  readonly inputs: NdArray[];
  /** `[S, hidden]` after the last layer that was run. */
  x: NdArray;
  readonly deep: readonly NdArray[];
}

export interface PassOptions {
  readonly adapters: readonly LayerAdapter[];
  readonly keepsInputs?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Called after each layer. */
  readonly onLayer?: (done: number) => void;
}

/** Packs readings and embeds their tokens. */
export async function startPass(
  model: LayeredModel,
  readPrompts: PromptReader,
  readings: readonly Reading[],
): Promise<Passing> {
  const prompts = await readPrompts(readings.map(({ prompt }) => prompt));
  const units = zip(prompts, readings).map(([prompt, { responses_R }]) => ({
    prompt,
    responses: responses_R,
  }));
  const packed = packUnits(units, model);
  const tokens = [...packed.promptTokens.data, ...packed.responseTokens.data];
  const stride = packed.promptTokens.shape[1] as number;
  return { packed, inputs: [], ...(await model.embed(tokens, prompts, stride)) };
}

function batchOf({ packed }: Passing): HostOf<LayerBatch> {
  const { promptTokens, responseTokens, promptMask, rope } = packed;
  return { promptTokens, responseTokens, promptMask, rope };
}

/** Runs all layers; `passing.x` becomes what the last one gives. */
export async function forwardPass(
  model: LayeredModel,
  passing: readonly Passing[],
  { adapters, keepsInputs, signal, onLayer }: PassOptions,
): Promise<void> {
  const { layers: count } = model.config;
  await model.graphs.pass(passing, async ({ forward }) => {
    for (let layer = 0; layer < count; layer++) {
      const next = layer + 1 < count ? `${layerPrefix(layer + 1)}.` : undefined;
      const weights = await model.layers.take(`${layerPrefix(layer)}.`, next);
      const { adapter, scales } = adapters[layer] as LayerAdapter;
      for (const each of passing) {
        if (keepsInputs) each.inputs.push(each.x);
        each.x = await forward({ x: each.x, adapter }, { weights, scales }, batchOf(each));
        addInto(each.x, each.deep[layer]);
        await breathe(signal);
      }
      onLayer?.(layer + 1);
    }
  });
}

/**
 * Adds the adapters' gradients to `sums`, from the last layer down.
 * @param dx per micro-batch `[S, hidden]`, the gradient by what the last layer gives; taken over
 * @param sums by parameter name
 */
export async function backwardPass(
  model: LayeredModel,
  passing: readonly Passing[],
  dx: NdArray[],
  { adapters, signal, onLayer, sums }: PassOptions & { readonly sums: Params },
): Promise<void> {
  await model.graphs.pass(passing, async ({ backward }) => {
    for (let layer = model.config.layers - 1; layer >= 0; layer--) {
      const prefix = layerPrefix(layer);
      const weights = await model.layers.take(
        `${prefix}.`,
        layer > 0 ? `${layerPrefix(layer - 1)}.` : undefined,
      );
      const { adapter, scales } = adapters[layer] as LayerAdapter;
      for (const [at, each] of passing.entries()) {
        const trained = { x: each.inputs.pop() as NdArray, adapter };
        const grads = await backward(trained, dx[at] as NdArray, { weights, scales }, batchOf(each));
        dx[at] = grads.x;
        const named = Object.entries(grads.adapter).map(
          ([name, array]) => [`${prefix}.${name}`, array] as const,
        );
        addAllInto(sums, Object.fromEntries(named));
        await breathe(signal);
      }
      onLayer?.(model.config.layers - layer);
    }
  });
}
