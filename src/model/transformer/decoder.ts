/**
 * @module The language half of Qwen2.5-VL: embedding, pre-norm layers over a flat token axis, and the head.
 *
 * Everything but attention treats tokens alone, so any batch is packed flat into one axis T; what sees what is the
 * `attend` function's business.
 */
import { dims } from "../../core/dims.js";
import { type Tensor, tf } from "../../core/tf.js";
import type { ModelConfig } from "../qwen25vl/config.js";
import { rotate, rotation } from "../qwen25vl/rope.js";
import { linear, param, rmsNorm, swiglu, type TensorParams } from "./layers.js";

/**
 * Attention of one layer.
 * @param q `[T, H, D]` f32, rotated and scaled by 1/√D
 * @param k `[T, K, D]` f32, rotated
 * @param v `[T, K, D]` f32
 * @returns `[T, H, D]`
 */
export type Attend = (layer: number, q: Tensor, k: Tensor, v: Tensor) => Tensor;

/** Image tokens of a batch. */
export interface ImageTokens {
  /** `[R, hidden]` f32: the vision tower's output */
  readonly rows: Tensor;
  /** `[T]` i32: which row an image token takes; 0 for text */
  readonly index: Tensor;
  /** `[T]` f32: 1 for image tokens, 0 for text */
  readonly isImage: Tensor;
}

/**
 * @param tokens `[T]` i32
 * @returns `[T, hidden]`: rows of the embedding, and of the vision tower where the token is an image's
 */
export function embed(
  params: TensorParams,
  _config: ModelConfig,
  tokens: Tensor,
  image?: ImageTokens,
): Tensor {
  const { T } = dims("embed: tokens", tokens, "T");
  const text = tf.gather(param(params, "model.embed_tokens.weight"), tokens);
  if (!image) return text;
  dims("embed: image.index", image.index, "T", { T });
  const isImage = tf.reshape(image.isImage, [T, 1]);
  return tf.add(tf.mul(text, tf.sub(1, isImage)), tf.mul(tf.gather(image.rows, image.index), isImage));
}

/**
 * @param params with joint queries, keys and values (jointQkv.ts)
 * @param x `[T, hidden]` f32, embedded tokens
 * @param rope `[T, D]` f32 each: M-RoPE tables
 * @returns `[T, hidden]`, final norm applied
 */
export function decoder(
  params: TensorParams,
  config: ModelConfig,
  x: Tensor,
  rope: { readonly cos: Tensor; readonly sin: Tensor },
  attend: Attend,
): Tensor {
  const { hiddenSize, headSize: D, rmsNormEps } = config;
  const { T } = dims("decoder: x", x, "T C", { C: hiddenSize });
  dims("decoder: rope.cos", rope.cos, "T D", { T, D });
  const { heads: H, keyValueHeads: K } = config;
  const turn = rotation(rope);
  let hidden = x;
  for (let layer = 0; layer < config.layers; layer++) {
    const name = `model.layers.${layer}`;
    const normed = rmsNorm(params, `${name}.input_layernorm`, hidden, rmsNormEps);
    const qkv = linear(params, `${name}.self_attn.qkv`, normed);
    const [turning, v] = tf.split(qkv, [(H + K) * D, K * D], 1) as [Tensor, Tensor];
    const [q, k] = tf.split(rotate(tf.reshape(turning, [T, H + K, D]), turn), [H, K], 1) as [Tensor, Tensor];
    const mixed = attend(layer, q, k, tf.reshape(v, [T, K, D]));
    hidden = tf.add(hidden, linear(params, `${name}.self_attn.o_proj`, tf.reshape(mixed, [T, hiddenSize])));
    const again = rmsNorm(params, `${name}.post_attention_layernorm`, hidden, rmsNormEps);
    hidden = tf.add(hidden, swiglu(params, `${name}.mlp`, again));
  }
  return rmsNorm(params, "model.norm", hidden, rmsNormEps);
}

/**
 * @param hidden `[T, hidden]` f32
 * @returns `[T, V]`
 */
export function logits(params: TensorParams, config: ModelConfig, hidden: Tensor): Tensor {
  const head = config.tieWordEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight";
  return tf.matMul(hidden, param(params, head), false, true);
}
