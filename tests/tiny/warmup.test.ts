import { describe, expect, it } from "vitest";
import { formatResponse } from "../../src/tiny/demonstrations.js";
import { warmupLearningRate } from "../../src/tiny/warmup.js";

describe("warmupLearningRate", () => {
  it("rises over the first 4 % to the peak and falls to a twentieth", () => {
    const rates = Array.from({ length: 100 }, (_, step) => warmupLearningRate(step, 100, 0.02));
    // 4 steps of rise: 1/4, 2/4, 3/4, 4/4 of the peak.
    expect(rates.slice(0, 5)).toEqual([0.005, 0.01, 0.015, 0.02, 0.02]);
    // Half way between step 4 and step 100 the cosine is 0: 0.02 · (0.05 + 0.95 / 2).
    expect(rates[52]).toBeCloseTo(0.0105, 10);
    expect(warmupLearningRate(100, 100, 0.02)).toBeCloseTo(0.001, 10);
    for (let step = 5; step < 100; step++)
      expect(rates[step] as number).toBeLessThan(rates[step - 1] as number);
  });

  it("is positive and finite in the shortest run", () => {
    expect(warmupLearningRate(0, 1, 0.02)).toBe(0.02);
  });
});

describe("formatResponse", () => {
  it("is the asked-for format, or lacks just what is asked", () => {
    expect(formatResponse("two and two", "4")).toBe("<think>two and two</think> \\boxed{4}");
    expect(formatResponse("two and two", "4", "tag")).toBe("<think>two and two \\boxed{4}");
    expect(formatResponse("two and two", "4", "box")).toBe("<think>two and two</think> 4");
  });
});
