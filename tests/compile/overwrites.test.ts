import { describe, expect, it } from "vitest";
import { trace } from "../../src/compile/trace.js";
import { zeros } from "../../src/core/ndarray.js";
import { type Tensor, tf } from "../../src/core/tf.js";

type Two = (x: Tensor, y: Tensor) => readonly Tensor[];

/** What the outputs of a function of `x [2, 2]` and `y [2]` may be written over. */
function found(fn: Two): Record<number, number[]> {
  const signature = { structure: [0, 1], leaves: [zeros([2, 2]), zeros([2])] };
  const graph = trace((args) => fn(...(args as [Tensor, Tensor])), "two", signature);
  return Object.fromEntries([...(graph.overwrites ?? [])].map(([at, inputs]) => [at, [...inputs]]));
}

describe("an output may be written over an input", () => {
  it.each<[string, Two, Record<number, number[]>]>([
    ["that it alone is made of, number by number", (x, y) => [tf.add(x, tf.exp(y))], { 0: [0] }],
    ["that it is a copy of", (x, y) => [tf.clone(x), tf.exp(y)], { 0: [0], 1: [1] }],
    ["that nothing reads", (_, y) => [tf.outerProduct(y as tf.Tensor1D, y as tf.Tensor1D)], { 0: [0] }],
    ["unless another output reads it", (x, y) => [tf.add(x, y), tf.sum(x)], {}],
    ["unless a node reads it twice", (x, y) => [tf.mul(x, x), tf.sum(y)], {}],
    ["unless something stands between", (x, y) => [tf.exp(tf.neg(x)), tf.sum(y)], {}],
    ["unless numbers change places", (x, y) => [tf.transpose(x), tf.reverse(y)], {}],
    ["unless it has another shape", (x, y) => [tf.add(y, tf.sum(x))], { 0: [1] }],
  ])("%s", (_, fn, expected) => {
    expect(found(fn)).toEqual(expected);
  });
});
