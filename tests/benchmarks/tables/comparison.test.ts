import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  caveatOf,
  compareRuns,
  differenceTo,
  paperRow,
  paperScore,
  scoreRecords,
} from "../../../benchmarks/tables/comparison.js";
import { comparisonHtml, comparisonMarkdown } from "../../../benchmarks/tables/comparisonReport.js";
import {
  findOwnRuns,
  holdsScores,
  type OwnRun,
  type OwnScore,
  readOwnRun,
} from "../../../benchmarks/tables/ownScores.js";
import {
  ABLATIONS,
  FIGURE_1B,
  MAIN_TABLE,
  PAPER_COLUMNS,
  REMEASUREMENTS,
} from "../../../benchmarks/tables/paper.js";
import { invariant } from "../../../src/core/errors.js";
import { mean, wilson } from "../../../src/core/stats.js";

const reference = paperRow("r1-sharevl-7b");
invariant(reference, "the paper's own row");

function own(hits: string, more: Partial<OwnScore> = {}): OwnScore {
  const rows = [...hits].map((hit, at) => ({
    index: String(at),
    sample: 0,
    cluster: String(at),
    isReported: true,
    isCorrect: hit === "1",
  }));
  const correct = rows.filter(({ isCorrect }) => isCorrect).length;
  return {
    benchmark: "MMStar",
    dataset: "MMStar",
    rules: "2026-08",
    mode: "compatible",
    judge: null,
    judgePrompts: null,
    reported: { total: rows.length, correct, accuracy: wilson(correct, rows.length) },
    origin: "published",
    isWhole: true,
    rows,
    ...more,
  };
}

describe("the paper's numbers", () => {
  it("are 17 rows of six, averages as printed", () => {
    expect(MAIN_TABLE).toHaveLength(17);
    for (const { scores, average } of MAIN_TABLE) {
      expect(scores).toHaveLength(6);
      const known = scores.filter((score) => score !== null);
      expect(average === null).toBe(known.length < 6);
      // Printed averages are rounded, one of them (ThinkLite-7B, 59.37) to 59.3.
      if (average !== null) expect(Math.abs(mean(known) - average)).toBeLessThan(0.11);
    }
  });

  it("carry the authors' asterisks", () => {
    const marked = MAIN_TABLE.flatMap(({ model, measuredByAuthors }) =>
      measuredByAuthors.map((name) => `${model} ${name}`),
    );
    expect(marked).toEqual([
      "Vision-R1-7B MMStar",
      "Vision-R1-7B MMMU",
      "Vision-R1-7B MathVision",
      "Vision-R1-7B AI2D",
      "MM-Eureka-7B MMStar",
      "MM-Eureka-7B MMMU",
      "MM-Eureka-7B AI2D",
      "Qwen2.5-VL-32B AI2D",
      "MM-Eureka-32B MMStar",
      "MM-Eureka-32B MMMU",
      "MM-Eureka-32B AI2D",
    ]);
  });

  it("agree between tables: the last row of Tables 2, 5, 6 and 9 is the main table's", () => {
    expect(ABLATIONS.map(({ table }) => table)).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
    for (const { table, columns, rows } of ABLATIONS) {
      for (const { scores } of rows) expect(scores).toHaveLength(columns.length);
      const last = rows.at(-1)?.scores[0];
      if ([2, 5, 6, 9].includes(table)) expect(last).toBe(paperScore(reference, "MathVista"));
    }
    expect(ABLATIONS.at(-1)?.rows[1]?.scores.slice(0, 6)).toEqual(reference.scores);
  });

  it("have curves by rising step and other people's measurements", () => {
    const steps = FIGURE_1B.map(({ step }) => step);
    expect(steps).toEqual([...steps].sort((a, b) => a - b));
    expect(REMEASUREMENTS[0]?.scores["MathVista"]).toBe(73.5);
    for (const { scores } of REMEASUREMENTS) expect(Object.values(scores).every(Number.isFinite)).toBe(true);
  });
});

