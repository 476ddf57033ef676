import { describe, expect, it } from "vitest";
import { TABLES } from "../../../../benchmarks/measured/learning/ablations.js";
import { seedCurve } from "../../../../benchmarks/measured/learning/figure1b.js";
import type { Figure1b, Quantity } from "../../../../benchmarks/measured/learning/figure1bCurves.js";
import { figure1bPlot } from "../../../../benchmarks/measured/learning/figure1bPlot.js";
import { ALGORITHMS } from "../../../../benchmarks/measured/learning/learning.js";
import { type Arm, meanOverSeeds, type RunResult } from "../../../../benchmarks/measured/learning/runs.js";
import { presetInput, resolveConfig, withOverride } from "../../../../src/config/load.js";
import { evaluationRecord } from "../../../report/fixtures.js";

const evaluation = evaluationRecord("before", 0);

const run = (arm: Arm, rewards: readonly number[]): RunResult => ({
  arm,
  seed: 1,
  before: evaluation,
  after: evaluation,
  steps: rewards.map((reward, at) => ({ step: at + 1, "reward/overall": reward })),
});

describe("the mean over seeds", () => {
  it("has the t interval of a hand calculation", () => {
    // mean 2, s = 1, t(2) = 4.303: half width 4.303 / √3
    const { value, low, high } = meanOverSeeds([1, 2, 3]);
    expect(value).toBe(2);
    expect(high - value).toBeCloseTo(2.4843, 3);
    expect(value - low).toBeCloseTo(2.4843, 3);
  });

  it("has no interval for one seed", () => {
    expect(meanOverSeeds([0.5])).toEqual({ value: 0.5, low: Number.NaN, high: Number.NaN });
  });
});

describe("a curve over seeds", () => {
  const [arm] = ALGORITHMS as readonly [Arm, Arm];

  it("has the mean and the extremes of the steps that every seed has", () => {
    const { steps, mean, low, high } = seedCurve([run(arm, [0.2, 0.2, 0.2]), run(arm, [0.4, 0.4])], "reward");
    expect(steps).toEqual([1, 2]);
    for (const [values, expected] of [
      [mean, 0.3],
      [low, 0.2],
      [high, 0.4],
    ] as const) {
      for (const value of values) expect(value).toBeCloseTo(expected, 12);
    }
  });
});

describe("figure 1(b)", () => {
  it("draws two algorithms, ours with a band between seeds, the paper's beside them, for both quantities", () => {
    const curves = ALGORITHMS.flatMap((arm) =>
      (["reward", "validShare"] as Quantity[]).map((quantity) => seedCurve([run(arm, [0.2, 0.4])], quantity)),
    );
    const result: Figure1b = { command: "", seeds: [1], window: 5, curves, outcomes: [] };
    const { data, table } = figure1bPlot(result);
    const panels = new Set(data.map(({ xaxis, yaxis }) => `${xaxis} ${yaxis}`));
    expect(data).toHaveLength(12);
    expect(data.filter(({ fill }) => fill === "toself")).toHaveLength(4);
    expect(panels.size).toBe(4);
    expect(table.rows).toEqual([
      ["1", "NaN", "NaN"],
      ["2", "NaN", "NaN"],
    ]);
  });
});

describe("the arms of the ablations", () => {
  const arms = TABLES.flatMap((table) => table.arms.map(({ arm }) => arm));

  const tiny = resolveConfig(presetInput("tiny"), "preset tiny");

  it.each(arms.map((arm) => [arm.id, arm] as const))(
    "%s takes as many optimizer steps as the others",
    (_, arm) => {
      const { expand, rollout, train, update } = resolveConfig(
        arm.settings.reduce(withOverride, presetInput(arm.preset)),
        arm.id,
      );
      expect(train.steps * update.optimizerStepsPerRollout).toBe(
        tiny.train.steps * tiny.update.optimizerStepsPerRollout,
      );
      expect(expand.variants * rollout.responses).toBeGreaterThan(1);
    },
  );

  it("have one meaning per name", () => {
    for (const arm of arms) {
      expect(
        arms
          .filter(({ id }) => id === arm.id)
          .every((other) => other === arm || JSON.stringify(other) === JSON.stringify(arm)),
      ).toBe(true);
    }
  });
});
