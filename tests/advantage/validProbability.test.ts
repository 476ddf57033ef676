import { describe, expect, it } from "vitest";
import { simulateValid, validProbability } from "../../src/advantage/validProbability.js";
import { Rng } from "../../src/core/rng.js";

describe("validProbability", () => {
  it("is one minus all right minus all wrong", () => {
    // n = 2, p = 1/2: 1 − 1/4 − 1/4 = 1/2.
    expect(validProbability([0.5], 2)).toBe(0.5);
    // Variants at 0.9 and 0.1, one response each: 1 − 0.09 − 0.09 = 0.82.
    expect(validProbability([0.9, 0.1], 1)).toBeCloseTo(0.82, 12);
  });

  it("depends on the number of responses only, when all variants are equally hard", () => {
    expect(validProbability([0.3, 0.3, 0.3], 4)).toBeCloseTo(validProbability([0.3], 12), 12);
  });

  it("is 0 where every answer is sure, and for a single response", () => {
    expect(validProbability([1, 1], 6)).toBe(0);
    expect(validProbability([0], 6)).toBe(0);
    expect(validProbability([0.4], 1)).toBeCloseTo(0, 12);
  });

  it("refuses what is not a share", () => {
    expect(() => validProbability([0.5, 1.2], 6)).toThrow("1.2 at 1");
  });
});

describe("simulateValid", () => {
  it("counts what the formula says, within three standard errors", () => {
    const exact = validProbability([0.9, 0.6], 3);
    const trials = 4000;
    const counted = simulateValid([0.9, 0.6], 3, { trials, rng: Rng.fromSeed(1) });
    expect(Math.abs(counted - exact)).toBeLessThan(3 * Math.sqrt((exact * (1 - exact)) / trials));
  });
});
