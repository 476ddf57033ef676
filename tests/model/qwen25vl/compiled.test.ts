import { beforeAll, describe, expect, it } from "vitest";
import { valueAndGrad } from "../../../src/compile/grad.js";
import { jit } from "../../../src/compile/jit.js";
import type { NdArray, Params } from "../../../src/core/ndarray.js";
import type { Tensor } from "../../../src/core/tf.js";
import type { Model } from "../../../src/model/qwen25vl/load.js";
import type { TensorParams } from "../../../src/model/transformer/layers.js";
import {
  CASES,
  type Golden,
  goldenLoss,
  type HostInputs,
  hostInputs,
  largestDifference,
  loadGolden,
  pick,
  scores,
  type TensorInputs,
  tokenLogProbs,
} from "./parity.js";

/** The arrays of `tensorInputs`, as compiled functions take them. */
function hostTree({ tokens, cos, sin, image }: HostInputs) {
  if (!image) return { tokens, cos, sin };
  const { layout, patches, index, isImage } = image;
  const { windowMask, fullMask } = layout;
  return {
    tokens,
    cos,
    sin,
    image: { patches, cos: layout.cos, sin: layout.sin, windowMask, fullMask, index, isImage },
  };
}

// golden: benchmarks/measured/parity/qwen25vl.py; the same bounds as the eager test.
describe.each(["tied", "untied"] satisfies Golden[])(
  "compiled Qwen2.5-VL equals transformers (%s head)",
  (golden) => {
    let model: Model;
    let expected: Params;

    beforeAll(async () => {
      ({ model, expected } = await loadGolden(golden));
    });

    it.each(CASES)("gives the same logits and log-probabilities: %s", async (name) => {
      const forward = jit(
        (params: TensorParams, inputs: TensorInputs) => ({
          scores: scores(params, model.config, inputs),
          logProbs: tokenLogProbs(params, model.config, inputs),
        }),
        { name: "forward" },
      );
      const found = await forward(model.params, hostTree(hostInputs(expected, name, model.config)));
      await forward.dispose();
      expect(largestDifference(found.scores.data, pick(expected, `${name}.logits`).data)).toBeLessThan(1e-4);
      expect(largestDifference(found.logProbs.data, pick(expected, `${name}.logProbs`).data)).toBeLessThan(
        1e-4,
      );
    });

    it("gives the same gradient for every parameter", async () => {
      const lossOf = valueAndGrad((params: TensorParams, inputs: readonly TensorInputs[]) => ({
        loss: goldenLoss(params, model.config, inputs),
      }));
      const gradients = jit(
        (
          params: TensorParams,
          inputs: readonly TensorInputs[],
        ): { loss: Tensor; grads: Record<string, Tensor> } => {
          const { loss, grads } = lossOf(params, inputs);
          return { loss, grads };
        },
        { name: "gradients" },
      );
      const host = CASES.map((name) => hostTree(hostInputs(expected, name, model.config)));
      const { loss, grads } = await gradients(model.params, host);
      await gradients.dispose();
      expect(largestDifference(loss.data, pick(expected, "loss").data)).toBeLessThan(1e-3);
      expect(Object.keys(grads).sort()).toEqual(Object.keys(model.params).sort());
      const differences = Object.entries(grads).map(([name, gradient]: [string, NdArray]) => {
        return [name, largestDifference(gradient.data, pick(expected, `gradient.${name}`).data)] as const;
      });
      expect(differences.filter(([, difference]) => !(difference < 1e-3))).toEqual([]);
    });
  },
);
