import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { grpoAdvantages } from "../../src/advantage/grpo.js";
import {
  drGrpoAdvantages,
  passAtKAdvantages,
  reinforcePlusPlusAdvantages,
  rlooAdvantages,
} from "../../src/advantage/others.js";
import { std } from "../../src/core/stats.js";

const rewardLists: fc.Arbitrary<number[]> = fc.array(fc.constantFrom<number>(0, 0.1, 0.9, 1), {
  minLength: 1,
  maxLength: 9,
});

describe("drGrpoAdvantages", () => {
  it("is the reward less its mean", () => {
    expect(drGrpoAdvantages([1, 0, 0, 1])).toEqual([0.5, -0.5, -0.5, 0.5]);
  });

  it("is GRPO's advantage times the standard deviation", () => {
    fc.assert(
      fc.property(rewardLists, (rewards) => {
        const scale = rewards.length > 1 ? std(rewards) : 0;
        const grpo = grpoAdvantages(rewards, { epsilon: 0 });
        for (const [at, value] of drGrpoAdvantages(rewards).entries()) {
          expect(value).toBeCloseTo((grpo[at] as number) * scale, 10);
        }
      }),
    );
  });
});

describe("rlooAdvantages", () => {
  it("is the reward less the mean of the others", () => {
    fc.assert(
      fc.property(rewardLists, (rewards) => {
        for (const [at, value] of rlooAdvantages(rewards).entries()) {
          const others = rewards.filter((_, other) => other !== at);
          const mean = others.reduce((sum, reward) => sum + reward, 0) / others.length;
          expect(value).toBeCloseTo(others.length === 0 ? 0 : (rewards[at] as number) - mean, 10);
        }
      }),
    );
  });
});

describe("reinforcePlusPlusAdvantages", () => {
  it("whitens over tokens", () => {
    // Tokens carry 1, 1, 1, 0: mean ¾, squares 3·¹⁄₁₆ + ⁹⁄₁₆ = ¾, variance ¾/3 = ¼, deviation ½.
    const [long, short] = reinforcePlusPlusAdvantages([1, 0], [3, 1]);
    expect(long).toBeCloseTo(0.5, 6);
    expect(short).toBeCloseTo(-1.5, 6);
  });

  it("has mean 0 over tokens, is 0 for equal rewards, and refuses an empty response", () => {
    const tokens = [3, 5, 2];
    const advantages = reinforcePlusPlusAdvantages([1, 0.1, 0], tokens);
    expect(
      advantages.reduce((sum, advantage, at) => sum + advantage * (tokens[at] as number), 0),
    ).toBeCloseTo(0, 10);
    expect(reinforcePlusPlusAdvantages([0.9, 0.9], [1, 7])).toEqual([0, 0]);
    expect(() => reinforcePlusPlusAdvantages([1, 0], [1, 0])).toThrow("at least one token");
  });
});

describe("passAtKAdvantages", () => {
  it("rewards the lead of the best response only", () => {
    // Sample std of (1, ½, 0) is ½, so the lead of ½ counts 1.
    const [best, ...rest] = passAtKAdvantages([1, 0.5, 0]);
    expect(best).toBeCloseTo(1, 5);
    expect(rest).toEqual([0, 0]);
  });

  it("is 0 when two share the best place, and for one response", () => {
    expect(passAtKAdvantages([1, 1, 0])).toEqual([0, 0, 0]);
    expect(passAtKAdvantages([1])).toEqual([0]);
  });
});
