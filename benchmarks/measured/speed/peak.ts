/**
 * @module How fast this machine multiplies matrices through the same library: what a training step is compared with,
 * so that figures of different machines can be.
 */
import { jit } from "../../../src/compile/jit.js";
import { zeros } from "../../../src/core/ndarray.js";
import { tf } from "../../../src/core/tf.js";
import { timed } from "./interleave.js";

const SIDE = 1024;
const PRODUCTS = 8;
const ROUNDS = 5;

/** The best of some rounds of products of two `[1024, 1024]` matrices, floating-point operations a second. */
export async function matrixPeak(threads: number): Promise<number> {
  const chain = jit(
    (x: tf.Tensor, y: tf.Tensor) => {
      let product = x as tf.Tensor2D;
      for (let at = 0; at < PRODUCTS; at++) product = tf.matMul(product, y as tf.Tensor2D);
      return product;
    },
    { name: "matrix products", runtime: { threads, keepsMemory: true } },
  );
  const [x, y] = [zeros([SIDE, SIDE]), zeros([SIDE, SIDE])];
  x.data.fill(1);
  y.data.fill(1 / SIDE); // the product of the two is x again
  const times: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) times.push(await timed(() => chain(x, y)));
  await chain.dispose();
  return (1000 * PRODUCTS * 2 * SIDE ** 3) / Math.min(...times.slice(1));
}

/**
 * Operations of a training step: 6 a parameter and token, and attention's products, forward and backward, under a
 * causal mask that halves them.
 */
export function stepOperations(step: {
  readonly parameters: number;
  readonly layers: number;
  readonly hidden: number;
  readonly rows: number;
  readonly length: number;
}): number {
  const { parameters, layers, hidden, rows, length } = step;
  const tokens = rows * length;
  return 6 * parameters * tokens + 6 * layers * hidden * length * tokens;
}
