import { beforeAll, describe, expect, it } from "vitest";
import { valueAndGrad } from "../../src/compile/grad.js";
import { jit } from "../../src/compile/jit.js";
import type { NdArray, Params } from "../../src/core/ndarray.js";
import type { Tensor, TensorParams } from "../../src/core/tf.js";
import {
  CASES,
  GOLDENS,
  type GoldenModel,
  goldenLoss,
  hostInputs,
  type Inputs,
  largestDifference,
  loadGolden,
  pick,
  scores,
  tokenLogProbs,
} from "./parity.js";

// golden: benchmarks/measured/parity/qwen25vl.py; the same bounds as the eager test.
describe.each(GOLDENS)("compiled %s equals transformers", (golden) => {
  let model: GoldenModel;
  let expected: Params;

  beforeAll(async () => {
    ({ model, expected } = await loadGolden(golden));
  });

  it.each(CASES)("gives the same logits and log-probabilities: %s", async (name) => {
    const forward = jit(
      (params: TensorParams, inputs: Inputs) => ({
        scores: scores(params, model, inputs),
        logProbs: tokenLogProbs(params, model, inputs),
      }),
      { name: "forward" },
    );
    const found = await forward(model.params, hostInputs(expected, name, model));
    await forward.dispose();
    expect(largestDifference(found.scores.data, pick(expected, `${name}.logits`).data)).toBeLessThan(1e-4);
    expect(largestDifference(found.logProbs.data, pick(expected, `${name}.logProbs`).data)).toBeLessThan(
      1e-4,
    );
  });

  it("gives the same gradient for every parameter", async () => {
    const lossOf = valueAndGrad((params: TensorParams, inputs: readonly Inputs[]) => ({
      loss: goldenLoss(params, model, inputs),
    }));
    const gradients = jit(
      (params: TensorParams, inputs: readonly Inputs[]): { loss: Tensor; grads: Record<string, Tensor> } => {
        const { loss, grads } = lossOf(params, inputs);
        return { loss, grads };
      },
      { name: "gradients" },
    );
    const host = CASES.map((name) => hostInputs(expected, name, model));
    const { loss, grads } = await gradients(model.params, host);
    await gradients.dispose();
    expect(largestDifference(loss.data, pick(expected, "loss").data)).toBeLessThan(1e-3);
    expect(Object.keys(grads).sort()).toEqual(Object.keys(model.params).sort());
    const differences = Object.entries(grads).map(([name, gradient]: [string, NdArray]) => {
      return [name, largestDifference(gradient.data, pick(expected, `gradient.${name}`).data)] as const;
    });
    expect(differences.filter(([, difference]) => !(difference < 1e-3))).toEqual([]);
  });
});
