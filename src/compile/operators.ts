/**
 * @module Operators of ONNX that TensorFlow.js lacks, to compute with anywhere: one pass over the numbers where the
 * runtime has the operator, several elsewhere. They have no gradients: whoever calls them writes these out.
 */
import { dims } from "../core/dims.js";
import { type Tensor, tf } from "../core/tf.js";
import { hasFusedOperators } from "./tracer.js";

/** cos and sin of each token's angles, `[T, D/2]` f32. */
export interface Turns {
  readonly cos: Tensor;
  readonly sin: Tensor;
}

/**
 * Turns pairs (x_i, x_{i+D/2}) by their angle: (x_i·cos − x_{i+D/2}·sin, x_{i+D/2}·cos + x_i·sin).
 * @param x `[T, H, D]` f32
 * @returns `[T, H, D]`
 */
export function turnHalves(x: Tensor, { cos, sin }: Turns): Tensor {
  const { T, H, D } = dims("turnHalves: x", x, "T H D");
  dims("turnHalves: cos", cos, "T C", { T, C: D / 2 });
  dims("turnHalves: sin", sin, "T C", { T, C: D / 2 });
  if (hasFusedOperators()) {
    const inputs = {
      x: tf.reshape(x, [1, T, H * D]),
      cos: tf.reshape(cos, [1, T, D / 2]),
      sin: tf.reshape(sin, [1, T, D / 2]),
    };
    return tf.reshape(tf.engine().runKernel("RotaryEmbedding", inputs, { heads: H }) as Tensor, [T, H, D]);
  }
  const [first, second] = tf.split(x, 2, 2) as [Tensor, Tensor];
  const [c, s] = [cos, sin].map((each) => tf.reshape(each, [T, 1, D / 2])) as [Tensor, Tensor];
  return tf.concat(
    [tf.sub(tf.mul(first, c), tf.mul(second, s)), tf.add(tf.mul(second, c), tf.mul(first, s))],
    2,
  );
}

/** x·sigmoid(x), element by element. @param x f32 */
export function silu(x: Tensor): Tensor {
  if (hasFusedOperators()) return tf.engine().runKernel("Silu", { x }) as Tensor;
  return tf.mul(x, tf.sigmoid(x));
}
