import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Rng } from "../../../src/core/rng.js";
import { argmax, sampleSorted, sampleToken } from "../../../src/engine/local/sampling.js";

const ALL = { topP: 1, topK: 0 };

describe("argmax", () => {
  it("is the first of the largest", () => {
    expect(argmax([0.2, 0.5, 0.3])).toBe(1);
    expect(argmax([0.1, 0.4, 0.1, 0.4])).toBe(1);
    expect(argmax([1])).toBe(0);
  });
});

describe("sampleToken", () => {
  // Sums: 0.5, 0.75, 0.875, 1. A uniform takes the first token whose sum exceeds it.
  const probs = [0.5, 0.25, 0.125, 0.125];
  it.each([
    [0, 0],
    [0.4999, 0],
    [0.5, 1],
    [0.7499, 1],
    [0.75, 2],
    [0.875, 3],
    [1 - 2 ** -53, 3],
  ])("of 1/2, 1/4, 1/8, 1/8 at %d is token %d", (uniform, token) => {
    expect(sampleToken(probs, uniform, ALL)).toBe(token);
  });

  // Order by probability: tokens 2 (1/2), 0 (1/4), then 1 and 3 (1/8 each), the smaller id first.
  const mixed = [0.25, 0.125, 0.5, 0.125];
  const reached = (options: { topP: number; topK: number }) => [
    ...new Set(Array.from({ length: 64 }, (_, at) => sampleToken(mixed, at / 64, options))),
  ];
  it.each([
    { topP: 1, topK: 1, tokens: [2] },
    { topP: 1, topK: 2, tokens: [2, 0] },
    { topP: 1, topK: 3, tokens: [2, 0, 1] },
    { topP: 1, topK: 4, tokens: [2, 0, 1, 3] },
    { topP: 1, topK: 9, tokens: [2, 0, 1, 3] },
    { topP: 0.01, topK: 0, tokens: [2] },
    { topP: 0.5, topK: 0, tokens: [2] },
    { topP: 0.5001, topK: 0, tokens: [2, 0] },
    { topP: 0.75, topK: 0, tokens: [2, 0] },
    { topP: 0.8, topK: 0, tokens: [2, 0, 1] },
    { topP: 0.9, topK: 2, tokens: [2, 0] },
    { topP: 0.6, topK: 3, tokens: [2, 0] },
  ])("top-p $topP with top-k $topK reaches the tokens $tokens", ({ tokens, ...options }) => {
    expect(reached(options)).toEqual(tokens);
  });

  it("shares the mass of dropped tokens among the kept ones in proportion", () => {
    // Kept 1/2 and 1/4: token 2 has 2/3 of the mass.
    const options = { topP: 1, topK: 2 };
    expect(sampleToken(mixed, 0.666, options)).toBe(2);
    expect(sampleToken(mixed, 0.667, options)).toBe(0);
  });

  it("takes tokens as often as their probability says", () => {
    const draws = Rng.fromSeed(4);
    const counts = [0, 0, 0, 0];
    for (let draw = 0; draw < 8000; draw++) {
      const token = sampleToken(mixed, draws.uniform(), ALL);
      counts[token] = (counts[token] ?? 0) + 1;
    }
    const chi2 = counts.reduce((sum, count, token) => {
      const expected = 8000 * (mixed[token] as number);
      return sum + (count - expected) ** 2 / expected;
    }, 0);
    // χ² with 3 degrees of freedom is below 16.3 with probability 0.999.
    expect(chi2).toBeLessThan(16.3);
  });

  it("never takes a token of probability 0, not even where rounding leaves a gap at the end", () => {
    expect(sampleToken([0, 0.3, 0.3, 0], 0.99, ALL)).toBe(2);
    expect(sampleToken([0, 1, 0], 0, ALL)).toBe(1);
    const weights = fc.array(fc.constantFrom(0, 0, 1, 2, 5), { minLength: 1, maxLength: 8 });
    const uniform = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    const topK = fc.integer({ min: 0, max: 9 });
    const topP = fc.double({ min: 0.01, max: 1, noNaN: true });
    fc.assert(
      fc.property(weights, uniform, topK, topP, (given, u, k, p) => {
        const sum = given.reduce<number>((a, b) => a + b, 0);
        fc.pre(sum > 0);
        const row = Float32Array.from(given.map((weight) => weight / sum));
        expect(row[sampleToken(row, u, { topP: p, topK: k })]).toBeGreaterThan(0);
      }),
      { seed: 1 },
    );
  });

  it("takes the token that sorting the whole row gives, whatever the row and the cut", () => {
    const draws = Rng.fromSeed(9);
    const rows = {
      spread: (token: number) => Math.exp(draws.normal() * 2) + 0 * token,
      flat: (token: number) => 1 + 1e-7 * token,
      equal: () => 1,
      steep: (token: number) => 2 ** -token,
      sparse: (token: number) => (token % 7 === 0 ? draws.uniform() : 0),
    };
    const cuts = [
      { topP: 0.95, topK: 0 },
      { topP: 0.5, topK: 0 },
      { topP: 1, topK: 40 },
      { topP: 0.9, topK: 20 },
      { topP: 0.25, topK: 3000 },
    ];
    for (const weigh of Object.values(rows)) {
      const weights = Array.from({ length: 2000 }, (_, token) => weigh(token));
      const sum = weights.reduce((a, b) => a + b, 0);
      const row = Float32Array.from(weights, (weight) => weight / sum);
      for (const cut of cuts) {
        for (const uniform of [0, 0.1, draws.uniform(), 0.5, draws.uniform(), 1 - 2 ** -53]) {
          expect(sampleToken(row, uniform, cut)).toBe(sampleSorted(row, uniform, cut));
        }
      }
    }
  });

  it("sorts where rounding decides: a share of 3/4 that two tokens reach exactly", () => {
    const row = Float32Array.of(0.25, 0.125, 0.5, 0.125);
    const reach = (topP: number) => [
      ...new Set(Array.from({ length: 64 }, (_, at) => sampleToken(row, at / 64, { topP, topK: 0 }))),
    ];
    expect(reach(0.75)).toEqual([2, 0]);
    expect(reach(0.7501)).toEqual([2, 0, 1]);
  });
});
