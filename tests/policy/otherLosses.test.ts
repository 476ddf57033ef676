import { beforeAll, describe, expect, it } from "vitest";
import { type Tensor, tf } from "../../src/core/tf.js";
import { type PolicyLossInputs, policyLoss } from "../../src/policy/loss.js";
import { cispoLoss, gspoLoss, gspoTokenLoss, sapoLoss } from "../../src/policy/otherLosses.js";

type Loss = (inputs: PolicyLossInputs) => Tensor;

/** Value and gradient by log-prob of a loss on rows of two tokens. */
function evaluate(loss: Loss, ratios: number[][], advantages: number[][]) {
  const old = ratios.map((row) => row.map(() => -1));
  const logProbs = ratios.map((row) => row.map((ratio) => -1 + Math.log(ratio)));
  const inputs = {
    oldLogProbs: tf.tensor2d(old),
    advantages: tf.tensor2d(advantages),
    mask: tf.onesLike(tf.tensor2d(old)),
    scale: tf.scalar(1 / ratios.flat().length),
  };
  const of = (given: Tensor) => loss({ ...inputs, logProbs: given });
  const grad = tf.grad(of)(tf.tensor2d(logProbs));
  return { value: of(tf.tensor2d(logProbs)).dataSync()[0] as number, grad: [...grad.dataSync()] };
}

function expectAll(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  for (const [at, value] of expected.entries()) expect(actual[at]).toBeCloseTo(value, 5);
}

beforeAll(async () => {
  await tf.setBackend("cpu");
});

describe("on the old policy", () => {
  it.each([
    ["gspo", gspoLoss],
    ["gspo-token", gspoTokenLoss],
    ["cispo", cispoLoss],
    ["sapo", sapoLoss],
  ] as [string, Loss][])("%s has the gradient of the clipped loss, −A/tokens", (_, loss) => {
    const advantages = [
      [1.5, 1.5],
      [-0.5, -0.5],
    ];
    const ones = [
      [1, 1],
      [1, 1],
    ];
    const clipped = evaluate((inputs) => policyLoss(inputs).loss, ones, advantages);
    expectAll(clipped.grad, [-0.375, -0.375, 0.125, 0.125]);
    expectAll(evaluate(loss, ones, advantages).grad, clipped.grad);
  });
});

describe("gspoLoss", () => {
  it("clips whole responses by the geometric mean of their ratios", () => {
    // Row 1: √(4·¼) = 1, free, ℓ = −2 per token and slope −A·s/2 per token of the row's mean, over 4 tokens.
    // Row 2: s = 2 > 1.3 with A > 0: ℓ = −1.3, no gradient.
    const wide = { clipLow: 0.2, clipHigh: 0.3 };
    const { value, grad } = evaluate(
      (inputs) => gspoLoss(inputs, wide),
      [
        [4, 0.25],
        [2, 2],
      ],
      [[2], [1]],
    );
    expect(value).toBeCloseTo((-2 * 2 - 1.3 * 2) / 4, 5);
    expectAll(grad, [-0.5, -0.5, 0, 0]);
  });
});

describe("gspoTokenLoss", () => {
  const wide = { clipLow: 0.2, clipHigh: 0.3 };

  it("is GSPO's, value and gradient, where the tokens of a response have one advantage", () => {
    const ratios = [
      [4, 0.25],
      [2, 2],
      [1.1, 1.3],
    ];
    const advantages = [[2], [1], [-3]];
    const whole = evaluate((inputs) => gspoLoss(inputs, wide), ratios, advantages);
    const byToken = evaluate((inputs) => gspoTokenLoss(inputs, wide), ratios, advantages);
    expect(byToken.value).toBeCloseTo(whole.value, 5);
    expectAll(byToken.grad, whole.grad);
  });

  it("gives each token the slope of its own advantage", () => {
    // s = √(4·¼) = 1 for both tokens: ℓ = −2 and 1 over 2 tokens; slopes −A·s/2. GSPO would share them: −¼ and −¼.
    const byToken = evaluate((inputs) => gspoTokenLoss(inputs, wide), [[4, 0.25]], [[2, -1]]);
    expect(byToken.value).toBeCloseTo((-2 + 1) / 2, 5);
    expectAll(byToken.grad, [-1, 0.5]);
    expectAll(evaluate((inputs) => gspoLoss(inputs, wide), [[4, 0.25]], [[2, -1]]).grad, [-0.25, -0.25]);
  });
});

describe("cispoLoss", () => {
  it("weighs each token's gradient by its clipped ratio and drops none", () => {
    // Weights 0.8, 1.3 and 1 after the clip; gradient −w·A/4.
    const { grad } = evaluate(cispoLoss, [[0.5, 2, 1, 1]], [[1, 1, -2, 0]]);
    expectAll(grad, [-0.2, -0.325, 0.5, 0]);
  });
});

describe("sapoLoss", () => {
  it("has the slope of its sigmoid gate", () => {
    // d/dδ of −A·(4/τ)·σ(τ(r−1)) is −A·4·σ·(1−σ)·r; r = 3, τ = 1: σ(2) = 0.8807971.
    const sigma = 0.8807970779778823;
    const { value, grad } = evaluate(sapoLoss, [[3]], [[2]]);
    expect(value).toBeCloseTo(-2 * 4 * sigma, 5);
    expectAll(grad, [-2 * 4 * sigma * (1 - sigma) * 3]);
  });

  it("has its own τ for negative advantages", () => {
    // τ = 1.05: value −A·(4/1.05)·σ(1.05·0.5), σ(0.525) = 0.6283201.
    const { value } = evaluate(sapoLoss, [[1.5]], [[-1]]);
    expect(value).toBeCloseTo((4 / 1.05) * 0.6283201, 4);
  });
});
