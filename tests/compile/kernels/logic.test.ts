import { describe } from "vitest";
import { tf } from "../../../src/core/tf.js";
import { binaryCases, type Case, caseOf, testCases, unaryCases } from "./cases.js";

const comparisons: Case[] = [
  ...binaryCases(
    {
      equal: tf.equal,
      notEqual: tf.notEqual,
      less: tf.less,
      lessEqual: tf.lessEqual,
      greater: tf.greater,
      greaterEqual: tf.greaterEqual,
    },
    ["whole", "whole"],
    false,
  ),
  ...binaryCases({ less: tf.less, greaterEqual: tf.greaterEqual }, ["any", "any"], false),
  ...binaryCases(
    {
      and: (a, b) => tf.logicalAnd(tf.greater(a, 0), tf.greater(b, 0)),
      or: (a, b) => tf.logicalOr(tf.greater(a, 0), tf.greater(b, 0)),
      xor: (a, b) => tf.logicalXor(tf.greater(a, 0), tf.greater(b, 0)),
      "equal of truths": (a, b) => tf.equal(tf.greater(a, 0), tf.greater(b, 0)),
      where: (a, b) => tf.where(tf.greater(a, b), a, b),
      "where of ints": (a, b) => tf.where(tf.greater(a, b), tf.cast(a, "int32"), tf.cast(b, "int32")),
    },
    ["any", "any"],
    false,
  ),
  caseOf("where with a scalar condition", (a, b, c) => tf.where(tf.greater(tf.sum(c), 0), a, b), [
    [[2, 3], "any"],
    [[2, 3], "any"],
    [[2, 3], "whole"],
  ]),
  caseOf(
    "where has gradients on both sides",
    (a, b, c) => tf.where(tf.greater(c, 0), tf.square(a), tf.exp(b)),
    [
      [[2, 3], "any"],
      [[2, 3], "any"],
      [[2, 3], "whole"],
    ],
  ),
  caseOf(
    "where of truths",
    (a) => tf.where(tf.greater(a, 0), tf.less(a, 1), tf.less(a, -1)),
    [[[9], "any"]],
    { gradient: false },
  ),
  ...unaryCases(
    {
      not: (x) => tf.logicalNot(tf.greater(x, 0)),
      isNaN: (x) => tf.isNaN(tf.log(x)),
      isInf: (x) => tf.isInf(tf.div(1, tf.relu(x))),
      isFinite: (x) => tf.isFinite(tf.log(tf.relu(x))),
      "cast to bool": (x) => tf.cast(tf.relu(x), "bool"),
      "cast to int truncates": (x) => tf.cast(x, "int32"),
      "cast bool to float": (x) => tf.cast(tf.greater(x, 0), "float32"),
    },
    "any",
    false,
  ),
];

describe("kernels against the cpu backend: logic", () => {
  testCases("logic", comparisons);
});
