import { describe, expect, it } from "vitest";
import {
  type QuestionCounts,
  successRates,
  variantContrasts,
  variantSpread,
} from "../../src/advantage/variantSpread.js";
import { DataError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";

const rng = () => Rng.fromSeed(1);
const upright = (wording: "original" | number, correct: number) =>
  ({ wording, transform: "none", correct }) as const;

/** Questions of known success probabilities, answered `samples` times each. */
function simulated(p_Q_V: readonly (readonly number[])[], samples: number, draws: Rng): QuestionCounts[] {
  return p_Q_V.map((p_V) => ({
    samples,
    variants: p_V.map((p, at) => {
      const correct = Array.from({ length: samples }, () => draws.uniform()).filter((u) => u < p).length;
      return upright(at === 0 ? "original" : at - 1, correct);
    }),
  }));
}

describe("variantSpread", () => {
  it("is the analysis of variance by hand", () => {
    // p̂ = 1 and 0.5 with S = 4: SSW = 4·0 + 4·0.25 = 1 over 2·3 = 6, so MSW = 1/6.
    // p̂_q = 0.75: SSB = 4·(0.0625 + 0.0625) = 0.5 over 1, so MSB = 0.5.
    // σ² = (1/2 − 1/6) / 4 = 1/12; ICC = (1/12) / (1/12 + 1/6) = 1/3.
    const spread = variantSpread([{ samples: 4, variants: [upright("original", 4), upright(0, 2)] }], rng());
    expect(spread.variance.value).toBeCloseTo(1 / 12, 12);
    expect(spread.intraclass.value).toBeCloseTo(1 / 3, 12);
  });

  it("finds the variance of known success probabilities", () => {
    // Variants at 0.8 and 0.4: variance between two (divisor V − 1) 0.08, within (0.16 + 0.24) / 2 = 0.2.
    const p_Q_V = Array.from({ length: 200 }, () => [0.8, 0.4]);
    const { variance, intraclass } = variantSpread(simulated(p_Q_V, 16, rng()), rng());
    expect(Math.abs(variance.value - 0.08)).toBeLessThan(0.01);
    expect(intraclass.value).toBeCloseTo(0.08 / 0.28, 1);
    expect(variance.low).toBeLessThan(0.08);
    expect(variance.high).toBeGreaterThan(0.08);
  });

  it("calls a difference between questions no difference between variants", () => {
    const p_Q_V = Array.from({ length: 150 }, (_, at) => Array(4).fill(at % 2 === 0 ? 0.9 : 0.2));
    const { intraclass } = variantSpread(simulated(p_Q_V, 16, rng()), rng());
    expect(Math.abs(intraclass.value)).toBeLessThan(0.02);
    expect(intraclass.low).toBeLessThan(0);
    expect(intraclass.high).toBeGreaterThan(0);
  });

  it("covers the truth about as often as it says", () => {
    const draws = rng();
    const p_Q_V = Array.from({ length: 40 }, () => [0.7, 0.5, 0.3]);
    const hits = Array.from({ length: 20 }, (_, at) => {
      const { variance } = variantSpread(simulated(p_Q_V, 8, draws.split(at)), draws.split("spread", at));
      return variance.low <= 0.04 && 0.04 <= variance.high;
    }).filter(Boolean).length;
    expect(hits).toBeGreaterThanOrEqual(16);
  });

  it("refuses what it cannot compare", () => {
    const one = { samples: 4, variants: [upright("original", 1)] };
    expect(() => variantSpread([one], rng())).toThrow(DataError);
    const twice = [upright("original", 1), upright(0, 1)];
    expect(() => variantSpread([{ samples: 1, variants: twice }], rng())).toThrow(/at least twice/);
    const uneven = [
      { samples: 4, variants: twice },
      { samples: 3, variants: twice },
    ];
    expect(() => variantSpread(uneven, rng())).toThrow(/equally often/);
  });
});

describe("variantContrasts", () => {
  const question: QuestionCounts = {
    samples: 10,
    variants: [
      upright("original", 8),
      upright(0, 6),
      upright(1, 2),
      { wording: 1, transform: "rotate_90cw", correct: 1 },
      { wording: "original", transform: "vertically_flipped", correct: 5 },
    ],
  };

  it("holds rewrites against the original, and views against the same words", () => {
    const found = new Map(
      variantContrasts([question], rng()).map(({ name, difference }) => [name, difference.value]),
    );
    expect(found.get("rewrite 1")).toBeCloseTo(-0.2, 12);
    expect(found.get("rewrite 2")).toBeCloseTo(-0.6, 12);
    expect(found.get("any rewrite")).toBeCloseTo(-0.4, 12);
    expect(found.get("rotate_90cw")).toBeCloseTo(-0.1, 12);
    expect(found.get("vertically_flipped")).toBeCloseTo(-0.3, 12);
    expect(found.get("any transform")).toBeCloseTo(-0.2, 12);
    expect(found.size).toBe(6);
  });

  it("has nothing to say where nothing was asked otherwise", () => {
    expect(variantContrasts([{ samples: 4, variants: [upright("original", 1)] }], rng())).toEqual([]);
  });
});

describe("successRates", () => {
  it("weighs questions alike, however many variants they have", () => {
    const rates = successRates([
      { samples: 2, variants: [upright("original", 2), upright(0, 1), upright(1, 0)] },
      { samples: 2, variants: [upright("original", 0)] },
    ]);
    expect(rates.original).toBe(0.5);
    expect(rates.variants).toBe(0.25);
  });
});
