/**
 * @module What transformers computed on golden checkpoints (benchmarks/measured/parity/qwen25vl.py and qwen3vl.py), and
 * the same computation here, for the tests that compare them.
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { mapTree } from "../../src/compile/tree.js";
import { type NdArray, ndarray, type Params } from "../../src/core/ndarray.js";
import { type Tensor, type TensorParams, tf } from "../../src/core/tf.js";
import type { Network } from "../../src/model/family.js";
import type { ImagePatches } from "../../src/model/imageProcessor.js";
import { loadNetwork, loadParams } from "../../src/model/load.js";
import { readSafetensors } from "../../src/model/safetensors.js";
import { attendRows } from "../../src/model/transformer/attention.js";
import { decoder, embed, logits } from "../../src/model/transformer/decoder.js";
import { decoderParams } from "../../src/model/transformer/jointQkv.js";
import type { ImageInputs } from "../../src/model/transformer/pack.js";
import { causalMask } from "../../src/model/transformer/prefix.js";
import { type Grid, mropePositions, mropeTables } from "../../src/model/transformer/rope.js";
import { see } from "../../src/model/transformer/see.js";

export const CASES = ["twoImages", "textOnly", "oneImage"] as const;
export type Case = (typeof CASES)[number];
export const GOLDENS = ["qwen25vl/tied", "qwen25vl/untied", "qwen3vl/tied", "qwen3vl/untied"] as const;
export type Golden = (typeof GOLDENS)[number];

export function goldenFolder(golden: Golden): string {
  return fileURLToPath(new URL(`../golden/${golden}`, import.meta.url));
}

/** A network with its weights, without a processor. */
export interface GoldenModel extends Network {
  readonly params: Params;
}

export async function loadGolden(golden: Golden): Promise<{ model: GoldenModel; expected: Params }> {
  const dir = goldenFolder(golden);
  const network = await loadNetwork(dir);
  const expected = await readSafetensors(`${dir}/golden.safetensors`);
  return { model: { ...network, params: await loadParams(dir, network) }, expected };
}

/** The checkpoint's config.json, parsed. */
export async function goldenConfig(golden: Golden): Promise<unknown> {
  return JSON.parse(await readFile(`${goldenFolder(golden)}/config.json`, "utf8"));
}

/** A golden array that must be there. */
export function pick(expected: Params, name: string): NdArray {
  const array = expected[name];
  if (!array) throw new Error(`golden.safetensors: missing ${name}`);
  return array;
}

export function toTensor(array: NdArray): Tensor {
  return tf.tensor(Float32Array.from(array.data), [...array.shape], array.dtype);
}

export function toTensors(params: Params): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(params).map(([name, array]) => [name, toTensor(array)]));
}

export function gridsOf(expected: Params, name: Case): Grid[] {
  const rows = expected[`${name}.grids`]?.data ?? [];
  return Array.from({ length: rows.length / 3 }, (_, image) => ({
    t: rows[3 * image] as number,
    h: rows[3 * image + 1] as number,
    w: rows[3 * image + 2] as number,
  }));
}

/** What a forward pass of one prompt reads; `Array` is NdArray on the host and Tensor inside. */
export interface Inputs<Array = Tensor> {
  readonly tokens: Array;
  readonly cos: Array;
  readonly sin: Array;
  readonly image?: ImageInputs<Array>;
}

/** @param minPatches room per image that is laid out at least */
export function hostInputs(
  expected: Params,
  name: Case,
  { family, config }: Network,
  minPatches = 0,
): Inputs<NdArray> {
  const tokens = pick(expected, `${name}.tokens`);
  const { positions } = mropePositions(tokens.data, gridsOf(expected, name), config);
  const text = { tokens, ...mropeTables(positions, config) };
  const images = imagesOf(expected, name);
  if (images.length === 0) return text;
  const { inputs, rows } = family.layOut(images, config, minPatches);
  const isImage = Array.from(tokens.data, (token) => (token === config.tokens.image ? 1 : 0));
  let used = 0;
  const index = isImage.map((is) => (is ? (rows.flat()[used++] as number) : 0));
  const image = {
    vision: inputs,
    index: ndarray(index, [index.length], "int32"),
    isImage: ndarray(isImage, [isImage.length]),
  };
  return { ...text, image };
}

/** The golden patches, cut into images. */
export function imagesOf(expected: Params, name: Case): ImagePatches[] {
  let end = 0;
  return gridsOf(expected, name).map((grid) => {
    const all = pick(expected, `${name}.patches`);
    const patchDim = all.shape[1] as number;
    const begin = end;
    end += grid.t * grid.h * grid.w;
    return { grid, patches: Float32Array.from(all.data.subarray(begin * patchDim, end * patchDim)) };
  });
}

export function tensorInputs(host: Inputs<NdArray>): Inputs {
  return mapTree(host, toTensor) as Inputs;
}

/** `[G, hidden]`: the tower's rows of a prompt's image tokens, in their order. */
export function imageRows(params: TensorParams, network: Network, { image }: Inputs): Tensor {
  if (!image) throw new Error("no image");
  const at = Array.from(image.isImage.dataSync()).flatMap((is, token) => (is ? [token] : []));
  const { rows, index } = see(params, network, image);
  return tf.gather(rows, tf.gather(index, tf.tensor1d(at, "int32")));
}

/** `[S, V]` of one prompt. */
export function scores(params: TensorParams, network: Network, inputs: Inputs): Tensor {
  const { config } = network;
  const S = inputs.tokens.shape[0] as number;
  const x = embed(params, inputs.tokens, inputs.image && see(params, network, inputs.image));
  const attend = attendRows(tf.reshape(causalMask(S), [1, S, S]), { B: 1, S });
  return logits(params, config, decoder(decoderParams(params, config), config, x, inputs, attend));
}

/** `[S − 1]`: log p of every token but the first. */
export function tokenLogProbs(params: TensorParams, network: Network, inputs: Inputs): Tensor {
  const V = network.config.vocabSize;
  const S = inputs.tokens.shape[0] as number;
  const all = tf.logSoftmax(tf.slice(scores(params, network, inputs), [0, 0], [S - 1, V]));
  const labels = tf.oneHot(tf.cast(tf.slice(inputs.tokens, [1], [S - 1]), "int32"), V);
  return tf.sum(tf.mul(all, labels), 1);
}

/** The loss whose gradients the golden file holds: − Σ sin(t)·log p(token t+1). */
export function goldenLoss(params: TensorParams, network: Network, inputs: readonly Inputs[]): Tensor {
  const parts = inputs.map((each) => {
    const logProbs = tokenLogProbs(params, network, each);
    const T = logProbs.shape[0] as number;
    return tf.sum(tf.mul(tf.sin(tf.range(0, T, 1, "float32")), logProbs));
  });
  return tf.neg(parts.reduce((sum, part) => tf.add(sum, part)));
}

/** Largest |a − b|; NaN counts as infinite. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  return Array.from(a).reduce((largest, value, at) => {
    const difference = Math.abs(value - (b[at] as number));
    return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(largest, difference);
  }, 0);
}
