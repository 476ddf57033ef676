import { describe } from "vitest";
import { tf } from "../../../src/core/tf.js";
import { type Case, caseOf, testCases } from "./cases.js";

const indexing: Case[] = [
  ...[0, 1, 2].map((axis) =>
    caseOf(`gather along ${axis}`, (x, i) => tf.gather(x, i, axis), [
      [[4, 5, 4], "any"],
      [[6], "index"],
    ]),
  ),
  caseOf("gather with a matrix of indices", (x, i) => tf.gather(x, i), [
    [[4, 3], "any"],
    [[2, 5], "index"],
  ]),
  caseOf("gather with a scalar index", (x, i) => tf.gather(x, i), [
    [[4, 3], "any"],
    [[], "index"],
  ]),
  caseOf(
    "gather with no index",
    (x, i) => tf.gather(x, i),
    [
      [[4, 3], "any"],
      [[0], "index"],
    ],
    { gradient: false },
  ),
  caseOf(
    "gather of truths",
    (x, i) => tf.gather(tf.greater(x, 0), i),
    [
      [[4, 3], "any"],
      [[5], "index"],
    ],
    { gradient: false },
  ),
  caseOf("gather by batch", (x, i) => tf.gather(x, i, 1, 1), [
    [[2, 4, 3], "any"],
    [[2, 5], "index"],
  ]),
  caseOf("gather adds the gradient of equal indices", (x, i) => tf.square(tf.gather(x, i)), [
    [[4, 3], "any"],
    [[300], "index"],
  ]),
  caseOf("unsortedSegmentSum", (x, i) => tf.unsortedSegmentSum(x, tf.reshape(i, [-1]) as tf.Tensor1D, 5), [
    [[6, 3], "any"],
    [[6], "index"],
  ]),
  caseOf(
    "gatherND",
    (x, i) => tf.gatherND(x, i),
    [
      [[4, 4, 3], "any"],
      [[6, 2], "index"],
    ],
    { gradient: false },
  ),
  caseOf(
    "tensorScatterUpdate",
    (x, y) => tf.tensorScatterUpdate(x, tf.tensor2d([2, 1, 0, 3], [2, 2], "int32"), y),
    [
      [[3, 4], "any"],
      [[2], "any"],
    ],
    { gradient: false },
  ),
  caseOf(
    "scatterND adds",
    (x, i) => tf.scatterND(tf.reshape(i, [-1, 1]), x, [5, 3]),
    [
      [[6, 3], "any"],
      [[6], "index"],
    ],
    { gradient: false },
  ),
  caseOf("oneHot", (i) => tf.oneHot(tf.sub(i, tf.scalar(1, "int32")), 3, 2, -1), [[[2, 8], "index"]], {
    gradient: false,
  }),
  caseOf("oneHot as floats", (i) => tf.mul(tf.oneHot(i, 3), 0.5), [[[8], "index"]], {
    gradient: false,
  }),
];

describe("kernels against the cpu backend: indexing", () => {
  testCases("indexing", indexing);
});
