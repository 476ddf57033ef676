/**
 * @module The language half: embedding, pre-norm layers over a flat token axis, and the head.
 *
 * Everything but attention treats tokens alone, so any batch is packed flat into one axis T; what sees what is the
 * `attend` function's business.
 */
import { dims } from "../../core/dims.js";
import { type Tensor, type TensorParams, tf } from "../../core/tf.js";
import type { DecoderSizes } from "../modelConfig.js";
import { jointProduct } from "./jointQkv.js";
import { linear, param, rmsNorm, swiglu, within } from "./layers.js";
import { type Rotation, rotate, rotation } from "./rope.js";

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
  /** Of the decoder's first layers, each like `rows`: what is added to image tokens after the layer (DeepStack). */
  readonly deep: readonly Tensor[];
  /** `[T]` i32: which row an image token takes; 0 for text */
  readonly index: Tensor;
  /** `[T]` f32: 1 for image tokens, 0 for text */
  readonly isImage: Tensor;
}

/** Tokens on their way into the layers. */
export interface Embedded {
  /** `[T, hidden]`: rows of the embedding, and of the vision tower where the token is an image's */
  readonly x: Tensor;
  /** `[T, hidden]` each: what is added after the first layers, one after another; 0 for text */
  readonly deep: readonly Tensor[];
}

/** @param tokens `[T]` i32 */
export function embed(params: TensorParams, tokens: Tensor, image?: ImageTokens): Embedded {
  const { T } = dims("embed: tokens", tokens, "T");
  const text = tf.gather(param(params, "model.embed_tokens.weight"), tokens);
  if (!image) return { x: text, deep: [] };
  dims("embed: image.index", image.index, "T", { T });
  const isImage = tf.reshape(image.isImage, [T, 1]);
  const placed = (rows: Tensor) => tf.mul(tf.gather(rows, image.index), isImage);
  return {
    x: tf.add(tf.mul(text, tf.sub(1, isImage)), placed(image.rows)),
    deep: image.deep.map(placed),
  };
}

/** What a layer reads beside hidden states. */
export interface LayerInputs {
  readonly turn: Rotation;
  /** `Attend` of this layer. */
  readonly attend: (q: Tensor, k: Tensor, v: Tensor) => Tensor;
}

/**
 * One layer.
 * @param weights the layer's parameters, by their names after `model.layers.N.`, with joint queries, keys and values
 *   (jointQkv.ts)
 * @param x `[T, hidden]` f32
 * @returns `[T, hidden]`
 */
export function decoderLayer(
  weights: TensorParams,
  config: DecoderSizes,
  x: Tensor,
  inputs: LayerInputs,
): Tensor {
  const qkv = beforeAttention(weights, config, x);
  return afterAttention(weights, config, x, layerAttention(weights, config, qkv, inputs));
}

/** @returns `[T, (H+2K)·D]`: queries, keys and values of `x` `[T, hidden]` */
export function beforeAttention(weights: TensorParams, config: DecoderSizes, x: Tensor): Tensor {
  dims("beforeAttention: x", x, "T C", { C: config.hiddenSize });
  const normed = rmsNorm(weights, "input_layernorm", x, config.rmsNormEps);
  return jointProduct(within(weights, "self_attn"), config, normed);
}

/**
 * @param weights of which the norms of queries and keys are read, where there are any
 * @param qkv `[T, (H+2K)·D]` from `beforeAttention`
 * @returns `[T, H·D]`
 */
export function layerAttention(
  weights: TensorParams,
  config: DecoderSizes,
  qkv: Tensor,
  { turn, attend }: LayerInputs,
): Tensor {
  const { heads: H, keyValueHeads: K, headSize: D } = config;
  const { T } = dims("layerAttention: qkv", qkv, "T C", { C: (H + 2 * K) * D });
  const [queries, keys, v] = tf.split(qkv, [H * D, K * D, K * D], 1) as [Tensor, Tensor, Tensor];
  const q = rotate(tf.reshape(normedHeads(weights, "q_norm", queries, config), [T, H, D]), turn);
  const k = rotate(tf.reshape(normedHeads(weights, "k_norm", keys, config), [T, K, D]), turn);
  return tf.reshape(attend(q, k, tf.reshape(v, [T, K, D])), [T, H * D]);
}

/**
 * @param x `[T, hidden]`: what the layer read
 * @param mixed `[T, H·D]` from `layerAttention`
 * @returns `[T, hidden]`
 */
export function afterAttention(
  weights: TensorParams,
  config: DecoderSizes,
  x: Tensor,
  mixed: Tensor,
): Tensor {
  const seen = tf.add(x, linear(weights, "self_attn.o_proj", mixed));
  const normed = rmsNorm(weights, "post_attention_layernorm", seen, config.rmsNormEps);
  return tf.add(seen, swiglu(weights, "mlp", normed));
}

/** Queries or keys normalised head by head, where the layer has the norm. @param x `[T, heads·D]` f32 */
function normedHeads(
  weights: TensorParams,
  norm: "q_norm" | "k_norm",
  x: Tensor,
  { headSize, rmsNormEps }: DecoderSizes,
): Tensor {
  const name = `self_attn.${norm}`;
  if (!(`${name}.weight` in weights)) return x;
  return rmsNorm(weights, name, tf.reshape(x, [-1, headSize]), rmsNormEps);
}

/**
 * All layers and the final norm.
 * @param params with joint queries, keys and values (jointQkv.ts)
 * @param embedded from `embed`
 * @param rope `[T, D]` f32 each: M-RoPE tables
 * @returns `[T, hidden]`
 */
export function decoder(
  params: TensorParams,
  config: DecoderSizes,
  { x, deep }: Embedded,
  rope: { readonly cos: Tensor; readonly sin: Tensor },
  attend: Attend,
): Tensor {
  const { T } = dims("decoder: x", x, "T C", { C: config.hiddenSize });
  dims("decoder: rope.cos", rope.cos, "T D", { T, D: config.headSize });
  const turn = rotation(rope);
  let hidden = x;
  for (let layer = 0; layer < config.layers; layer++) {
    const inputs = { turn, attend: (q: Tensor, k: Tensor, v: Tensor) => attend(layer, q, k, v) };
    hidden = decoderLayer(within(params, `model.layers.${layer}`), config, hidden, inputs);
    const level = deep[layer];
    if (level) hidden = tf.add(hidden, level);
  }
  return rmsNorm(params, "model.norm", hidden, config.rmsNormEps);
}

/** The table of tokens as the head that shares it reads it, where that is kept apart: in another type. */
export const TIED_HEAD = "tied_head.weight";

/** The parameter that scores are products with. */
export function headName(params: TensorParams, { tieWordEmbeddings }: DecoderSizes): string {
  const table = TIED_HEAD in params ? TIED_HEAD : "model.embed_tokens.weight";
  return tieWordEmbeddings ? table : "lm_head.weight";
}

/**
 * @param hidden `[T, hidden]` f32
 * @returns `[T, V]`
 */
export function logits(params: TensorParams, config: DecoderSizes, hidden: Tensor): Tensor {
  return tf.matMul(hidden, param(params, headName(params, config)), false, true);
}
