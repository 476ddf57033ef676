import { describe } from "vitest";
import { type Tensor, tf } from "../../../src/core/tf.js";
import { type Case, caseOf, testCases } from "./cases.js";

const transposes = [false, true].flatMap((a) => [false, true].map((b) => [a, b] as const));
const matmuls: Case[] = transposes.flatMap(([ta, tb]) => {
  const a = (batch: readonly number[], k = 4) => [...batch, ...(ta ? [k, 3] : [3, k])];
  const b = (batch: readonly number[], k = 4) => [...batch, ...(tb ? [5, k] : [k, 5])];
  const name = `matMul ${ta ? "aᵀ" : "a"} ${tb ? "bᵀ" : "b"}`;
  const f = (x: Tensor, y: Tensor) => tf.matMul(x, y, ta, tb);
  return [
    caseOf(name, f, [
      [a([]), "any"],
      [b([]), "any"],
    ]),
    caseOf(`${name} by batch`, f, [
      [a([2]), "any"],
      [b([2]), "any"],
    ]),
    caseOf(`${name} by two batch axes`, f, [
      [a([2, 3]), "any"],
      [b([2, 3]), "any"],
    ]),
    caseOf(
      `${name} with one matrix for all`,
      f,
      [
        [a([2, 3]), "any"],
        [b([]), "any"],
      ],
      { gradient: false },
    ),
    caseOf(
      `${name} broadcast`,
      f,
      [
        [a([2, 3]), "any"],
        [b([1, 1]), "any"],
      ],
      { gradient: false },
    ),
    caseOf(`${name} broadcast by tile`, (x, y) => f(x, tf.tile(y, [2, 1, 1])), [
      [a([2]), "any"],
      [b([1]), "any"],
    ]),
    caseOf(
      `${name} over nothing`,
      f,
      [
        [a([], 0), "any"],
        [b([], 0), "any"],
      ],
      { gradient: false },
    ),
  ];
});
const products: Case[] = [
  ...matmuls,
  caseOf("fused matMul", (a, b, c) => tf.fused.matMul({ a: a, b: b, bias: c, activation: "relu" }), [
    [[3, 4], "any"],
    [[4, 5], "any"],
    [[5], "any"],
  ]),
  caseOf("dot", (a, b) => tf.dot(a, b), [
    [[4], "any"],
    [[4, 5], "any"],
  ]),
  caseOf(
    "einsum",
    (a, b) => tf.einsum("bij,bkj->bik", a, b),
    [
      [[2, 3, 4], "any"],
      [[2, 5, 4], "any"],
    ],
    { gradient: false },
  ),
];

describe("kernels against the cpu backend: matmul", () => {
  testCases("matmul", products);
});
