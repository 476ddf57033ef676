/**
 * @module What transformers computed on the two golden checkpoints (benchmarks/measured/parity/qwen25vl.py), and the same
 * computation here, for the tests that compare them.
 */
import { fileURLToPath } from "node:url";
import { type NdArray, ndarray, type Params } from "../../../src/core/ndarray.js";
import { type Tensor, tf } from "../../../src/core/tf.js";
import type { ModelConfig } from "../../../src/model/qwen25vl/config.js";
import { loadModel, type Model } from "../../../src/model/qwen25vl/load.js";
import { type Grid, mropePositions, mropeTables } from "../../../src/model/qwen25vl/rope.js";
import {
  gatherPatches,
  type VisionLayout,
  visionLayout,
  visionTower,
} from "../../../src/model/qwen25vl/vision.js";
import { readSafetensors } from "../../../src/model/safetensors.js";
import { attendRows } from "../../../src/model/transformer/attention.js";
import { decoder, embed, logits } from "../../../src/model/transformer/decoder.js";
import { decoderParams } from "../../../src/model/transformer/jointQkv.js";
import type { TensorParams } from "../../../src/model/transformer/layers.js";
import { causalMask } from "../../../src/model/transformer/prefix.js";

export const CASES = ["twoImages", "textOnly", "oneImage"] as const;
export type Case = (typeof CASES)[number];
export type Golden = "tied" | "untied";

export function goldenFolder(golden: Golden): string {
  return fileURLToPath(new URL(`../../golden/qwen25vl/${golden}`, import.meta.url));
}

export async function loadGolden(golden: Golden): Promise<{ model: Model; expected: Params }> {
  const dir = goldenFolder(golden);
  return { model: await loadModel(dir), expected: await readSafetensors(`${dir}/golden.safetensors`) };
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

/** Arrays that a forward pass of one prompt needs, made on the host. */
export interface HostInputs {
  readonly tokens: NdArray;
  readonly cos: NdArray;
  readonly sin: NdArray;
  readonly image?: {
    readonly layout: VisionLayout;
    readonly patches: NdArray;
    readonly index: NdArray;
    readonly isImage: NdArray;
  };
}

export function hostInputs(
  expected: Params,
  name: Case,
  config: ModelConfig,
  bucket?: { images: number; windows: number },
): HostInputs {
  const tokens = pick(expected, `${name}.tokens`);
  const grids = gridsOf(expected, name);
  const { positions } = mropePositions(tokens.data, grids, config);
  const text = { tokens, ...mropeTables(positions, config) };
  if (grids.length === 0) return text;
  const layout = visionLayout(grids, config, bucket);
  const rows = layout.mergedSlot.flat();
  const isImage = Array.from(tokens.data, (token) => (token === config.tokens.image ? 1 : 0));
  let used = 0;
  const index = isImage.map((is) => (is ? (rows[used++] as number) : 0));
  const image = {
    layout,
    patches: gatherPatches(layout, patchesOf(expected, name, grids)),
    index: ndarray(index, [index.length], "int32"),
    isImage: ndarray(isImage, [isImage.length]),
  };
  return { ...text, image };
}

/** The golden patches, cut into images. */
export function patchesOf(expected: Params, name: Case, grids: readonly Grid[]): Float32Array[] {
  const all = pick(expected, `${name}.patches`);
  const patchDim = all.shape[1] as number;
  let end = 0;
  return grids.map(({ t, h, w }) => {
    const begin = end;
    end += t * h * w;
    return Float32Array.from(all.data.subarray(begin * patchDim, end * patchDim));
  });
}

export type TensorInputs = ReturnType<typeof tensorInputs>;

export function tensorInputs({ tokens, cos, sin, image }: HostInputs) {
  return {
    tokens: toTensor(tokens),
    cos: toTensor(cos),
    sin: toTensor(sin),
    ...(image && {
      image: {
        patches: toTensor(image.patches),
        cos: toTensor(image.layout.cos),
        sin: toTensor(image.layout.sin),
        windowMask: toTensor(image.layout.windowMask),
        fullMask: toTensor(image.layout.fullMask),
        index: toTensor(image.index),
        isImage: toTensor(image.isImage),
      },
    }),
  };
}

/** `[S, V]` of one prompt. */
export function scores(params: TensorParams, config: ModelConfig, inputs: TensorInputs): Tensor {
  const { image } = inputs;
  const S = inputs.tokens.shape[0] as number;
  const rows = image && { ...image, rows: visionTower(params, config, image) };
  const x = embed(params, config, inputs.tokens, rows);
  const attend = attendRows(tf.reshape(causalMask(S), [1, S, S]), { B: 1, S });
  return logits(params, config, decoder(decoderParams(params, config), config, x, inputs, attend));
}

/** `[S − 1]`: log p of every token but the first. */
export function tokenLogProbs(params: TensorParams, config: ModelConfig, inputs: TensorInputs): Tensor {
  const S = inputs.tokens.shape[0] as number;
  const all = tf.logSoftmax(tf.slice(scores(params, config, inputs), [0, 0], [S - 1, config.vocabSize]));
  const labels = tf.oneHot(tf.cast(tf.slice(inputs.tokens, [1], [S - 1]), "int32"), config.vocabSize);
  return tf.sum(tf.mul(all, labels), 1);
}

/** The loss whose gradients the golden file holds: − Σ sin(t)·log p(token t+1). */
export function goldenLoss(
  params: TensorParams,
  config: ModelConfig,
  inputs: readonly TensorInputs[],
): Tensor {
  const parts = inputs.map((each) => {
    const logProbs = tokenLogProbs(params, config, each);
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
