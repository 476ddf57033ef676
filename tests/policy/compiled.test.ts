import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { valueAndGrad } from "../../src/compile/grad.js";
import { jit } from "../../src/compile/jit.js";
import { ndarray, scalar } from "../../src/core/ndarray.js";
import type { TensorParams } from "../../src/core/tf.js";
import { type Tensor, tf } from "../../src/core/tf.js";
import { adamwScalars, init, keepIfFinite, update } from "../../src/optim/adamw.js";
import { clipByGlobalNorm } from "../../src/optim/clip.js";
import { fullKl, klPerToken } from "../../src/policy/kl.js";
import { type PolicyLossInputs, policyLoss } from "../../src/policy/loss.js";
import { cispoLoss, gspoLoss, gspoTokenLoss, sapoLoss } from "../../src/policy/otherLosses.js";
import { SURROGATE_DEFAULTS, type SurrogateOptions, surrogateLoss } from "../../src/policy/surrogate.js";

const P = 3;
const T = 4;
const wave = (phase: number) => Array.from({ length: P * T }, (_, at) => Math.sin(phase + 1.3 * at) - 1.2);
const host = {
  oldLogProbs: ndarray(wave(1), [P, T]),
  advantages: ndarray([1.5, -0.5, -2], [P, 1]),
  mask: ndarray([1, 1, 1, 0, 1, 1, 1, 1, 1, 0, 0, 0], [P, T]),
  scale: scalar(1 / 8),
};
const logProbs = ndarray(wave(0), [P, T]);

const PER_RESPONSE: SurrogateOptions = {
  ...SURROGATE_DEFAULTS,
  ratio: "response",
  dualClip: null,
  maxLogRatio: null,
};
type Batch = Omit<PolicyLossInputs, "logProbs">;
const LOSSES: [string, (inputs: PolicyLossInputs) => Tensor][] = [
  ["clip", (inputs) => policyLoss(inputs).loss],
  ["clip, one ratio per response", (inputs) => surrogateLoss(inputs, PER_RESPONSE).loss],
  ["gspo", (inputs) => gspoLoss(inputs, { clipLow: 0.2, clipHigh: 0.3 })],
  ["gspo-token", (inputs) => gspoTokenLoss(inputs, { clipLow: 0.2, clipHigh: 0.3 })],
  ["cispo", (inputs) => cispoLoss(inputs)],
  ["sapo", (inputs) => sapoLoss(inputs)],
  ["kl", (inputs) => tf.sum(klPerToken(inputs.logProbs, inputs.oldLogProbs, "low_var_kl"))],
  ["kl, full", ({ logProbs: x, oldLogProbs: y }) => tf.sum(fullKl(tf.logSoftmax(x), tf.logSoftmax(y)))],
];

function tensorOf({
  data,
  shape,
}: {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
}): Tensor {
  return tf.tensor(Float32Array.from(data), [...shape], "float32");
}

function expectSame(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length);
  for (const [at, value] of Array.from(expected).entries()) expect(actual[at]).toBeCloseTo(value, 5);
}

const compiled: { dispose(): Promise<void> }[] = [];
beforeAll(async () => {
  await tf.setBackend("cpu");
});
afterAll(async () => {
  for (const fn of compiled) await fn.dispose();
});

describe("compiled", () => {
  it.each(LOSSES)("the loss %s has the value and gradient it has eagerly", async (name, loss) => {
    const step = valueAndGrad((params: TensorParams, batch: Batch) => ({
      loss: loss({ ...batch, logProbs: params["logProbs"] as Tensor }),
    }));
    const traced = (params: TensorParams, batch: Batch) => {
      const { loss: value, grads } = step(params, batch);
      return { value, grads };
    };
    const run = jit(traced, { name });
    compiled.push(run);
    const result = await run({ logProbs }, host);
    const eager = traced(
      { logProbs: tensorOf(logProbs) },
      {
        oldLogProbs: tensorOf(host.oldLogProbs),
        advantages: tensorOf(host.advantages),
        mask: tensorOf(host.mask),
        scale: tensorOf(host.scale),
      },
    );
    expectSame(result.value.data, eager.value.dataSync());
    expectSame(result.grads["logProbs"]?.data ?? [], eager.grads["logProbs"]?.dataSync() ?? [Number.NaN]);
    expect(Array.from(result.grads["logProbs"]?.data ?? []).some((slope) => Math.abs(slope) > 1e-3)).toBe(
      true,
    );
  });

  it("an AdamW step moves as it does eagerly, and a gradient that is not a number changes nothing", async () => {
    const traced = (
      p: Tensor,
      grad: Tensor,
      step: Record<"learningRate" | "correction1" | "rootCorrection2", Tensor>,
    ) => {
      const { grads, finite } = clipByGlobalNorm({ p: grad }, 1);
      const next = update({ p }, grads, init({ p }), step);
      return keepIfFinite(finite, next.params, { p });
    };
    const run = jit(traced, { name: "adamw" });
    compiled.push(run);
    const numbers = adamwScalars(3, 0.1);
    const step = {
      learningRate: scalar(numbers.learningRate),
      correction1: scalar(numbers.correction1),
      rootCorrection2: scalar(numbers.rootCorrection2),
    };
    const eager = traced(tf.tensor1d([1, 2]), tf.tensor1d([3, -4]), {
      learningRate: tf.scalar(numbers.learningRate),
      correction1: tf.scalar(numbers.correction1),
      rootCorrection2: tf.scalar(numbers.rootCorrection2),
    });
    const moved = await run(ndarray([1, 2], [2]), ndarray([3, -4], [2]), step);
    expectSame(moved["p"]?.data ?? [], eager["p"]?.dataSync() ?? [Number.NaN]);
    const kept = await run(ndarray([1, 2], [2]), ndarray([Number.NaN, 1], [2]), step);
    expect(Array.from(kept["p"]?.data ?? [])).toEqual([1, 2]);
  });
});
