/**
 * @module The vision tower of Qwen3-VL: patches with learned positions resampled to the image's grid, pre-norm blocks of
 * full attention within an image, and rows read off after several of them (DeepStack, arXiv 2406.04334).
 */
import { dims } from "../../core/dims.js";
import { type Tensor, type TensorParams, tf } from "../../core/tf.js";
import type { BlockInputs, VisionInputs, VisionTower } from "../family.js";
import { attendGroups } from "../transformer/attention.js";
import { gelu, geluTanh, layerNorm, linear, param } from "../transformer/layers.js";
import type { Qwen3Config } from "./config.js";

const VISION_EPS = 1e-6;

/** What the tower reads. */
type Inputs = VisionInputs & {
  /** `[I, C]` f32: 0 for patches, MASKED for padding */
  readonly mask: Tensor;
  /** `[S, 4]` i32: learned positions around a patch */
  readonly corners: Tensor;
  /** `[S, 4, 1]` f32: their shares */
  readonly shares: Tensor;
};

function embed(params: TensorParams, { vision }: Qwen3Config, inputs: VisionInputs): Tensor {
  const { patches, corners, shares } = inputs as Inputs;
  const C = vision.hiddenSize;
  const patchDim = vision.inChannels * vision.temporalPatchSize * vision.patchSize ** 2;
  const { S } = dims("qwen3vl tower: patches", patches, "S P", { P: patchDim });
  dims("qwen3vl tower: cos", inputs.cos, "S D", { S, D: C / vision.heads });
  const kernel = tf.reshape(param(params, "visual.patch_embed.proj.weight"), [C, patchDim]);
  const product = tf.matMul(patches, kernel, false, true);
  const around = tf.gather(param(params, "visual.pos_embed.weight"), tf.reshape(corners, [-1]));
  const learned = tf.sum(tf.mul(tf.reshape(around, [S, -1, C]), shares), 1);
  return tf.add(tf.add(product, param(params, "visual.patch_embed.proj.bias")), learned);
}

/** Pre-norm attention and a two-layer perceptron. @param x `[S, C]` f32 */
function block(
  weights: TensorParams,
  { vision }: Qwen3Config,
  x: Tensor,
  { turn, mask }: BlockInputs,
): Tensor {
  const qkv = linear(weights, "attn.qkv", layerNorm(weights, "norm1", x, VISION_EPS));
  const seen = tf.add(x, linear(weights, "attn.proj", attendGroups(qkv, vision.heads, turn, mask)));
  const inner = linear(weights, "mlp.linear_fc1", layerNorm(weights, "norm2", seen, VISION_EPS));
  return tf.add(seen, linear(weights, "mlp.linear_fc2", geluTanh(inner)));
}

/** The patches of every token side by side through two linear layers. @param rows `[S/merge², merge²·C]` f32 */
function merged(params: TensorParams, name: string, rows: Tensor): Tensor {
  return linear(params, `${name}.linear_fc2`, gelu(linear(params, `${name}.linear_fc1`, rows)));
}

const mergedSize = ({ vision }: Qwen3Config) => vision.hiddenSize * vision.spatialMergeSize ** 2;

export const tower: VisionTower<Qwen3Config> = {
  embed,
  maskName: () => "mask",
  block,
  merge(params, config, x) {
    const normed = layerNorm(params, "visual.merger.norm", x, VISION_EPS);
    return merged(params, "visual.merger", tf.reshape(normed, [-1, mergedSize(config)]));
  },
  deep: {
    blocks: ({ vision }) => vision.deepstackBlocks,
    merge(params, config, level, x) {
      const name = `visual.deepstack_merger_list.${level}`;
      // Here the norm comes after patches are side by side.
      const rows = tf.reshape(x, [-1, mergedSize(config)]);
      return merged(params, name, layerNorm(params, `${name}.norm`, rows, VISION_EPS));
    },
  },
};
