/**
 * @module Matrices of 8 or 4 bits a number, to compute with in traced code.
 *
 * Row n of a matrix W `[N, K]` is cut into blocks, each with one scale: W[n, k] = (q[n, k] − 2^(bits−1)) · scale[n, k/block].
 */
import { dims } from "../core/dims.js";
import { type Tensor, tf } from "../core/tf.js";
import { TRACER_BACKEND } from "./tracer.js";

export interface QuantizedMatrix<Array = Tensor> {
  /** `[N, K/block, block·bits/8]` uint8; of 4 bits, the number with the lower index is the low nibble */
  readonly packed: Array;
  /** `[N, K/block]` f32 */
  readonly scales: Array;
}

export interface QuantizedOptions {
  readonly bits: 4 | 8;
  /**
   * 4: the left factor is rounded to 8 bits, too, which is several times as fast (and the only fast way with 8 bits);
   * 0: it is not. Default: 4.
   */
  readonly accuracyLevel?: 0 | 4;
}

const isTracing = (): boolean => tf.getBackend() === TRACER_BACKEND;

/** The numbers in `packed`, `[N, K]`, counted from −2^(bits−1). */
function whole(packed: Tensor, [N, K]: readonly [number, number], bits: number): Tensor {
  const columns = (each: Tensor) => tf.expandDims(each, 3);
  const bytes =
    bits === 8
      ? packed
      : tf.concat(
          [
            columns(tf.mod(packed, tf.scalar(16, "int32"))),
            columns(tf.floorDiv(packed, tf.scalar(16, "int32"))),
          ],
          3,
        );
  return tf.sub(tf.cast(tf.reshape(bytes, [N, K]), "float32"), 2 ** (bits - 1));
}

/** The matrix W `[N, K]` f32. */
export function dequantize({ packed, scales }: QuantizedMatrix, { bits }: QuantizedOptions): Tensor {
  const { N, B, Y } = dims("dequantize: packed", packed, "N B Y");
  dims("dequantize: scales", scales, "N B", { N, B });
  if (isTracing()) return tf.engine().runKernel("DequantizeBlocks", { packed, scales }, { bits }) as Tensor;
  const K = (B * Y * 8) / bits;
  const blocks = tf.reshape(whole(packed, [N, K], bits), [N, B, K / B]);
  return tf.reshape(tf.mul(blocks, tf.expandDims(scales, 2)), [N, K]);
}

/**
 * x · Wᵀ. The weights have no gradient; x's is exact: that of the product with W dequantized. Fast only where the
 * weights are part of the graph (`ExternalArray`), not its inputs.
 * @param x `[…, K]` f32
 * @returns `[…, N]` f32
 */
export function matMulQuantized(x: Tensor, weights: QuantizedMatrix, options: QuantizedOptions): Tensor {
  const { bits, accuracyLevel = 4 } = options;
  const K = x.shape.at(-1) as number;
  const rows = tf.reshape(x, [-1, K]) as tf.Tensor2D;
  const wide = () => dequantize(weights, options) as tf.Tensor2D;
  const product = tf.customGrad((given: Tensor | tf.GradSaveFunc) => ({
    value: isTracing()
      ? (tf
          .engine()
          .runKernel("MatMulNBits", { x: given as Tensor, ...weights }, { bits, accuracyLevel }) as Tensor)
      : tf.matMul(given as tf.Tensor2D, wide(), false, true),
    gradFunc: (dy: Tensor) => tf.matMul(dy as tf.Tensor2D, wide()),
  }));
  const [N] = weights.scales.shape as [number];
  return tf.reshape(product(rows), [...x.shape.slice(0, -1), N]);
}