describe("own runs beside the paper", () => {
  it("differ by points, with the own score's interval", () => {
    const difference = differenceTo(reference, own("1".repeat(70) + "0".repeat(30)));
    const { low, high } = wilson(70, 100);
    expect(difference?.value).toBeCloseTo(70 - 67, 9);
    expect(difference?.low).toBeCloseTo(100 * low - 67, 9);
    expect(difference?.high).toBeCloseTo(100 * high - 67, 9);
  });

  it("have no difference on other data than the published", () => {
    const score = own("10", { origin: "other" });
    expect(differenceTo(reference, score)).toBeUndefined();
    expect(caveatOf(score)).toBe("not the published file");
    expect(caveatOf(own("10", { isWhole: false }))).toBe("not all rows");
    expect(caveatOf(own("10"))).toBe("rules only");
    expect(caveatOf(own("10", { judge: "j" }))).toBeNull();
  });

  it("are records for a data frame, after the paper's 102", () => {
    const records = scoreRecords([{ name: "mine", scores: [own("1110")] }], reference);
    expect(records).toHaveLength(17 * PAPER_COLUMNS.length + 1);
    expect(records[0]).toMatchObject({
      source: "paper",
      model: "GPT-4o",
      benchmark: "MathVista",
      score: 63.8,
    });
    expect(records.at(-1)).toMatchObject({
      source: "own",
      model: "mine",
      benchmark: "MMStar",
      score: 75,
      rows: 4,
      difference: 8,
    });
    const keys = Object.keys(records[0] ?? {});
    expect(records.every((record) => Object.keys(record).join() === keys.join())).toBe(true);
  });
});

describe("own runs beside each other", () => {
  const run = (name: string, score: OwnScore): OwnRun => ({ name, scores: [score] });

  it("are compared on the rows both answered", () => {
    const [found] = compareRuns([run("a", own("110011")), run("b", own("1111"))]);
    expect(found).toMatchObject({
      a: "a",
      b: "b",
      measure: "mean",
      k: 1,
      comparison: { rows: 4, onlyA: 0, onlyB: 2 },
      caveat: null,
    });
  });

  it("that asked each row several times are compared by mean and by pass@k", () => {
    /** Samples of rows, one word a row: "10 11". */
    const sampled = (words: string): OwnScore => {
      const rows = words.split(" ").flatMap((hits, at) =>
        [...hits].map((hit, sample) => {
          const row = { index: String(at), cluster: String(at), isReported: true };
          return { ...row, sample, isCorrect: hit === "1" };
        }),
      );
      return own("", { rows });
    };
    const [mean, pass] = compareRuns([run("a", sampled("00 11 10")), run("b", sampled("01 11 00"))]);
    // Means 0, 1, ½ against ½, 1, 0; any of two: 0, 1, 1 against 1, 1, 0.
    expect(mean).toMatchObject({ measure: "mean", k: 2, comparison: { onlyA: 1, onlyB: 1 }, caveat: null });
    expect(pass).toMatchObject({ measure: "pass", k: 2, comparison: { onlyA: 1, onlyB: 1 } });
    const [uneven, ...rest] = compareRuns([run("a", sampled("00 11")), run("b", sampled("1 1"))]);
    expect(uneven).toMatchObject({ k: 1, caveat: "2 and 1 samples a row", comparison: { onlyB: 1 } });
    expect(rest).toEqual([]);
    const options = { reference, mode: "compatible" } as const;
    const text = comparisonMarkdown([run("a", sampled("00 11")), run("b", sampled("01 11"))], options);
    expect(text).toMatch(/compatible \| mean of 2 \| 2 \| 1 : 0 \| \+25\.0/);
    expect(text).toMatch(/compatible \| pass@2 \| 2 \| 1 : 0 \| \+50\.0/);
  });

  it("carry a caveat where they were scored otherwise, and are left apart where modes or data differ", () => {
    const judged = own("11", { judge: "j" });
    expect(compareRuns([run("a", own("10")), run("b", judged)])[0]?.caveat).toBe("judges none and j");
    const reworded = own("11", { judge: "j", judgePrompts: "other" });
    expect(compareRuns([run("a", judged), run("b", reworded)])[0]?.caveat).toContain("in other words");
    expect(
      compareRuns([run("a", own("10")), run("b", own("10", { rules: "2025-05" }))])[0]?.caveat,
    ).toContain("rules");
    expect(compareRuns([run("a", own("10")), run("b", own("10", { mode: "fixed" }))])).toEqual([]);
    expect(compareRuns([run("a", own("10")), run("b", own("10", { dataset: "X" }))])).toEqual([]);
    expect(compareRuns([run("a", own("10")), run("b", own("10", { rows: [] }))])).toEqual([]);
    expect(compareRuns([])).toEqual([]);
  });

  it("are printed with p and what could be detected; names are escaped", () => {
    const runs = [run("<b>|a", own("1111000000")), run("b", own("1111111000"))];
    const options = { reference, mode: "compatible" } as const;
    const markdown = comparisonMarkdown(runs, options);
    expect(markdown).toContain("| b against <b>\\|a | MMStar | compatible | accuracy | 10 | 3 : 0 | +30.0 [");
    expect(markdown).toContain("| 0.250 |");
    expect(markdown).toContain("| Vision-R1-7B | 73.5 | 64.3* |");
    const page = comparisonHtml(runs, options);
    expect(page).toContain("&lt;b&gt;|a");
    expect(page).not.toContain("<b>");
  });
});

