import { describe, expect, it } from "vitest";
import { assertKnown, METRICS, metricDefinition } from "../../src/train/metrics.js";

const definitions = Object.entries(METRICS);

describe("METRICS", () => {
  it("names every metric stage/quantity, but for TRL's frac_reward_zero_std", () => {
    const odd = definitions.map(([name]) => name).filter((name) => !/^[a-z_]+\/[a-z_]+$/.test(name));
    expect(odd).toEqual(["frac_reward_zero_std"]);
  });

  it("gives each of TRL's and EasyR1's names to one metric only", () => {
    for (const key of ["trl", "easyR1"] as const) {
      const names = definitions.map(([name]) => metricDefinition(name)?.[key]).filter(Boolean);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  it("states a formula for each", () => {
    expect(definitions.filter(([, { formula }]) => formula.length < 8)).toEqual([]);
  });
});

describe("assertKnown", () => {
  it("accepts defined names, step and epoch", () => {
    assertKnown({ step: 1, epoch: 0, "reward/overall": 0.5, frac_reward_zero_std: 0.2 });
  });

  it("names every unknown metric", () => {
    expect(() => assertKnown({ step: 1, "reward/overal": 0.5, toString: 1 })).toThrow(
      "metrics: unknown name: reward/overal, toString; define it in train/metrics.ts",
    );
  });
});
