import { describe, expect, it } from "vitest";
import { bootstrap } from "../../src/core/bootstrap.js";
import { Rng } from "../../src/core/rng.js";
import { mean } from "../../src/core/stats.js";

describe("bootstrap", () => {
  it("of a mean has the standard error's width", () => {
    // 400 values, half 0 and half 1: standard error 0.5 / 20 = 0.025, so the interval is 0.5 ± 0.049.
    const values = Array.from({ length: 400 }, (_, at) => at % 2);
    const { value, low, high } = bootstrap(values, mean, { rng: Rng.fromSeed(1) });
    expect(value).toBe(0.5);
    expect(low).toBeGreaterThan(0.44);
    expect(low).toBeLessThan(0.46);
    expect(high).toBeGreaterThan(0.54);
    expect(high).toBeLessThan(0.56);
  });

  it("is a point where all items are equal, and NaN where there are none", () => {
    expect(bootstrap([2, 2, 2], mean, { rng: Rng.fromSeed(1) })).toEqual({ value: 2, low: 2, high: 2 });
    expect(bootstrap([], mean, { rng: Rng.fromSeed(1) }).low).toBeNaN();
  });

  it("is the same for the same seed", () => {
    const draw = () => bootstrap([1, 5, 2, 8], mean, { rng: Rng.fromSeed(3), resamples: 50 });
    expect(draw()).toEqual(draw());
  });
});
