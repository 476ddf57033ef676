/**
 * @module Clips gradients by their global norm: g · min(1, max / (‖g‖ + 1e-6)), as PyTorch's `clip_grad_norm_`.
 */
import { type Tensor, type TensorParams, tf } from "../core/tf.js";

/** Largest finite float32: a norm that is not ≤ this is infinite or NaN. */
const LARGEST = 3.4028234e38;

export interface Clipped {
  readonly grads: TensorParams;
  /** `[]` f32, √Σ g² before clipping. */
  readonly norm: Tensor;
  /** `[]` f32, 1 when the norm is finite, else 0: the update must be skipped. */
  readonly finite: Tensor;
}

/** What gradients of this norm are multiplied by. */
export function clipFactor(norm: number, maxNorm: number): number {
  return maxNorm === Number.POSITIVE_INFINITY ? 1 : Math.min(maxNorm / (norm + 1e-6), 1);
}

/** √ of the sum of all squares. */
export function globalNorm(grads: TensorParams): Tensor {
  const squares = Object.values(grads).map((grad) => tf.sum(tf.square(grad)));
  return tf.sqrt(squares.reduce((sum, square) => tf.add(sum, square), tf.scalar(0)));
}

/** @param maxNorm a positive number; Infinity measures without clipping */
export function clipByGlobalNorm(grads: TensorParams, maxNorm: number): Clipped {
  const norm = globalNorm(grads);
  const finite = tf.cast(tf.lessEqual(norm, LARGEST), "float32");
  if (maxNorm === Number.POSITIVE_INFINITY) return { grads, norm, finite };
  const factor = tf.minimum(tf.div(maxNorm, tf.add(norm, 1e-6)), 1);
  const clipped = Object.fromEntries(
    Object.entries(grads).map(([name, grad]) => [name, tf.mul(grad, factor)]),
  );
  return { grads: clipped, norm, finite };
}
