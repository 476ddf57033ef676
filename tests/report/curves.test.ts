import { describe, expect, it } from "vitest";
import type { StepRecord } from "../../src/core/files/runRecords.js";
import { trainingFigures } from "../../src/report/curves.js";
import { METRICS, type MetricName } from "../../src/train/run/metrics.js";

const names = Object.keys(METRICS) as MetricName[];
const steps = (count: number, more: object = {}): StepRecord[] =>
  Array.from({ length: count }, (_, at) => ({
    step: at + 1,
    ...Object.fromEntries(names.map((name, order) => [name, 0.1 * (at + 1) + order])),
    ...more,
  }));

describe("trainingFigures", () => {
  it("has ids of letters and hyphens, each once, and words for all of them", () => {
    const figures = trainingFigures(steps(3));
    const ids = figures.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { id, title, caption } of figures) {
      expect(id).toMatch(/^[a-z][a-z-]*$/);
      expect(title).not.toBe("");
      expect(caption).toMatch(/\.$/);
    }
  });

  it("draws a line of every step for each of its metrics", () => {
    for (const { id, data } of trainingFigures(steps(3))) {
      expect([id, data.length > 0]).toEqual([id, true]);
      for (const { x } of data) expect([id, (x as number[]).length]).toEqual([id, 3]);
    }
  });

  it("puts what a custom reward measured right behind the reward, by its own names", () => {
    const figures = trainingFigures(steps(3, { "reward/closeness": 0.5, "reward/<b>style": 0.25 }));
    expect(figures.slice(0, 2).map(({ id }) => id)).toEqual(["reward", "reward-parts"]);
    const lines = (figures[1]?.data ?? []).map(({ name }) => String(name));
    expect(lines.some((name) => name.includes("closeness"))).toBe(true);
    expect(lines.join()).not.toContain("<b>");
    expect(trainingFigures(steps(3)).map(({ id }) => id)).not.toContain("reward-parts");
  });

  it("finds a part that only a later step has", () => {
    const records = [...steps(2), ...steps(1, { "reward/late": 1 })];
    expect(trainingFigures(records).map(({ id }) => id)).toContain("reward-parts");
  });

  it("stands without any step", () => {
    expect(trainingFigures([]).map(({ id }) => id)).toEqual(trainingFigures(steps(1)).map(({ id }) => id));
  });
});
