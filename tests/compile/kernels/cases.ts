import { expect, it } from "vitest";
import { eager } from "../../../src/compile/eager.js";
import { jit } from "../../../src/compile/jit.js";
import { type NdArray, ndarray } from "../../../src/core/ndarray.js";
import { Rng } from "../../../src/core/rng.js";
import { type Tensor, tf } from "../../../src/core/tf.js";
import { largestGap } from "../compare.js";

/** Seeded numbers: `any` in (−2, 2), `positive` in (0.1, 2.1), `whole` integers in [−4, 4], `index` integers in [0, 3]. */
export type Kind = "any" | "positive" | "unit" | "whole" | "index";

const rng = Rng.fromSeed(11);

export function random(shape: readonly number[], kind: Kind, label: string): NdArray {
  const stream = rng.split(label, kind, shape.join("x"));
  const size = shape.reduce((product, side) => product * side, 1);
  const draw = {
    any: () => 4 * stream.uniform() - 2,
    positive: () => 2 * stream.uniform() + 0.1,
    unit: () => 1.8 * stream.uniform() - 0.9,
    whole: () => stream.integer(-4, 5),
    index: () => stream.integer(0, 4),
  }[kind];
  const dtype = kind === "whole" || kind === "index" ? "int32" : "float32";
  return ndarray(Array.from({ length: size }, draw), shape, dtype);
}

export interface Case {
  readonly name: string;
  readonly f: (...x: Tensor[]) => Tensor | Tensor[];
  readonly inputs: readonly NdArray[];
  /** Inputs whose gradients are compared; default: all floats. */
  readonly gradient?: boolean;
  readonly tolerance?: number;
}

const PAIRS: readonly (readonly [readonly number[], readonly number[]])[] = [
  [
    [2, 3],
    [2, 3],
  ],
  [[2, 3, 4], [4]],
  [
    [2, 1, 4],
    [3, 1],
  ],
  [[], [2, 3]],
  [
    [1, 1],
    [2, 1],
  ],
  [
    [0, 3],
    [1, 3],
  ],
];

export type Op = (...x: Tensor[]) => Tensor;

export function binaryCases(
  ops: Readonly<Record<string, Op>>,
  kinds: readonly [Kind, Kind],
  gradient: boolean,
): Case[] {
  return Object.entries(ops).flatMap(([name, f]) =>
    PAIRS.map(([a, b]) => ({
      name: `${name}([${a}], [${b}]) of ${kinds}`,
      f,
      inputs: [random(a, kinds[0], `${name}-a`), random(b, kinds[1], `${name}-b`)],
      gradient,
    })),
  );
}

export function unaryCases(ops: Readonly<Record<string, Op>>, kind: Kind, gradient: boolean): Case[] {
  const shapes = [[], [7], [2, 1, 3], [2, 0]];
  return Object.entries(ops).flatMap(([name, f]) =>
    shapes.map((shape) => ({
      name: `${name}([${shape}]) of ${kind}`,
      f,
      inputs: [random(shape, kind, name)],
      gradient,
    })),
  );
}

export function caseOf(
  name: string,
  f: Case["f"],
  inputs: readonly (readonly [readonly number[], Kind])[],
  rest: Partial<Case> = {},
): Case {
  return {
    name,
    f,
    inputs: inputs.map(([shape, kind], at) => random(shape, kind, `${name}-${at}`)),
    ...rest,
  };
}

/** Values of all cases, and gradients of Σ y·w of those that have them, in one function: one session for a group. */
function group(cases: readonly Case[]) {
  const weights = (y: Tensor) => tf.reshape(tf.sin(tf.range(1, y.size + 1)), y.shape);
  return (inputs: readonly (readonly Tensor[])[]) =>
    cases.map(({ f, gradient }, at) => {
      const x = inputs[at] as Tensor[];
      const outputs = () => [f(...x)].flat();
      if (gradient === false || x.some((each) => each.size === 0))
        return { values: outputs(), gradients: [] };
      const floats = x
        .map((each, position) => [each, position] as const)
        .filter(([each]) => each.dtype === "float32");
      const loss = (...moved: Tensor[]) => {
        const arguments_ = [...x];
        for (const [order, [, position]] of floats.entries()) arguments_[position] = moved[order] as Tensor;
        return [f(...arguments_)]
          .flat()
          .map((y) => tf.sum(tf.mul(y, weights(y))))
          .reduce((a, b) => tf.add(a, b)) as tf.Scalar;
      };
      return { values: outputs(), gradients: tf.grads(loss)(floats.map(([each]) => each)) };
    });
}

type Results = ReturnType<ReturnType<typeof runs>>;

/** Compiled and eager results of a group of cases. */
function runs(name: string) {
  return async (cases: readonly Case[]) => {
    const inputs = cases.map((each) => each.inputs);
    const compiled = jit(group(cases), { name, runtime: { threads: 1 } });
    const results = [await compiled(inputs), await eager(group(cases))(inputs)] as const;
    await compiled.dispose();
    return results;
  };
}

/** Each case, compiled, against TensorFlow.js's cpu backend. They share one graph; if it fails, each has its own. */
export function testCases(name: string, cases: readonly Case[]): void {
  const run = runs(name);
  let together: Results | undefined;
  it.each(cases.map((each, at) => [each.name, each, at] as const))("%s", async (_, each, at) => {
    together ??= run(cases);
    const [[compiled], [expected]] = await together.then(
      ([left, right]) => [left.slice(at), right.slice(at)],
      () => run([each]),
    );
    expect(compiled).toBeDefined();
    expect(largestGap(compiled, expected)).toBeLessThan(each.tolerance ?? 2e-6);
  });
}
