import { describe, expect, it } from "vitest";
import { sharingForecast, sharingVerdict, unbiasedPower } from "../../src/advantage/sharingForecast.js";
import { validProbability } from "../../src/advantage/validProbability.js";
import type { QuestionCounts, VariantCount } from "../../src/advantage/variantSpread.js";
import { DataError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { mean } from "../../src/core/stats.js";

const rng = () => Rng.fromSeed(2);

/** A question whose original, rewrites and views have known success probabilities. */
interface Truth {
  readonly original: number;
  readonly rewrites: readonly number[];
  readonly views: readonly number[];
}

function answered({ original, rewrites, views }: Truth, samples: number, draws: Rng): QuestionCounts {
  const count = (p: number) =>
    Array.from({ length: samples }, () => draws.uniform()).filter((u) => u < p).length;
  const variants: VariantCount[] = [
    { wording: "original", transform: "none", correct: count(original) },
    ...rewrites.map((p, wording) => ({ wording, transform: "none" as const, correct: count(p) })),
    ...views.map((p) => ({ wording: 0, transform: "rotate_90cw" as const, correct: count(p) })),
  ];
  return { samples, variants };
}

describe("unbiasedPower", () => {
  it("is the share of draws without replacement that are all right", () => {
    // 3 of 4 right: of the 6 pairs, 3 are both right.
    expect(unbiasedPower(3, 4, 2)).toBeCloseTo(1 / 2, 12);
    expect(unbiasedPower(1, 4, 2)).toBe(0);
    expect(unbiasedPower(2, 4, 0)).toBe(1);
    expect(unbiasedPower(4, 4, 4)).toBe(1);
  });

  it("is pⁿ on average, where the plug-in is too large", () => {
    // Exact expectation over the binomial of S = 5, p = 0.6: Σ C(5,c) p^c (1−p)^(5−c) f(c).
    const ways = [1, 5, 10, 10, 5, 1];
    const expectation = (f: (c: number) => number) =>
      ways.reduce((sum, way, c) => sum + way * 0.6 ** c * 0.4 ** (5 - c) * f(c), 0);
    expect(expectation((c) => unbiasedPower(c, 5, 3))).toBeCloseTo(0.6 ** 3, 12);
    expect(expectation((c) => (c / 5) ** 3)).toBeGreaterThan(0.6 ** 3 + 0.05);
  });
});

describe("sharingForecast", () => {
  const group = { variants: 2, responses: 3, transformProbability: 0 };

  it("is the notebook's formula for known probabilities", () => {
    const draws = rng();
    const truth = { original: 0.95, rewrites: [0.5], views: [] };
    const questions = Array.from({ length: 300 }, () => answered(truth, 8, draws));
    const forecast = sharingForecast(questions, group, rng());
    expect(forecast.grpo.value).toBeCloseTo(validProbability([0.95], 6), 1);
    expect(forecast.shared.value).toBeCloseTo(validProbability([0.95, 0.5], 3), 1);
    expect(forecast.augmented.value).toBeCloseTo(
      mean([validProbability([0.95], 6), validProbability([0.5], 6)]),
      1,
    );
    expect(Math.abs(forecast.shared.value - validProbability([0.95, 0.5], 3))).toBeLessThan(0.04);
    expect(forecast.gain.low).toBeGreaterThan(0.3);
    expect(sharingVerdict(forecast)).toContain("more groups that teach");
  });

  it("draws variants as training does: rewrites without replacement, views by chance", () => {
    const draws = rng();
    const truth = { original: 0.9, rewrites: [0.6, 0.3], views: [0.2, 0.4] };
    const options = { variants: 3, responses: 2, transformProbability: 0.25 };
    const questions = Array.from({ length: 400 }, () => answered(truth, 10, draws));
    // By enumeration: each of three slots keeps its words or takes one of the views not yet taken.
    let expected = 0;
    for (let turned = 0; turned < 8; turned++) {
      for (const words of [
        [0.6, 0.3],
        [0.3, 0.6],
      ]) {
        for (const views of [
          [0.2, 0.4],
          [0.4, 0.2],
        ]) {
          const chance = [0, 1, 2].map((slot) => (turned & (1 << slot) ? 0.25 : 0.75));
          const weight = chance.reduce((a, b) => a * b, 1) / 4;
          // With two views for three turned slots the original is asked as it is.
          const left = [...views];
          const p_M = [0, 1, 2].map((slot) => {
            const plain = slot === 0 ? 0.9 : (words[slot - 1] ?? Number.NaN);
            return turned & (1 << slot) ? (left.pop() ?? 0.9) : plain;
          });
          expected += weight * validProbability(p_M, 2);
        }
      }
    }
    expect(Math.abs(sharingForecast(questions, options, rng()).shared.value - expected)).toBeLessThan(0.04);
  });

  it("gains nothing, and says so, where variants are as hard as the original", () => {
    const draws = rng();
    const questions = Array.from({ length: 300 }, (_, at) => {
      const p = (at % 10) / 10;
      return answered({ original: p, rewrites: [p, p], views: [] }, 12, draws);
    });
    const forecast = sharingForecast(
      questions,
      { variants: 2, responses: 6, transformProbability: 0 },
      rng(),
    );
    expect(Math.abs(forecast.gain.value)).toBeLessThan(0.02);
    expect(sharingVerdict(forecast)).toContain("hardly");
  });

  it("warns where variants make hard questions hopeless", () => {
    const draws = rng();
    const truth = { original: 0.1, rewrites: [0], views: [] };
    const questions = Array.from({ length: 200 }, () => answered(truth, 12, draws));
    const forecast = sharingForecast(
      questions,
      { variants: 2, responses: 6, transformProbability: 0 },
      rng(),
    );
    expect(forecast.gain.high).toBeLessThan(0);
    expect(sharingVerdict(forecast)).toContain("fewer groups");
  });

  it("is GRPO where a question has no rewrites and no views", () => {
    const question = answered({ original: 0.7, rewrites: [], views: [] }, 8, rng());
    const forecast = sharingForecast([question], { ...group, transformProbability: 0.3 }, rng());
    expect(forecast.shared.value).toBeCloseTo(forecast.grpo.value, 12);
    expect(forecast.augmented.value).toBeCloseTo(forecast.grpo.value, 12);
  });

  it("refuses fewer samples than a group, and no questions", () => {
    const question = answered({ original: 0.7, rewrites: [0.5], views: [] }, 5, rng());
    expect(() => sharingForecast([question], group, rng())).toThrow(DataError);
    expect(() => sharingForecast([], group, rng())).toThrow(DataError);
  });
});
