import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mean, quantile, std, wilson } from "../../src/core/stats.js";

describe("mean and std", () => {
  it("are what arithmetic says", () => {
    // 2, 4, 4, 4, 5, 5, 7, 9: sum 40, squares of differences 9+1+1+1+0+0+4+16 = 32.
    const values = [2, 4, 4, 4, 5, 5, 7, 9];
    expect(mean(values)).toBe(5);
    expect(std(values, 0)).toBe(2);
    expect(std(values)).toBeCloseTo(Math.sqrt(32 / 7), 12);
  });

  it("are NaN where they are not defined", () => {
    expect([mean([]), std([]), std([3]), std([], 0)]).toEqual([NaN, NaN, NaN, NaN]);
    expect(std([3], 0)).toBe(0);
    expect(mean([1, Number.NaN])).toBeNaN();
  });
});

describe("quantile", () => {
  it("interpolates between order statistics, whatever the order given", () => {
    const values = [40, 10, 30, 20];
    expect(quantile(values, 0)).toBe(10);
    expect(quantile(values, 1)).toBe(40);
    // 0.5 · 3 = 1.5: half way from 20 to 30; 0.1 · 3 = 0.3 of the way from 10 to 20.
    expect(quantile(values, 0.5)).toBe(25);
    expect(quantile(values, 0.1)).toBeCloseTo(13, 12);
    expect(values).toEqual([40, 10, 30, 20]);
  });

  it("of one value is that value, of none NaN", () => {
    expect([quantile([7], 0.3), quantile([], 0.5)]).toEqual([7, NaN]);
  });

  it("grows with q and stays within the values", () => {
    const numbers = fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1 });
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(numbers, share, share, (values, p, q) => {
        const [low, high] = [quantile(values, Math.min(p, q)), quantile(values, Math.max(p, q))];
        expect(low).toBeLessThanOrEqual(high + 1e-9);
        expect(low).toBeGreaterThanOrEqual(Math.min(...values) - 1e-9);
        expect(high).toBeLessThanOrEqual(Math.max(...values) + 1e-9);
      }),
      { seed: 1 },
    );
  });
});

describe("wilson", () => {
  it("is what arithmetic says for 8 of 10", () => {
    // z² = 3.841459; centre (0.8 + 0.192073) / 1.3841459 = 0.716740;
    // spread 1.959964 / 1.3841459 · √(0.016 + 0.009604) = 0.226577.
    const { value, low, high } = wilson(8, 10);
    expect(value).toBe(0.8);
    expect(low).toBeCloseTo(0.490162, 5);
    expect(high).toBeCloseTo(0.943317, 5);
  });

  it("ends at 0 and 1 for none and all, but is never empty", () => {
    // 0 of n: high = z² / (n + z²) = 3.841459 / 13.841459.
    expect(wilson(0, 10)).toEqual({ value: 0, low: 0, high: expect.closeTo(0.277533, 5) });
    expect(wilson(10, 10)).toEqual({ value: 1, low: expect.closeTo(0.722467, 5), high: 1 });
  });

  it("is NaN without trials", () => {
    expect(wilson(0, 0)).toEqual({ value: NaN, low: NaN, high: NaN });
  });

  it("holds the share, mirrors failures, and narrows with trials", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (trials, share) => {
          const successes = Math.round(share * trials);
          const { value, low, high } = wilson(successes, trials);
          expect(low).toBeLessThanOrEqual(value + 1e-12);
          expect(high).toBeGreaterThanOrEqual(value - 1e-12);
          const mirrored = wilson(trials - successes, trials);
          expect(mirrored.low).toBeCloseTo(1 - high, 10);
          const more = wilson(4 * successes, 4 * trials);
          expect(more.high - more.low).toBeLessThan(high - low);
        },
      ),
      { seed: 1 },
    );
  });
});
