/**
 * @module Layers that the decoder and the vision tower share, as functions of named parameters.
 */
import { silu } from "../../compile/operators.js";
import { matMulQuantized } from "../../compile/quantized.js";
import { ModelError } from "../../core/errors.js";
import { type Tensor, type TensorParams, tf } from "../../core/tf.js";

/** @throws ModelError when there is none of this name */
export function param(params: TensorParams, name: string): Tensor {
  const tensor = params[name];
  if (!tensor) throw new ModelError(`param: missing parameter: ${name}`);
  return tensor;
}

/** The parameters of a layer, by their names after `prefix.`. */
export function within<Array>(
  params: Readonly<Record<string, Array>>,
  prefix: string,
): Readonly<Record<string, Array>> {
  const start = `${prefix}.`;
  const own = Object.entries(params).filter(([name]) => name.startsWith(start));
  return Object.fromEntries(own.map(([name, array]) => [name.slice(start.length), array]));
}

/**
 * x·Wᵀ, plus the bias and the adapter (lora/adapter.ts) if the parameters have them. W may be packed to 8 bits
 * (weights/pack.ts).
 * @param x `[T, in]` f32
 * @returns `[T, out]`
 */
export function linear(params: TensorParams, name: string, x: Tensor): Tensor {
  const product = productWith(params, name, x);
  const bias = params[`${name}.bias`];
  const plain = bias ? tf.add(product, bias) : product;
  const adapted = adaptation(params, name, x);
  return adapted ? tf.add(plain, adapted) : plain;
}

/** x·Wᵀ. */
export function productWith(params: TensorParams, name: string, x: Tensor): Tensor {
  const packed = params[`${name}.packed`];
  if (!packed) return tf.matMul(x, param(params, `${name}.weight`), false, true);
  return matMulQuantized(x, { packed, scales: param(params, `${name}.scales`) }, { bits: 8 });
}

/** s·(x·Aᵀ)·Bᵀ of a layer's adapter; undefined where it has none. @returns `[T, out]` */
export function adaptation(params: TensorParams, name: string, x: Tensor): Tensor | undefined {
  const a = params[`${name}.lora_A.weight`];
  if (!a) return undefined;
  const inner = tf.mul(tf.matMul(x, a, false, true), param(params, `${name}.lora_scale`));
  return tf.matMul(inner, param(params, `${name}.lora_B.weight`), false, true);
}

/**
 * y = n·weight with n = x·r, r = 1/√(mean(x²) + eps) over the last axis.
 *
 * The gradient is written out, because the tape's has three times as many passes over x:
 * ∂x = r·(∂y·weight − n·mean(∂y·n·weight)), ∂weight = Σ ∂y·n.
 * @param x `[T, C]` f32
 */
export function rmsNorm(params: TensorParams, name: string, x: Tensor, eps: number): Tensor {
  const C = x.shape[1] as number;
  return customGradient(
    [x, param(params, `${name}.weight`)],
    ([input, weight]) => {
      const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(input), -1, true), eps));
      const normed = tf.mul(input, inverse);
      return { value: tf.mul(normed, weight), saved: [normed, inverse, weight] };
    },
    (dy, [normed, inverse, weight]) => {
      const perWeight = tf.mul(dy, normed);
      const along = tf.matMul(perWeight, tf.mul(tf.reshape(weight, [C, 1]), 1 / C));
      const dx = tf.mul(tf.sub(tf.mul(dy, weight), tf.mul(normed, along)), inverse);
      return [dx, tf.sum(perWeight, 0)];
    },
  );
}

/**
 * y = n·weight + bias with n = (x − mean(x))·r, r = 1/√(var(x) + eps) over the last axis.
 *
 * With g = ∂y·weight: ∂x = r·(g − mean(g) − n·mean(g·n)), ∂weight = Σ ∂y·n, ∂bias = Σ ∂y.
 * @param x `[T, C]` f32
 */
export function layerNorm(params: TensorParams, name: string, x: Tensor, eps: number): Tensor {
  return customGradient(
    [x, param(params, `${name}.weight`), param(params, `${name}.bias`)],
    ([input, weight, bias]) => {
      const centred = tf.sub(input, tf.mean(input, -1, true));
      const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), eps));
      const normed = tf.mul(centred, inverse);
      return { value: tf.add(tf.mul(normed, weight), bias), saved: [normed, inverse, weight] };
    },
    (dy, [normed, inverse, weight]) => {
      const g = tf.mul(dy, weight);
      const along = tf.mul(normed, tf.mean(tf.mul(g, normed), -1, true));
      const dx = tf.mul(tf.sub(tf.sub(g, tf.mean(g, -1, true)), along), inverse);
      return [dx, tf.sum(tf.mul(dy, normed), 0), tf.sum(dy, 0)];
    },
  );
}

/** down(silu(gate(x)) · up(x)). @param x `[T, C]` f32 */
export function swiglu(params: TensorParams, name: string, x: Tensor): Tensor {
  const gate = linear(params, `${name}.gate_proj`, x);
  const up = linear(params, `${name}.up_proj`, x);
  return linear(params, `${name}.down_proj`, gated(gate, up));
}

/**
 * y = silu(gate)·up. With σ = sigmoid(gate): ∂gate = ∂y·(y + σ·(up − y)), ∂up = ∂y·silu(gate).
 */
function gated(gate: Tensor, up: Tensor): Tensor {
  return customGradient(
    [gate, up],
    ([x, other]) => {
      const active = silu(x);
      const value = tf.mul(active, other);
      return { value, saved: [x, other, active, value] };
    },
    (dy, [x, other, active, value]) => {
      const slope = tf.add(value, tf.mul(tf.sigmoid(x), tf.sub(other, value)));
      return [tf.mul(dy, slope), tf.mul(dy, active)];
    },
  );
}

/** A function with its gradient written out; `saved` tensors of the forward pass reach `backward`. */
function customGradient<Inputs extends readonly Tensor[], Saved extends readonly Tensor[]>(
  inputs: readonly [...Inputs],
  forward: (inputs: Inputs) => { value: Tensor; saved: readonly [...Saved] },
  backward: (dy: Tensor, saved: Saved) => { [At in keyof Inputs]: Tensor },
): Tensor {
  const differentiable = tf.customGrad((...given) => {
    const save = given.at(-1) as (tensors: Tensor[]) => void;
    const { value, saved } = forward(given.slice(0, -1) as readonly Tensor[] as Inputs);
    save([...saved]);
    return {
      value,
      gradFunc: (dy, kept) => [...backward(dy, kept as readonly Tensor[] as Saved)],
    };
  });
  return differentiable(...inputs);
}

/** x·Φ(x) with the exact normal distribution function. */
export function gelu(x: Tensor): Tensor {
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
}

/** x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))/2: `gelu` as it was computed before `erf` was cheap. */
export function geluTanh(x: Tensor): Tensor {
  const inner = tf.mul(tf.add(x, tf.mul(tf.mul(tf.square(x), x), 0.044715)), Math.sqrt(2 / Math.PI));
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1));
}
