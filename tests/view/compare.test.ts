import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { comparePaired } from "../../benchmarks/tables/statistics.js";
import { compareRuns, type PairedRow } from "../../src/view/compare.js";
import { summarise } from "../../src/view/summary.js";
import { emptyRun, evaluationRecord, finishedRun, jsonl } from "../report/fixtures.js";
import { evaluationRun } from "./evaluation.js";

const RIGHT = { text: "A", isRight: true };
const WRONG = { text: "B", isRight: false };

const training = (dir: string) => summarise({ dir, kind: "training" });
const evaluation = (dir: string) => summarise({ dir, kind: "evaluation" });

/** A run whose held-out questions came out so. */
async function measured(outcomes: Readonly<Record<string, number>>): Promise<string> {
  const dir = await finishedRun(3);
  const after = { ...evaluationRecord("after", 3), outcomes };
  await writeFile(join(dir, "evaluations.jsonl"), jsonl([after]));
  return dir;
}

const tableOf = async (...runs: Awaited<ReturnType<typeof training>>[]) => {
  const { tables } = await compareRuns(runs, comparePaired);
  return (title: string) => tables.find((table) => table.title.startsWith(title));
};

describe("compareRuns", () => {
  it("pairs held-out questions by name, and leaves out those that only one run has", async () => {
    const a = await measured({ one: 1, two: 1, three: 0, mine: 1 });
    const b = await measured({ one: 1, two: 0, three: 1, theirs: 0 });
    const table = (await tableOf(await training(a), await training(b)))("Paired tests");
    // both right: one; only a: two; only b: three
    expect(table?.rows[0]?.slice(0, 7)).toEqual([
      a,
      b,
      "held-out, after",
      "3",
      "1",
      "1",
      expect.stringContaining("0.0 ["),
    ]);
  });

  it("hands every pair of runs to the test, once", async () => {
    const dirs = await Promise.all([1, 0, 1].map((outcome) => measured({ one: outcome })));
    const asked: (readonly PairedRow[])[] = [];
    const runs = await Promise.all(dirs.map(training));
    await compareRuns(runs, (rows) => {
      asked.push(rows);
      return comparePaired(rows);
    });
    const row = (a: boolean, b: boolean) => [{ cluster: "one", a, b }];
    expect(asked).toEqual([row(true, false), row(true, true), row(false, true)]);
  });

  it("says that nothing can be paired where outcomes were not kept", async () => {
    const runs = await Promise.all([await finishedRun(3), await finishedRun(3)].map(training));
    const table = (await tableOf(...runs))("Paired tests");
    expect(table).toMatchObject({ rows: [], note: "These runs share no questions whose outcome is kept." });
  });

  it("names settings that differ, and says so where none does", async () => {
    const [a, b] = [await finishedRun(3), await finishedRun(3)];
    expect((await tableOf(await training(a), await training(b)))("Settings")).toMatchObject({
      note: "None.",
      rows: [],
    });
    await writeFile(join(b, "config.yaml"), "seed: 2\nmodel: tiny\n");
    const rows = (await tableOf(await training(a), await training(b)))("Settings")?.rows ?? [];
    expect(rows).toContainEqual(["seed", "1", "2"]);
    expect(rows).toContainEqual(["train.steps", "60", "–"]);
    expect(rows.map(([name]) => name)).not.toContain("model");
  });

  it("keeps a training's settings and scores apart from an evaluation's", async () => {
    const runs = [
      await training(await finishedRun(3)),
      await evaluation(await evaluationRun("one", [RIGHT, WRONG])),
      await evaluation(await evaluationRun("two", [RIGHT, WRONG])),
    ];
    const { tables, figures } = await compareRuns(runs, comparePaired);
    expect(tables.map(({ title }) => title)).toEqual([
      ...["Accuracy", "Paired tests", "Settings that differ, evaluations"],
    ]);
    expect(tables[0]?.rows.map(([name, ...cells]) => [name, cells.map((cell) => cell === "–")])).toEqual([
      ["held-out", [false, true, true]],
      ["MMStar", [true, false, false]],
    ]);
    expect(figures[0]?.data).toHaveLength(1); // evaluations have no curves
  });

  it("leads only to sets with rows that are answered differently", async () => {
    const dirs = [
      await evaluationRun("a", [RIGHT]),
      await evaluationRun("b", [RIGHT]),
      await evaluationRun("c", [WRONG]),
    ];
    const runs = await Promise.all(dirs.map(evaluation));
    const { disagreements } = await compareRuns(runs, comparePaired);
    const [a = "", b = "", c = ""] = dirs;
    expect(disagreements).toEqual([
      { a, b: c, set: "MMStar" },
      { a: b, b: c, set: "MMStar" },
    ]);
  });

  it("draws one curve a run, smoothed when runs are long, and none where nothing was logged", async () => {
    const runs = await Promise.all([await finishedRun(30), await finishedRun(30, 2)].map(training));
    const { figures } = await compareRuns(runs, comparePaired);
    expect(figures.map(({ data }) => data.length)).toEqual(figures.map(() => 2));
    expect(figures[0]?.caption).toBe("Mean of 5 steps."); // 2·⌊30/30⌋ + 3
    const begun = await Promise.all([await emptyRun(), await emptyRun()].map(training));
    expect((await compareRuns(begun, comparePaired)).figures).toEqual([]);
  });

  it("refuses a run whose rows are damaged, naming the file", async () => {
    const dir = await finishedRun(3);
    const run = await training(dir);
    await writeFile(`${dir}/metrics.jsonl.new`, '{"step":"three"}\n');
    await rename(`${dir}/metrics.jsonl.new`, join(dir, "metrics.jsonl"));
    await expect(compareRuns([run], comparePaired)).rejects.toThrow(/metrics\.jsonl: invalid rows/);
  });
});
