import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { StepRecord } from "../../src/core/files/runRecords.js";
import { evaluationDetail, shortScore, thinned, trainingDetail } from "../../src/view/detail.js";
import { summarise } from "../../src/view/summary.js";
import { emptyRun, finishedRun } from "../report/fixtures.js";
import { evaluationRun } from "./evaluation.js";

const steps = (count: number): StepRecord[] =>
  Array.from({ length: count }, (_, at) => ({ step: at + 1, "reward/overall": at }));

describe("thinned", () => {
  it("gives means of neighbours under the last one's number", () => {
    // 0,1 | 2,3 | 4 → 0.5, 2.5, 4
    expect(thinned(steps(5), 3)).toEqual([
      { step: 2, "reward/overall": 0.5 },
      { step: 4, "reward/overall": 2.5 },
      { step: 5, "reward/overall": 4 },
    ]);
  });

  it("leaves few steps as they are", () => {
    expect(thinned(steps(3), 3)).toEqual(steps(3));
    expect(thinned([], 3)).toEqual([]);
  });

  it("takes the mean of the numbers there are, and of none nothing", () => {
    const gaps: StepRecord[] = [
      { step: 1, "policy/entropy": null, "policy/kl_approx": null },
      { step: 2, "policy/entropy": 3 },
    ];
    expect(thinned(gaps, 1)).toEqual([{ step: 2, "policy/entropy": 3, "policy/kl_approx": null }]);
  });

  it("is never longer than asked for, ends with the last step, and keeps the mean of all that divide evenly", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 50 }), (count, limit) => {
        const few = thinned(steps(count), limit);
        expect(few.length).toBeLessThanOrEqual(limit);
        expect(few.at(-1)?.step).toBe(count);
        if (count % few.length !== 0) return;
        const mean = few.reduce((sum, step) => sum + (step["reward/overall"] ?? 0), 0) / few.length;
        expect(mean).toBeCloseTo((count - 1) / 2, 8);
      }),
      { seed: 1 },
    );
  });
});

describe("trainingDetail", () => {
  const detailOf = async (dir: string, shade: "light" | "dark" = "light") =>
    trainingDetail({ summary: await summarise({ dir, kind: "training" }), version: "1", shade });

  it("has the table before and after, every curve and the settings as they stand in the folder", async () => {
    const { tables, figures, configText, sets } = await detailOf(await finishedRun(4));
    expect(tables.map(({ title }) => title)).toEqual(["Before and after"]);
    expect(new Set(figures.map(({ id }) => id)).size).toBe(figures.length);
    expect(figures.map(({ id }) => id)).toEqual(expect.arrayContaining(["reward", "memory", "families"]));
    expect(configText).toContain("seed: 1\n");
    expect(sets).toEqual(["rollouts"]);
  });

  it("has neither curves nor tables of a run that has only begun", async () => {
    expect(await detailOf(await emptyRun())).toMatchObject({ tables: [], figures: [], notes: [] });
  });

  it("draws the same numbers in other colours on dark paper", async () => {
    const dir = await finishedRun(4);
    const [light, dark] = [await detailOf(dir), await detailOf(dir, "dark")];
    const numbers = ({ figures }: typeof light) => figures.map(({ data }) => data.map((trace) => trace["y"]));
    expect(numbers(dark)).toEqual(numbers(light));
    expect(dark.figures.map(({ layout }) => layout)).not.toEqual(light.figures.map(({ layout }) => layout));
  });

  it("says that a last line was torn", async () => {
    const dir = await finishedRun(4);
    await writeFile(join(dir, "metrics.jsonl"), '{"step":1,"reward/overall":0.5}\n{"step":2,"rew');
    const { notes } = await detailOf(dir);
    expect(notes).toHaveLength(1);
    expect(notes[0]).toContain("metrics.jsonl");
  });

  it("shows benchmarks that lie in the run", async () => {
    const dir = await finishedRun(4);
    const evaluated = await evaluationRun("tiny", [{ text: "A", isRight: true }]);
    const { mkdir, rename } = await import("node:fs/promises");
    await mkdir(join(dir, "benchmarks"));
    await rename(evaluated, join(dir, "benchmarks", "after"));
    const { tables } = await detailOf(dir);
    expect(tables.map(({ title }) => title)).toEqual(["Before and after", "Benchmarks"]);
  });
});

describe("evaluationDetail", () => {
  const detailOf = async (dir: string) =>
    evaluationDetail({
      summary: await summarise({ dir, kind: "evaluation" }),
      version: "1",
      shade: "light",
    });
  const evaluated = () => evaluationRun("tiny", [{ text: "A", isRight: true }]);

  it("says that there is no score yet, and leads to the rows all the same", async () => {
    const dir = await evaluated();
    await rm(join(dir, "result.json"));
    const { notes, tables, sets } = await detailOf(dir);
    expect(notes[0]).toMatch(/^No score yet/);
    expect({ tables, sets }).toEqual({ tables: [], sets: ["MMStar"] });
  });

  it("counts what went wrong by its kind, and shows the benchmark's own tables", async () => {
    const dir = await evaluated();
    const score = {
      mode: "fixed",
      reported: { total: 10, correct: 4, accuracy: { value: 0.4, low: 0.2, high: 0.7 } },
      outcomes: { correct: 4, wrong: 3, unparsed: 2, truncated: 1 },
      tables: [
        {
          title: "MMStar by kind",
          columns: ["kind", "accuracy"],
          rows: [
            ["math", 12.345678],
            ["none", null],
          ],
        },
      ],
    };
    const datasets = [{ dataset: "MMStar", split: "val", scores: [score] }];
    await writeFile(join(dir, "result.json"), JSON.stringify({ rules: "2026-08", judge: "gpt", datasets }));
    const { tables } = await detailOf(dir);
    expect(tables[0]?.note).toContain("judge gpt");
    expect(tables[0]?.rows).toEqual([["MMStar (val)", "10", "40.0 % [20.0, 70.0]", "–", "3", "2", "1", "–"]]);
    expect(tables[1]).toMatchObject({
      title: "MMStar by kind",
      rows: [
        ["math", "12.35"],
        ["none", "–"],
      ],
    });
  });

  it("refuses a result of another shape", async () => {
    const dir = await evaluated();
    const summary = await summarise({ dir, kind: "evaluation" });
    await writeFile(join(dir, "result.json"), '{"datasets": 3}');
    await expect(evaluationDetail({ summary, version: "1", shade: "light" })).rejects.toThrow(/datasets/);
  });
});

describe("shortScore", () => {
  const score = (value: number) => ({ name: "x", total: 4, accuracy: { value, low: 0.1, high: 0.9 } });

  it.each([
    [[], "–"],
    [[0.5], "50.0 % [10.0, 90.0]"],
    [[0.5, 0.25], "37.5 % mean of 2"],
  ])("of %j is %s", (values, text) => {
    expect(shortScore({ scores: values.map(score) })).toBe(text);
  });
});
