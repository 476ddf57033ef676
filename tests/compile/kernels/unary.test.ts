import { describe } from "vitest";
import { tf } from "../../../src/core/tf.js";
import { type Case, caseOf, testCases, unaryCases } from "./cases.js";

const unary: Case[] = [
  ...unaryCases(
    {
      neg: tf.neg,
      abs: tf.abs,
      sign: tf.sign,
      exp: tf.exp,
      expm1: tf.expm1,
      square: tf.square,
      sigmoid: tf.sigmoid,
      tanh: tf.tanh,
      relu: tf.relu,
      softplus: tf.softplus,
      elu: tf.elu,
      sin: tf.sin,
      cos: tf.cos,
      tan: (x) => tf.tan(tf.mul(x, 0.5)),
      sinh: tf.sinh,
      cosh: tf.cosh,
      atan: tf.atan,
      asinh: tf.asinh,
      floor: tf.floor,
      ceil: tf.ceil,
      round: tf.round,
      step: (x) => tf.step(x, 0.25),
      identity: tf.clone,
      selu: tf.selu,
      relu6: tf.relu6,
      leakyRelu: (x) => tf.leakyRelu(x, 0.3),
      clip: (x) => tf.clipByValue(x, -0.5, 0.75),
      reshape: (x) => tf.reshape(x, [-1]),
      expand: (x) => tf.expandDims(x, -1),
      zerosLike: tf.zerosLike,
      onesLike: tf.onesLike,
    },
    "any",
    true,
  ),
  ...unaryCases({ erf: tf.erf }, "any", true).map((each) => ({ ...each, tolerance: 1e-5 })),
  ...unaryCases(
    {
      log: tf.log,
      log1p: tf.log1p,
      sqrt: tf.sqrt,
      rsqrt: tf.rsqrt,
      reciprocal: tf.reciprocal,
      acosh: (x) => tf.acosh(tf.add(x, 1)),
    },
    "positive",
    true,
  ),
  ...unaryCases({ asin: tf.asin, acos: tf.acos, atanh: tf.atanh }, "unit", true),
  ...unaryCases(
    {
      neg: tf.neg,
      abs: tf.abs,
      sign: tf.sign,
      square: tf.square,
      exp: tf.exp,
      clip: (x) => tf.clipByValue(x, -2, 3),
    },
    "whole",
    false,
  ),
  caseOf(
    "round goes to the even neighbour",
    () => tf.round(tf.tensor1d([0.5, 1.5, 2.5, -0.5, -1.5, 0.4999])),
    [[[1], "any"]],
    { gradient: false },
  ),
  caseOf(
    "log1p and expm1 are exact near 0",
    (x) => [tf.mul(tf.log1p(tf.mul(x, 1e-6)), 1e6), tf.mul(tf.expm1(tf.mul(x, 1e-6)), 1e6)],
    [[[9], "unit"]],
    { gradient: false },
  ),
];

describe("kernels against the cpu backend: unary", () => {
  testCases("unary", unary);
});
