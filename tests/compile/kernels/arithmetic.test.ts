import { describe } from "vitest";
import { tf } from "../../../src/core/tf.js";
import { binaryCases, type Case, caseOf, type Op, testCases } from "./cases.js";

const arithmetic: Case[] = [
  ...binaryCases(
    {
      add: tf.add,
      sub: tf.sub,
      mul: tf.mul,
    },
    ["any", "any"],
    true,
  ),
  // TensorFlow.js gives these no gradient when they broadcast.
  ...binaryCases(
    { maximum: tf.maximum, minimum: tf.minimum, squaredDifference: tf.squaredDifference },
    ["any", "any"],
    false,
  ),
  ...Object.entries({
    maximum: tf.maximum,
    minimum: tf.minimum,
    squaredDifference: tf.squaredDifference,
  }).map(([name, f]) =>
    caseOf(`gradient of ${name}`, (a, b) => f(a, b), [
      [[2, 3], "any"],
      [[2, 3], "any"],
    ]),
  ),
  ...binaryCases({ div: tf.div }, ["any", "positive"], true),
  ...binaryCases({ divNoNan: tf.divNoNan }, ["any", "positive"], false),
  ...binaryCases({ pow: tf.pow }, ["positive", "positive"], true),
  ...binaryCases({ mod: tf.mod }, ["any", "positive"], true),
  ...binaryCases({ floorDiv: tf.floorDiv }, ["any", "positive"], false),
  ...binaryCases(
    { add: tf.add, sub: tf.sub, mul: tf.mul, maximum: tf.maximum, minimum: tf.minimum },
    ["whole", "whole"],
    false,
  ),
  ...binaryCases({ add: tf.add, mul: tf.mul }, ["whole", "any"], false),
  ...binaryCases({ prelu: tf.prelu as Op }, ["any", "any"], false).filter(
    ({ inputs }) => inputs[0]?.shape.length === 2 && inputs[1]?.shape.length === 2,
  ),
  caseOf(
    "mod keeps the sign of the divisor (ints)",
    (a, b) => tf.mod(a, tf.sub(tf.mul(b, tf.scalar(2, "int32")), tf.scalar(9, "int32"))),
    [
      [[40], "whole"],
      [[40], "index"],
    ],
    { gradient: false },
  ),
  caseOf("mod keeps the sign of the divisor (floats)", (a) => tf.mod(a, -0.7), [[[40], "any"]], {
    gradient: false,
  }),
  caseOf(
    "floorDiv of ints",
    (a, b) => tf.floorDiv(a, tf.sub(tf.mul(b, tf.scalar(2, "int32")), tf.scalar(9, "int32"))),
    [
      [[40], "whole"],
      [[40], "index"],
    ],
    { gradient: false },
  ),
  caseOf(
    "div of ints",
    (a, b) => tf.div(a, tf.add(b, tf.scalar(1, "int32"))),
    [
      [[40], "whole"],
      [[40], "index"],
    ],
    { gradient: false },
  ),
  caseOf(
    "pow of ints",
    (a, b) => tf.pow(a, b),
    [
      [[20], "whole"],
      [[20], "index"],
    ],
    { gradient: false },
  ),
  caseOf("addN", (a, b, c) => tf.addN([a, b, c]), [
    [[2, 3], "any"],
    [[2, 3], "any"],
    [[2, 3], "any"],
  ]),
];

describe("kernels against the cpu backend: arithmetic", () => {
  testCases("arithmetic", arithmetic);
});
