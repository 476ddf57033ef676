import { describe } from "vitest";
import { type Tensor, tf } from "../../../src/core/tf.js";
import { type Case, caseOf, testCases } from "./cases.js";

const axes = [undefined, 0, -1, [0, 2], [1], []];
const reduceOps: Readonly<
  Record<string, (x: Tensor, axis: number | number[] | undefined, keep: boolean) => Tensor>
> = {
  sum: tf.sum,
  mean: tf.mean,
  max: tf.max,
  min: tf.min,
};
const reductions: Case[] = [
  ...Object.entries(reduceOps).flatMap(([name, f]) =>
    axes.flatMap((axis) =>
      [true, false].map((keep) =>
        caseOf(`${name} over ${JSON.stringify(axis)} ${keep ? "kept" : "dropped"}`, (x) => f(x, axis, keep), [
          [[2, 3, 4], "any"],
        ]),
      ),
    ),
  ),
  ...Object.entries(reduceOps).map(([name, f]) =>
    caseOf(`${name} over axes of size 1`, (x) => f(x, [1], false), [[[2, 1, 3], "any"]]),
  ),
  ...axes.map((axis) =>
    caseOf(`prod over ${JSON.stringify(axis)}`, (x) => tf.prod(x, axis), [[[2, 3, 4], "any"]], {
      gradient: false,
    }),
  ),
  ...axes.flatMap((axis) => [
    caseOf(
      `any over ${JSON.stringify(axis)}`,
      (x) => tf.any(tf.greater(x, 1.6), axis),
      [[[2, 3, 4], "any"]],
      { gradient: false },
    ),
    caseOf(
      `all over ${JSON.stringify(axis)}`,
      (x) => tf.all(tf.greater(x, -1.6), axis),
      [[[2, 3, 4], "any"]],
      { gradient: false },
    ),
    caseOf(`sum of ints over ${JSON.stringify(axis)}`, (x) => tf.sum(x, axis), [[[2, 3, 4], "whole"]], {
      gradient: false,
    }),
    caseOf(
      `sum of truths over ${JSON.stringify(axis)}`,
      (x) => tf.sum(tf.greater(x, 0), axis),
      [[[2, 3, 4], "any"]],
      { gradient: false },
    ),
    caseOf(`max of ints over ${JSON.stringify(axis)}`, (x) => tf.max(x, axis), [[[2, 3, 4], "whole"]], {
      gradient: false,
    }),
    caseOf(`mean of ints over ${JSON.stringify(axis)}`, (x) => tf.mean(x, axis), [[[2, 3, 4], "whole"]], {
      gradient: false,
    }),
  ]),
  caseOf("sum of nothing is 0", (x) => tf.sum(x, 1), [[[3, 0], "any"]], { gradient: false }),
  caseOf("sum keeps empty axes", (x) => tf.sum(x, 1), [[[0, 3], "any"]], { gradient: false }),
  ...[0, 1, -1].flatMap((axis) => [
    caseOf(`argMax over ${axis}`, (x) => tf.argMax(x, axis), [[[3, 5], "whole"]], {
      gradient: false,
    }),
    caseOf(`argMin over ${axis}`, (x) => tf.argMin(x, axis), [[[3, 5], "any"]], {
      gradient: false,
    }),
  ]),
  // TensorFlow.js's own gradient is wrong along other axes than the last, its cpu kernel along negative ones.
  ...[0, 1].flatMap((axis) =>
    [true, false].flatMap((exclusive) =>
      [true, false].map((reverse) =>
        caseOf(
          `cumsum over ${axis} ${exclusive} ${reverse}`,
          (x) => tf.cumsum(x, axis, exclusive, reverse),
          [[[3, 5], "any"]],
          { gradient: axis === 1 },
        ),
      ),
    ),
  ),
  caseOf("softmax", (x) => tf.softmax(x), [[[2, 3, 5], "any"]]),
  caseOf("softmax of one row", (x) => tf.softmax(x), [[[5], "any"]]),
  caseOf("logSoftmax", (x) => tf.logSoftmax(x), [[[2, 3, 5], "any"]]),
  caseOf("logSumExp", (x) => tf.logSumExp(x, 1), [[[2, 3, 5], "any"]]),
  caseOf(
    "topk",
    (x) => {
      const { values, indices } = tf.topk(x, 3);
      return [values, indices];
    },
    [[[4, 6], "any"]],
    { gradient: false },
  ),
  caseOf("topk prefers the first of equals", (x) => tf.topk(x, 4).indices, [[[4, 12], "index"]], {
    gradient: false,
  }),
];

describe("kernels against the cpu backend: reduce", () => {
  testCases("reduce", reductions);
});