describe("scores on disk", () => {
  it("are read from an evaluation's folder, rows included", async () => {
    const folder = await mkdtemp(join(tmpdir(), "own-"));
    await mkdir(join(folder, "verdicts"));
    const score = { benchmark: "MMMU", dataset: "MMMU_DEV_VAL", rules: "2026-08", judge: null };
    const reported = { total: 1, correct: 1, accuracy: { value: 1, low: 0.2, high: 1 } };
    const modes = ["compatible", "fixed"].map((mode) => ({ ...score, mode, reported, tables: [] }));
    const result = {
      version: 1,
      model: { name: "m", weights: null },
      datasets: [{ dataset: "MMMU_DEV_VAL", origin: "sample", rows: 1, rowsOfFile: 2, scores: modes }],
    };
    await writeFile(join(folder, "result.json"), JSON.stringify(result));
    const line = { index: "1", sample: 0, cluster: "c", isReported: true };
    const verdicts = { compatible: { outcome: "correct" }, fixed: { outcome: "wrong" } };
    await writeFile(
      join(folder, "verdicts", "MMMU_DEV_VAL.jsonl"),
      `${JSON.stringify({ ...line, ...verdicts })}\n`,
    );
    expect(holdsScores(folder)).toBe(true);
    const { name, scores } = await readOwnRun(folder);
    expect(name).toMatch(/^m \(own-/);
    expect(scores.map(({ mode, rows }) => [mode, rows[0]?.isCorrect])).toEqual([
      ["compatible", true],
      ["fixed", false],
    ]);
    expect(scores[0]).toMatchObject({ origin: "sample", isWhole: false });
  });

  it("are found below a folder, runs of one name told apart by theirs", async () => {
    const folder = await mkdtemp(join(tmpdir(), "own-"));
    await expect(findOwnRuns(folder)).rejects.toThrow("no result.json in or below it");
    for (const [place, name] of [
      ["a/before", "before"],
      ["b/before", "before"],
      ["b/after", "after"],
    ] as const) {
      await mkdir(join(folder, place), { recursive: true });
      const result = { version: 1, model: { name }, datasets: [] };
      await writeFile(join(folder, place, "result.json"), JSON.stringify(result));
    }
    const runs = await findOwnRuns(folder);
    expect(runs.map(({ name }) => name)).toEqual([join("a", "before"), "after", join("b", "before")]);
    expect((await findOwnRuns(join(folder, "b", "after"))).map(({ name }) => name)).toEqual(["after"]);
    await rm(folder, { recursive: true });
  });

  it("that are none are refused by name", async () => {
    const folder = await mkdtemp(join(tmpdir(), "own-"));
    const path = join(folder, "x.json");
    await expect(readOwnRun(path)).rejects.toThrow(`${path}: missing`);
    await writeFile(path, '{"version": 1}');
    await expect(readOwnRun(path)).rejects.toThrow("invalid score: benchmark");
    await writeFile(path, "{");
    await expect(readOwnRun(path)).rejects.toThrow("cannot read as JSON");
    expect(holdsScores(folder)).toBe(false);
  });
});
