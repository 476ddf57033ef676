import { beforeAll, describe, expect, it } from "vitest";
import { CheckpointError } from "../../src/core/errors.js";
import { copyOf, type NdArray, ndarray, type Params, scalar, zerosLike } from "../../src/core/ndarray.js";
import { Rng } from "../../src/core/rng.js";
import { tf } from "../../src/core/tf.js";
import { ADAMW_DEFAULTS, adamwScalars, init, update } from "../../src/optim/adamw.js";
import { updateInPlace } from "../../src/optim/adamwInPlace.js";
import { clipByGlobalNorm } from "../../src/optim/clip.js";
import { type Listed, adamw as reference } from "../golden/adamw.js";

function arrays(listed: Listed): Params {
  return Object.fromEntries(
    Object.entries(listed).map(([name, { shape, values }]) => [name, ndarray(values, shape)]),
  );
}

function tensors(params: Params) {
  return Object.fromEntries(
    Object.entries(params).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]),
  );
}

/** Largest difference, relative where numbers are above 1. */
function distance(found: Params, expected: Record<string, ArrayLike<number>>): number {
  return Math.max(
    ...Object.entries(expected).flatMap(([name, values]) =>
      Array.from(
        values,
        (value, at) =>
          Math.abs(((found[name] as NdArray).data[at] as number) - value) / Math.max(1, Math.abs(value)),
      ),
    ),
  );
}

const valuesOf = (listed: Listed) =>
  Object.fromEntries(Object.entries(listed).map(([name, { values }]) => [name, values]));

/** Adapters of two sizes, gradients small and large. */
function drawn(seed: number, scale: number): Params {
  const draws = Rng.fromSeed(seed);
  const shapes = Array.from({ length: 40 }, (_, at) => (at % 2 === 0 ? [16, 24] : [32, 4]));
  return Object.fromEntries(
    shapes.map((shape, at) => {
      const size = (shape[0] as number) * (shape[1] as number);
      return [
        `layer.${at}`,
        ndarray(
          Float32Array.from({ length: size }, () => scale * draws.normal()),
          shape,
        ),
      ];
    }),
  );
}

beforeAll(async () => {
  await tf.setBackend("cpu");
});

describe("updateInPlace", () => {
  it.each(reference.runs)("equals PyTorch's AdamW step by step, weight decay $weightDecay", (run) => {
    const options = { ...ADAMW_DEFAULTS, weightDecay: run.weightDecay };
    const params = arrays(reference.params);
    const moments = { first: zerosLike(params), second: zerosLike(params) };
    for (const [at, grads] of reference.grads.entries()) {
      const scalars = adamwScalars(at + 1, reference.learningRates[at] as number);
      const step = { ...scalars, options, maxGradNorm: Number.POSITIVE_INFINITY };
      expect(updateInPlace(params, arrays(grads), moments, step).isApplied).toBe(true);
      expect(distance(params, valuesOf(run.after[at] as Listed))).toBeLessThan(1e-6);
    }
    expect(distance(moments.first, valuesOf(run.first))).toBeLessThan(1e-6);
    expect(distance(moments.second, valuesOf(run.second))).toBeLessThan(1e-6);
  });

  it.each([
    { scale: 1e-4, maxGradNorm: 1 },
    { scale: 3, maxGradNorm: 1 },
    { scale: 3, maxGradNorm: Number.POSITIVE_INFINITY },
  ])(
    "equals clipping and adamw.ts element by element, gradients of size $scale, clip $maxGradNorm",
    (one) => {
      const params = drawn(1, 0.1);
      const moments = { first: zerosLike(params), second: zerosLike(params) };
      let oracle = { params: tensors(params), state: init(tensors(params)) };
      for (let step = 1; step <= 5; step++) {
        const grads = drawn(10 + step, one.scale);
        const scalars = adamwScalars(step, 1e-2);
        const hyper = {
          learningRate: tf.scalar(scalars.learningRate),
          correction1: tf.scalar(scalars.correction1),
          rootCorrection2: tf.scalar(scalars.rootCorrection2),
        };
        const clipped = clipByGlobalNorm(tensors(grads), one.maxGradNorm);
        oracle = update(oracle.params, clipped.grads, oracle.state, hyper);
        const { norm } = updateInPlace(params, grads, moments, { ...scalars, maxGradNorm: one.maxGradNorm });
        expect(norm / (clipped.norm.dataSync()[0] as number)).toBeCloseTo(1, 6);
      }
      const numbers = (each: typeof oracle.params) =>
        Object.fromEntries(Object.entries(each).map(([name, tensor]) => [name, tensor.dataSync()]));
      expect(distance(params, numbers(oracle.params))).toBeLessThan(1e-6);
      expect(distance(moments.first, numbers(oracle.state.first))).toBeLessThan(1e-6);
      expect(distance(moments.second, numbers(oracle.state.second))).toBeLessThan(1e-6);
    },
  );

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 1e30])("keeps everything with a gradient of %d", (bad) => {
    const params = { p: ndarray([1, 2], [2]), q: ndarray([3], [1]) };
    const moments = { first: zerosLike(params), second: zerosLike(params) };
    const before = copyOf(params);
    const grads = { p: ndarray([1, 1], [2]), q: ndarray([bad], [1]) };
    const step = { ...adamwScalars(1, 0.1), maxGradNorm: 1 };
    expect(updateInPlace(params, grads, moments, step).isApplied).toBe(false);
    expect(params).toEqual(before);
    expect(moments.first).toEqual(zerosLike(params));
  });

  it("leaves parameters without a gradient alone, and names a gradient without a parameter", () => {
    const params = { trained: scalar(1), frozen: scalar(3) };
    const moments = { first: zerosLike(params), second: zerosLike(params) };
    const step = { ...adamwScalars(1, 0.1), maxGradNorm: 1 };
    updateInPlace(params, { trained: scalar(1) }, moments, step);
    // lr·g/|g| and decay lr·λ·p, as by hand in optim.test.ts.
    expect(params.trained.data[0]).toBeCloseTo(1 - 0.1 - 0.001, 6);
    expect(params.frozen.data[0]).toBe(3);
    expect(() => updateInPlace(params, { other: scalar(1) }, moments, step)).toThrow(CheckpointError);
    expect(() => updateInPlace(params, { other: scalar(1) }, moments, step)).toThrow(
      "adamw.updateInPlace: missing parameter: other",
    );
  });
});
