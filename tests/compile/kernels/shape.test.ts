import { describe } from "vitest";
import { tf } from "../../../src/core/tf.js";
import { type Case, caseOf, testCases } from "./cases.js";

const shapes: Case[] = [
  ...[
    [0, 1, 2],
    [2, 0, 1],
    [1, 0, 2],
    [2, 1, 0],
  ].map((perm) => caseOf(`transpose ${perm}`, (x) => tf.transpose(x, perm), [[[2, 3, 4], "any"]])),
  caseOf("transpose of axes of size 1", (x) => tf.transpose(x, [1, 2, 0, 3]), [[[2, 1, 3, 1], "any"]]),
  caseOf("transpose of transpose", (x) => tf.transpose(tf.transpose(x, [2, 0, 1]), [2, 0, 1]), [
    [[2, 3, 4], "any"],
  ]),
  caseOf(
    "transpose of ints and truths",
    (x) => [tf.transpose(x), tf.transpose(tf.greater(x, 0))],
    [[[2, 3], "whole"]],
    { gradient: false },
  ),
  ...[0, 1, -1].map((axis) =>
    caseOf(`concat along ${axis}`, (a, b, c) => tf.concat([a, b, c], axis), [
      [[2, 3], "any"],
      [[2, 3], "any"],
      [[2, 3], "any"],
    ]),
  ),
  caseOf(
    "concat with an empty part",
    (a, b) => tf.concat([a, b], 0),
    [
      [[0, 3], "any"],
      [[2, 3], "any"],
    ],
    { gradient: false },
  ),
  caseOf(
    "concat of empty parts",
    (a, b) => tf.concat([a, b], 0),
    [
      [[0, 3], "any"],
      [[0, 3], "any"],
    ],
    { gradient: false },
  ),
  caseOf("slice", (x) => tf.slice(x, [1, 0, 2], [1, -1, 2]), [[[2, 3, 4], "any"]]),
  caseOf("slice of nothing", (x) => tf.slice(x, [1, 0, 2], [1, 3, 0]), [[[2, 3, 4], "any"]], {
    gradient: false,
  }),
  caseOf("slice of everything", (x) => tf.slice(x, [0, 0, 0], [2, 3, 4]), [[[2, 3, 4], "any"]]),
  caseOf("slice of truths", (x) => tf.slice(tf.greater(x, 0), [1], [2]), [[[4], "any"]], {
    gradient: false,
  }),
  caseOf("stridedSlice", (x) => tf.stridedSlice(x, [0, 1, 0], [2, 3, 4], [1, 1, 2]), [[[2, 3, 4], "any"]], {
    gradient: false,
  }),
  caseOf(
    "stridedSlice backwards through the first row",
    (x) => tf.stridedSlice(x, [-1, 2], [-4, 0], [-1, -1], 0, 2),
    [[[3, 4], "any"]],
    { gradient: false },
  ),
  caseOf(
    "stridedSlice with masks",
    (x) => tf.stridedSlice(x, [0, 1, 1], [0, 0, 3], [1, 1, 1], 1, 1, 0, 0, 2),
    [[[2, 3, 4], "any"]],
    { gradient: false },
  ),
  caseOf(
    "stridedSlice with a new axis",
    (x) => tf.stridedSlice(x, [0, 0, 1], [0, 2, 3], [1, 1, 1], 0, 0, 0, 1, 0),
    [[[2, 3], "any"]],
    { gradient: false },
  ),
  caseOf(
    "pad",
    (x) =>
      tf.pad(
        x,
        [
          [1, 0],
          [0, 2],
        ],
        0.5,
      ),
    [[[2, 3], "any"]],
  ),
  caseOf(
    "pad of ints",
    (x) =>
      tf.pad(
        x,
        [
          [1, 0],
          [0, 2],
        ],
        7,
      ),
    [[[2, 3], "whole"]],
    { gradient: false },
  ),
  caseOf(
    "pad of nothing",
    (x) =>
      tf.pad(
        x,
        [
          [1, 0],
          [0, 2],
        ],
        0.5,
      ),
    [[[0, 3], "any"]],
    { gradient: false },
  ),
  caseOf("tile", (x) => tf.tile(x, [2, 3]), [[[2, 3], "any"]]),
  caseOf("tile of axes of size 1", (x) => tf.exp(tf.tile(x, [4, 1])), [[[1, 3], "any"]]),
  caseOf("broadcastTo", (x) => tf.mul(tf.broadcastTo(x, [2, 4, 3]), 3), [[[4, 1], "any"]]),
  ...[0, 1, -1].map((axis) =>
    caseOf(`stack along ${axis}`, (a, b) => tf.stack([a, b], axis), [
      [[2, 3], "any"],
      [[2, 3], "any"],
    ]),
  ),
  ...[0, 1, -1].map((axis) => caseOf(`unstack along ${axis}`, (x) => tf.unstack(x, axis), [[[2, 3], "any"]])),
  caseOf("split in equal parts", (x) => tf.split(x, 2, 1), [[[2, 4], "any"]]),
  caseOf("split in given parts", (x) => tf.split(x, [1, -1], 1), [[[2, 4], "any"]]),
  ...[[0], [1], [0, -1], [], undefined].map((dims) =>
    caseOf(`reverse ${dims}`, (x) => tf.reverse(x, dims), [[[2, 3], "any"]]),
  ),
  caseOf("squeeze", (x) => tf.squeeze(x, [1]), [[[2, 1, 3], "any"]]),
  caseOf("reshape of an expanded scalar", (x) => tf.add(tf.reshape(tf.fill([2, 3], 2), [3, 2]), x), [
    [[3, 2], "any"],
  ]),
  caseOf(
    "range, linspace, eye, zeros, ones",
    (x) => [
      tf.add(tf.range(0, 5), x),
      tf.linspace(0, 1, 7),
      tf.range(5, 0, -2, "int32"),
      tf.eye(3),
      tf.zeros([80]),
      tf.ones([9, 9], "int32"),
      tf.zeros([100], "bool"),
      tf.zeros([0, 2]),
    ],
    [[[5], "any"]],
    { gradient: false },
  ),
  caseOf(
    "spaceless meshgrid",
    (a, b) => tf.meshgrid(a, b),
    [
      [[3], "any"],
      [[4], "any"],
    ],
    { gradient: false },
  ),
];

describe("kernels against the cpu backend: shape", () => {
  testCases("shape", shapes);
});
