import { beforeAll, describe, expect, it } from "vitest";
import { type Tensor, type TensorParams, tf } from "../../src/core/tf.js";
import {
  ADAMW_DEFAULTS,
  adamwScalars,
  decaysMatrices,
  init,
  keepIfFinite,
  update,
} from "../../src/optim/adamw.js";
import { clipByGlobalNorm } from "../../src/optim/clip.js";
import { learningRateMultiplier } from "../../src/optim/schedule.js";
import { type Listed, adamw as reference } from "../golden/adamw.js";
import { golden } from "../golden/load.js";

function tensors(listed: Listed): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(listed).map(([name, { shape, values }]) => [name, tf.tensor(values, shape)]),
  );
}

/** float32 against float64 on numbers of size 1. */
function expectClose(actual: TensorParams, expected: Listed, tolerance = 1e-6): void {
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, { shape, values }] of Object.entries(expected)) {
    expect(actual[name]?.shape).toEqual(shape);
    const numbers = [...(actual[name] as Tensor).dataSync()];
    for (const [at, value] of values.entries()) {
      expect(Math.abs((numbers[at] as number) - value)).toBeLessThan(
        tolerance * Math.max(1, Math.abs(value)),
      );
    }
  }
}

function scalars(step: number, learningRate: number) {
  const { correction1, rootCorrection2 } = adamwScalars(step, learningRate);
  return {
    learningRate: tf.scalar(learningRate),
    correction1: tf.scalar(correction1),
    rootCorrection2: tf.scalar(rootCorrection2),
  };
}

beforeAll(async () => {
  await tf.setBackend("cpu");
});

describe("adamw.update", () => {
  it.each(reference.runs)("equals PyTorch's AdamW step by step, weight decay $weightDecay", (run) => {
    const options = { ...ADAMW_DEFAULTS, weightDecay: run.weightDecay };
    let params: TensorParams = tensors(reference.params);
    let state = init(params);
    for (const [at, grads] of reference.grads.entries()) {
      const step = { ...scalars(at + 1, reference.learningRates[at] as number), options };
      ({ params, state } = update(params, tensors(grads), state, step));
      expectClose(params, run.after[at] as Listed);
    }
    expectClose(state.first, run.first);
    expectClose(state.second, run.second);
  });

  it("moves by the learning rate against the sign of the first gradient", () => {
    // Step 1: m/c1 = g and √v/√c2 = |g|, so the step is lr·g/|g|; decay adds lr·λ·p = 0.1·0.01·2.
    const params = { p: tf.tensor1d([2, 2]) };
    const { params: moved } = update(params, { p: tf.tensor1d([5, -0.25]) }, init(params), scalars(1, 0.1));
    const [down, up] = (moved["p"] as Tensor).dataSync();
    expect(down).toBeCloseTo(2 - 0.1 - 0.002, 6);
    expect(up).toBeCloseTo(2 + 0.1 - 0.002, 6);
  });

  it("leaves a frozen parameter and its moments alone", () => {
    const params = { trained: tf.scalar(1), frozen: tf.scalar(3) };
    const result = update(params, { trained: tf.scalar(1) }, init(params), scalars(1, 0.1));
    expect(result.params["frozen"]).toBe(params.frozen);
    expect(result.state.first["frozen"]?.dataSync()[0]).toBe(0);
  });

  it("can decay matrices only", () => {
    const params = { matrix: tf.ones([1, 1]), bias: tf.ones([1]) };
    const grads = { matrix: tf.zeros([1, 1]), bias: tf.zeros([1]) };
    const options = { ...ADAMW_DEFAULTS, weightDecay: 0.5, decays: decaysMatrices };
    const { params: moved } = update(params, grads, init(params), { ...scalars(1, 0.1), options });
    expect(moved["matrix"]?.dataSync()[0]).toBeCloseTo(0.95, 6);
    expect(moved["bias"]?.dataSync()[0]).toBe(1);
  });

  it("names a gradient that has no parameter, and one of another shape", () => {
    const params = { p: tf.scalar(1) };
    expect(() => update(params, { q: tf.scalar(1) }, init(params), scalars(1, 1))).toThrow(
      "missing parameter: q",
    );
    expect(() => update(params, { p: tf.tensor1d([1]) }, init(params), scalars(1, 1))).toThrow(
      "adamw.update: p: expected gradient [], got [1]",
    );
  });

  it("does not change its arguments", () => {
    const params = { p: tf.tensor1d([1, 2]) };
    const state = init(params);
    update(params, { p: tf.tensor1d([1, 1]) }, state, scalars(1, 0.1));
    expect([...params.p.dataSync()]).toEqual([1, 2]);
    expect([...(state.second["p"] as Tensor).dataSync()]).toEqual([0, 0]);
  });
});

describe("clipByGlobalNorm", () => {
  it.each(reference.clips)("equals PyTorch's clip_grad_norm_ at $maxNorm", ({ maxNorm, norm, grads }) => {
    const clipped = clipByGlobalNorm(tensors(reference.grads[0] as Listed), maxNorm);
    expect(clipped.norm.dataSync()[0]).toBeCloseTo(norm, 5);
    expect(clipped.finite.dataSync()[0]).toBe(1);
    expectClose(clipped.grads, grads);
  });

  it("has norm 5 for gradients 3 and 4, wherever they stand", () => {
    const { norm } = clipByGlobalNorm({ a: tf.tensor2d([[3, 0]]), b: tf.scalar(4) }, 1);
    expect(norm.dataSync()[0]).toBe(5);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 1e30])(
    "says that a norm is not finite, and keepIfFinite then keeps everything, with a gradient of %d",
    (bad) => {
      const params = { p: tf.tensor1d([1, 2]) };
      const { grads, finite } = clipByGlobalNorm({ p: tf.tensor1d([bad, 1]) }, 1);
      expect(finite.dataSync()[0]).toBe(0);
      const { params: next } = update(params, grads, init(params), scalars(1, 0.1));
      expect([...(keepIfFinite(finite, next, params)["p"] as Tensor).dataSync()]).toEqual([1, 2]);
    },
  );

  it("lets a finite step through keepIfFinite", () => {
    const kept = keepIfFinite(tf.scalar(1), { p: tf.tensor1d([3]) }, { p: tf.tensor1d([1]) });
    expect(kept["p"]?.dataSync()[0]).toBe(3);
  });
});

describe("learningRateMultiplier", () => {
  const course = golden<{ lr_schedule: Record<string, number[]> }>("shareGrpo.json").lr_schedule;
  it.each([
    ["fork_warmup0", { warmupSteps: 0, startsAtZero: true }],
    ["fork_warmup3", { warmupSteps: 3, startsAtZero: true }],
    ["easyr1_today_warmup0", { warmupSteps: 0 }],
    ["easyr1_today_warmup3", { warmupSteps: 3 }],
  ] as const)("follows the reference: %s", (name, options) => {
    const steps = course[name] as number[];
    for (const [step, expected] of steps.entries()) {
      expect(learningRateMultiplier(step, options)).toBeCloseTo(expected, 10);
    }
  });

  it("follows half a cosine from 1 to the lowest ratio", () => {
    // Halfway cos(π/2) = 0, so the multiplier is 0.1 + 0.9·½.
    const options = { kind: "cosine", warmupSteps: 2, totalSteps: 12, minRatio: 0.1 } as const;
    expect([1, 2, 7, 12, 20].map((step) => learningRateMultiplier(step, options))).toEqual([
      0.5,
      1,
      expect.closeTo(0.55, 10),
      expect.closeTo(0.1, 10),
      expect.closeTo(0.1, 10),
    ]);
  });
});
