import { beforeAll, describe, expect, it } from "vitest";
import type { Params } from "../../src/core/ndarray.js";
import { type Tensor, tf } from "../../src/core/tf.js";
import { mropePositions } from "../../src/model/transformer/rope.js";
import {
  CASES,
  GOLDENS,
  type GoldenModel,
  goldenLoss,
  gridsOf,
  hostInputs,
  imageRows,
  largestDifference,
  loadGolden,
  pick,
  scores,
  tensorInputs,
  tokenLogProbs,
  toTensors,
} from "./parity.js";

// golden: benchmarks/measured/parity/qwen25vl.py. Both sides compute in float32; 1e-4 and 1e-3 are the project's bounds.
describe.each(GOLDENS)("%s equals transformers", (golden) => {
  let model: GoldenModel;
  let expected: Params;
  let params: Record<string, Tensor>;

  beforeAll(async () => {
    ({ model, expected } = await loadGolden(golden));
    params = toTensors(model.params);
  });

  it.each(CASES)("gives the same M-RoPE positions: %s", (name) => {
    const { positions } = mropePositions(
      pick(expected, `${name}.tokens`).data,
      gridsOf(expected, name),
      model.config,
    );
    expect(Array.from(positions)).toEqual(Array.from(pick(expected, `${name}.positions`).data));
  });

  it.each(["twoImages", "oneImage"] as const)("gives the same image rows: %s", (name) => {
    const rows = imageRows(params, model, tensorInputs(hostInputs(expected, name, model)));
    expect(largestDifference(rows.dataSync(), pick(expected, `${name}.vision`).data)).toBeLessThan(1e-4);
  });

  it.each(CASES)("gives the same logits and log-probabilities: %s", (name) => {
    const inputs = tensorInputs(hostInputs(expected, name, model));
    const found = scores(params, model, inputs).dataSync();
    expect(largestDifference(found, pick(expected, `${name}.logits`).data)).toBeLessThan(1e-4);
    const logProbs = tokenLogProbs(params, model, inputs).dataSync();
    expect(largestDifference(logProbs, pick(expected, `${name}.logProbs`).data)).toBeLessThan(1e-4);
  });

  it("gives the same gradient for every parameter", () => {
    const inputs = CASES.map((name) => tensorInputs(hostInputs(expected, name, model)));
    const names = Object.keys(params);
    const { value, grads } = tf.valueAndGrads((...tensors: Tensor[]) => {
      const named = Object.fromEntries(names.map((name, at) => [name, tensors[at] as Tensor]));
      return tf.add(tf.scalar(0), goldenLoss(named, model, inputs)) as tf.Scalar;
    })(names.map((name) => params[name] as Tensor));
    expect(
      Math.abs((value.dataSync()[0] as number) - (pick(expected, "loss").data[0] as number)),
    ).toBeLessThan(1e-3);
    const differences = names.map((name, at) => {
      const wanted = pick(expected, `gradient.${name}`);
      return [name, largestDifference((grads[at] as Tensor).dataSync(), wanted.data)] as const;
    });
    expect(differences.filter(([, difference]) => !(difference < 1e-3))).toEqual([]);
  });
});
