/**
 * @module The vision tower of Qwen2.5-VL: pre-norm blocks, most of which let a patch see its window only.
 */
import { dims } from "../../core/dims.js";
import { type Tensor, type TensorParams, tf } from "../../core/tf.js";
import type { BlockInputs, VisionInputs, VisionTower } from "../family.js";
import { attendGroups } from "../transformer/attention.js";
import { gelu, linear, param, rmsNorm, swiglu } from "../transformer/layers.js";
import type { Qwen25Config } from "./config.js";

/** The tower's norms, unlike the decoder's, have a fixed epsilon. */
const VISION_EPS = 1e-6;

function embed(params: TensorParams, { vision }: Qwen25Config, inputs: VisionInputs): Tensor {
  const patchDim = vision.inChannels * vision.temporalPatchSize * vision.patchSize ** 2;
  const { S } = dims("qwen25vl tower: patches", inputs.patches, "S P", { P: patchDim });
  dims("qwen25vl tower: cos", inputs.cos, "S D", { S, D: vision.hiddenSize / vision.heads });
  const kernel = tf.reshape(param(params, "visual.patch_embed.proj.weight"), [vision.hiddenSize, patchDim]);
  return tf.matMul(inputs.patches, kernel, false, true);
}

/** Pre-norm attention and SwiGLU. @param x `[S, C]` f32 */
function block(
  weights: TensorParams,
  { vision }: Qwen25Config,
  x: Tensor,
  { turn, mask }: BlockInputs,
): Tensor {
  const qkv = linear(weights, "attn.qkv", rmsNorm(weights, "norm1", x, VISION_EPS));
  const seen = tf.add(x, linear(weights, "attn.proj", attendGroups(qkv, vision.heads, turn, mask)));
  return tf.add(seen, swiglu(weights, "mlp", rmsNorm(weights, "norm2", seen, VISION_EPS)));
}

/** Norm, then every merge group's patches side by side through two linear layers. */
function merge(params: TensorParams, { vision }: Qwen25Config, x: Tensor): Tensor {
  const merged = vision.hiddenSize * vision.spatialMergeSize ** 2;
  const rows = tf.reshape(rmsNorm(params, "visual.merger.ln_q", x, VISION_EPS), [-1, merged]);
  return linear(params, "visual.merger.mlp.2", gelu(linear(params, "visual.merger.mlp.0", rows)));
}

export const tower: VisionTower<Qwen25Config> = {
  embed,
  maskName: ({ vision }, at) => (vision.fullAttentionLayers.includes(at) ? "fullMask" : "windowMask"),
  block,
  merge,
};
