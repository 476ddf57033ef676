import { describe, expect, it } from "vitest";
import { eager } from "../../../src/compile/eager.js";
import { valueAndGrad } from "../../../src/compile/grad.js";
import { jit } from "../../../src/compile/jit.js";
import { ShapeError } from "../../../src/core/errors.js";
import { ndarray } from "../../../src/core/ndarray.js";
import { Rng } from "../../../src/core/rng.js";
import { type Tensor, type TensorParams, tf } from "../../../src/core/tf.js";
import { pickLogProbs } from "../../../src/model/transformer/pick.js";
import { largestGap } from "../../compile/compare.js";

const [N, V] = [6, 9];
const stream = Rng.fromSeed(3).split("pick");
const random = (size: number) => Array.from({ length: size }, () => 4 * stream.uniform() - 2);
const scores = ndarray(random(N * V), [N, V]);
const weights = ndarray(random(N), [N]);
const labels = ndarray([0, 8, 3, 3, 5, 0], [N], "int32");

type Pick = (scores: Tensor, labels: Tensor) => Tensor;
const written: Pick = pickLogProbs;
const onTape: Pick = (x, at) => tf.sum(tf.mul(tf.logSoftmax(x), tf.oneHot(at, V, 1, 0, "float32")), 1);

/** Σ w·log p and its gradient. */
const graded = (pick: Pick) =>
  valueAndGrad(({ x }: TensorParams, at: Tensor, w: Tensor) => {
    const picked = pick(x as Tensor, at);
    return { loss: tf.sum(tf.mul(picked, w)), aux: { picked } };
  });

describe("pickLogProbs", () => {
  it("is the logarithm of the label's share", async () => {
    const picked = await eager(written)(
      ndarray([0, Math.log(3), 5, 5], [2, 2]),
      ndarray([1, 0], [2], "int32"),
    );
    expect(picked.data[0]).toBeCloseTo(Math.log(3 / 4), 6); // e^log 3 / (e^0 + e^log 3)
    expect(picked.data[1]).toBeCloseTo(Math.log(1 / 2), 6);
  });

  it("has the tape's values and gradients, eagerly and compiled", async () => {
    const expected = await eager(graded(onTape))({ x: scores }, labels, weights);
    expect(largestGap(await eager(graded(written))({ x: scores }, labels, weights), expected)).toBeLessThan(
      1e-6,
    );
    const compiled = jit(graded(written), { name: "pick", runtime: { threads: 1 } });
    expect(largestGap(await compiled({ x: scores }, labels, weights), expected)).toBeLessThan(1e-6);
  });

  it("stays finite where the label's share is too small for a float", async () => {
    const { loss, grads } = await eager(graded(written))(
      { x: ndarray([0, 200], [1, 2]) },
      ndarray([0], [1], "int32"),
      ndarray([1], [1]),
    );
    expect(loss.data[0]).toBe(-200);
    expect([...(grads["x"]?.data ?? [])]).toEqual([1, -1]);
  });

  it("refuses labels of another number", async () => {
    await expect(eager(written)(scores, ndarray([1], [1], "int32"))).rejects.toThrow(ShapeError);
  });
});
