/**
 * @module Layers that the decoder and the vision tower share, as functions of named parameters.
 */
import { ModelError } from "../../core/errors.js";
import { type Tensor, tf } from "../../core/tf.js";

/** Tensors by Hugging Face name. */
export type TensorParams = Readonly<Record<string, Tensor>>;

/** @throws ModelError when there is none of this name */
export function param(params: TensorParams, name: string): Tensor {
  const tensor = params[name];
  if (!tensor) throw new ModelError(`param: missing parameter: ${name}`);
  return tensor;
}

/**
 * x·Wᵀ, plus the bias if the parameters have one.
 * @param x `[T, in]` f32
 * @returns `[T, out]`
 */
export function linear(params: TensorParams, name: string, x: Tensor): Tensor {
  const product = tf.matMul(x, param(params, `${name}.weight`), false, true);
  const bias = params[`${name}.bias`];
  return bias ? tf.add(product, bias) : product;
}

/**
 * x / √(mean(x²) + eps) · weight over the last axis.
 * @param x `[T, C]` f32
 */
export function rmsNorm(params: TensorParams, name: string, x: Tensor, eps: number): Tensor {
  const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), eps));
  return tf.mul(tf.mul(x, inverse), param(params, `${name}.weight`));
}

/** down(silu(gate(x)) · up(x)). @param x `[T, C]` f32 */
export function swiglu(params: TensorParams, name: string, x: Tensor): Tensor {
  const gate = linear(params, `${name}.gate_proj`, x);
  const up = linear(params, `${name}.up_proj`, x);
  return linear(params, `${name}.down_proj`, tf.mul(tf.mul(gate, tf.sigmoid(gate)), up));
}

/** x·Φ(x) with the exact normal distribution function. */
export function gelu(x: Tensor): Tensor {
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
}
