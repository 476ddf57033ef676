import { describe, expect, it } from "vitest";
import { crossTokenWeights } from "../../src/policy/crossWeight.js";

describe("crossTokenWeights", () => {
  it("is the ratio of the two probabilities, cut at the cap", () => {
    const underPrompt = [Math.log(0.1), Math.log(0.5), Math.log(0.9)];
    const underOwn = [Math.log(0.2), Math.log(0.5), Math.log(0.1)];
    const weights = crossTokenWeights({ underPrompt, underOwn }, 2);
    expect(weights[0]).toBeCloseTo(0.5, 12);
    expect(weights.slice(1)).toEqual([1, 2]);
  });

  it("refuses a cap below 1 and log-probs of other tokens", () => {
    expect(() => crossTokenWeights({ underPrompt: [0], underOwn: [0] }, 0.5)).toThrow("at least 1");
    expect(() => crossTokenWeights({ underPrompt: [0], underOwn: [] }, 2)).toThrow("1 against 0");
  });
});
