import { describe, expect, it } from "vitest";
import type { Benchmark, BenchmarkRow, GradedRow, Prediction, Verdict } from "../../../benchmarks/records.js";
import { plainPrediction } from "../../../benchmarks/scoring/predictionFile.js";
import { scoreJson, scoreText } from "../../../benchmarks/scoring/present.js";
import { scoreBoth, scoreMode } from "../../../benchmarks/scoring/score.js";
import { BENCHMARK, benchmarkNamed } from "../../../benchmarks/suites/registry.js";

const { MathVista, MMStar, MMMU, MathVerse, MathVision, AI2D } = BENCHMARK;
const dataset = { name: "Set", url: "", split: "" };

function row(index: string, cells: Record<string, string>): BenchmarkRow {
  return { index, cells, images: [] };
}

function answer(index: string, prediction: string, more: Partial<Prediction> = {}): Prediction {
  return { ...plainPrediction("Set", index, prediction), ...more };
}

const animals = { question: "Which?", A: "dog", B: "cat" };
const pets = [
  row("100", { ...animals, answer: "A" }),
  row("101", { ...animals, answer: "B" }),
  row("200", { ...animals, answer: "B" }),
];

describe("scoring a dataset", () => {
  const score = (predictions: readonly Prediction[], benchmark: Benchmark = AI2D) =>
    scoreMode({ benchmark, dataset, rows: pets, predictions }, { rules: "2026-08", mode: "fixed" });

  it("gives every answer a verdict, in the order of the rows, and counts outcomes", async () => {
    const report = await score([
      answer("200", "A"),
      answer("100", "A"),
      answer("101", "it goes on and on and", { status: "truncated" }),
      answer("101", "", { sample: 1, status: "failed" }),
    ]);
    expect(report.verdicts.map(({ index, sample, outcome }) => [index, sample, outcome])).toEqual([
      ["100", 0, "correct"],
      ["101", 0, "truncated"],
      ["101", 1, "failed"],
      ["200", 0, "wrong"],
    ]);
    expect(report.outcomes).toEqual({ correct: 1, wrong: 1, unparsed: 0, truncated: 1, failed: 1 });
    expect([report.total, report.correct, report.missing]).toEqual([4, 1, 0]);
  });

  it("takes a cut response's answer where it gave one", async () => {
    const report = await score([answer("100", "\\boxed{A} and on", { status: "truncated" })]);
    expect(report.verdicts[0]).toMatchObject({ outcome: "correct", extracted: "A", rule: "boxed answer" });
    expect(report.missing).toBe(2);
  });

  it("clusters rows of one picture", async () => {
    const same = await score([answer("100", "A"), answer("101", "B"), answer("200", "A")]);
    expect(same.verdicts.map(({ cluster }) => cluster)).toEqual(["1", "1", "2"]);
    const alone = await score([answer("100", "A"), answer("101", "B"), answer("200", "A")], MMStar);
    expect(same.accuracy.low).toBeLessThan(alone.accuracy.low);
  });

  it("refuses answers to rows the data does not have", async () => {
    await expect(score([answer("7", "A"), answer("100", "A")])).rejects.toThrow(
      "unknown index: 7: Set has no such rows",
    );
  });

  it("refuses data without answers", async () => {
    const rows = [row("1", animals)];
    const scored = scoreMode(
      { benchmark: MMMU, dataset, rows, predictions: [answer("1", "A")] },
      { rules: "2026-08", mode: "compatible" },
    );
    await expect(scored).rejects.toThrow("index 1: missing answer: the row cannot be scored; a test set");
  });

  it("looks at the part of a response that compatible scoring is told to", async () => {
    const predictions = [answer("100", "<think>I take B or not</think>\nThe answer: \\boxed{A}")];
    const by = async (part: "whole" | "after-think" | "boxed") => {
      const { compatible } = await scoreBoth(
        { benchmark: AI2D, dataset, rows: pets, predictions },
        { rules: "2026-08", part },
      );
      return compatible.verdicts[0]?.outcome;
    };
    expect([await by("whole"), await by("after-think"), await by("boxed")]).toEqual([
      "unparsed",
      "correct",
      "correct",
    ]);
  });

  it("reports the validation rows of MMMU, and all where there are none", async () => {
    const rows = [
      row("1", { ...animals, answer: "A", split: "dev" }),
      row("2", { ...animals, answer: "A", split: "validation" }),
    ];
    const settings = { rules: "2026-08", mode: "compatible" } as const;
    const both = await scoreMode(
      { benchmark: MMMU, dataset, rows, predictions: [answer("1", "B"), answer("2", "A")] },
      settings,
    );
    expect([both.total, both.correct, both.reported.total, both.reported.correct]).toEqual([2, 1, 1, 1]);
    const dev = await scoreMode(
      { benchmark: MMMU, dataset, rows, predictions: [answer("1", "B")] },
      settings,
    );
    expect(dev.reported.total).toBe(1);
  });
});

describe("what is printed", () => {
  it("names rules, mode and judge, and the other mode where it differs", async () => {
    const predictions = [
      answer("100", "<think>It is A or B here</think> \\boxed{A}"),
      answer("101", "B"),
      answer("200", "B"),
    ];
    const { compatible, fixed } = await scoreBoth(
      { benchmark: MMStar, dataset, rows: pets, predictions },
      { rules: "2025-05" },
    );
    const text = scoreText(compatible, fixed, ["a note"]);
    expect(text).toContain("MMStar (Set), rules 2025-05, rules only, no judge");
    expect(text).toMatch(
      /compatible {2}66\.7 % \[.*\], 2 of 3\nfixed {7}100\.0 % \[.*\], 3 of 3 \(\+33\.3 points\)/,
    );
    expect(text).toContain("1 responses cannot be read by these rules");
    expect(text).toContain("a note");
    const same = scoreText(fixed, fixed, []);
    expect(same).not.toContain("compatible");
  });

  it("as JSON holds totals, values by category and one record a row", async () => {
    const predictions = [
      answer("100", "A"),
      answer("101", "A"),
      answer("101", "B", { sample: 1 }),
      answer("100", "B", { sample: 1 }),
    ];
    const { compatible, fixed } = await scoreBoth(
      { benchmark: MMStar, dataset, rows: pets.slice(0, 2), predictions },
      { rules: "2026-08" },
    );
    const json = scoreJson(compatible, fixed, { md5: "0", origin: "sample" }, []);
    expect(json).toMatchObject({
      benchmark: "MMStar",
      rules: "2026-08",
      mode: "compatible",
      judge: null,
      total: 4,
      hits: 2,
      accuracy: 0.5,
      categories: { none: { Overall: 0.5 } },
      samples: { k: 2, passAtK: 1 },
    });
    expect(json.rows[0]).toEqual({
      index: "100",
      sample: 0,
      outcome: "correct",
      extracted: "A",
      rule: "option letter",
      cluster: "100",
      isReported: true,
      decided: true,
    });
    const byRules = json.rows.filter(({ decided }) => decided);
    expect(json.decided).toBe(byRules.length);
  });
});

describe("tables", () => {
  const graded = (
    cells: Record<string, string>,
    outcome: Verdict["outcome"],
    rule = "option letter",
  ): GradedRow => ({
    row: row("1", cells),
    prediction: answer("1", ""),
    verdict: { outcome, extracted: null, rule },
  });

  it("of MathVista count a row for its skills, then its task, in order of appearance", () => {
    const [table] = MathVista.tables([
      graded({ skills: "['statistical reasoning', 'arithmetic reasoning']", task: "figures" }, "correct"),
      graded({ skills: "['arithmetic reasoning']", task: "words" }, "wrong", "judge"),
    ]);
    expect(table?.columns).toEqual(["Task&Skill", "tot", "prefetch", "hit", "prefetch_rate", "acc"]);
    expect(table?.rows).toEqual([
      ["Overall", 2, 1, 1, 50, 50],
      ["statistical reasoning", 1, 1, 1, 100, 100],
      ["arithmetic reasoning", 2, 1, 1, 50, 50],
      ["figures", 1, 1, 1, 100, 100],
      ["words", 1, 0, 0, 0, 0],
    ]);
  });

  it("of MathVision are sorted by code point, Overall first", () => {
    const [table] = MathVision.tables([
      graded({ category: "topology" }, "wrong"),
      graded({ category: "algebra" }, "correct"),
    ]);
    expect(table?.columns[0]).toBe("Subject");
    expect(table?.rows.map(([name]) => name)).toEqual(["Overall", "algebra", "topology"]);
  });

  it("of MMMU list subjects, then domains, as fractions by split", () => {
    const [table] = MMMU.tables([
      graded({ split: "validation", "l2-category": "Physics", category: "Science" }, "correct"),
      graded({ split: "validation", "l2-category": "Art", category: "Art & Design" }, "wrong"),
      graded({ split: "dev", "l2-category": "Art", category: "Art & Design" }, "correct"),
    ]);
    expect(table?.columns).toEqual(["split", "Overall", "Art", "Physics", "Art & Design", "Science"]);
    expect(table?.rows).toEqual([
      ["dev", 1, 1, null, 1, null],
      ["validation", 0.5, 0, 1, 0, 1],
    ]);
  });

  it("of MMStar leave its finer level to a second table", () => {
    const tables = MMStar.tables([graded({ category: "math", l2_category: "geometry" }, "correct")]);
    expect(tables.map(({ columns }) => columns)).toEqual([
      ["split", "Overall", "math"],
      ["split", "Overall", "geometry"],
    ]);
  });

  it("of MathVerse print five versions in percent, and their mean where all are there", () => {
    const metadata = "{'subject': 'Plane Geometry', 'subfield': \"Thales' theorem\"}";
    const versions = ["Vision Only", "Text Lite", "Text Dominant", "Vision Dominant", "Vision Intensive"];
    const rows = versions.map((problem_version) =>
      graded({ problem_version, metadata }, problem_version.startsWith("Text") ? "correct" : "wrong"),
    );
    const [table, mean] = MathVerse.tables(rows);
    expect(table?.columns).toEqual(["split", "Overall", "Plane Geometry", "Thales' theorem"]);
    expect(table?.rows.map(([name, overall]) => [name, overall])).toEqual([
      ["Text Dominant", 100],
      ["Text Lite", 100],
      ["Vision Intensive", 0],
      ["Vision Dominant", 0],
      ["Vision Only", 0],
    ]);
    expect(mean?.rows).toEqual([[40]]);
    expect(MathVerse.tables(rows.slice(1))).toHaveLength(1);
  });

  it("reproduce published shares to the last digit", () => {
    // Qwen2.5-VL-7B on MathVerse_MINI_Vision_Only: 244 of 788; a published AI2D run: 2492 of 3088.
    const of = (benchmark: Benchmark, hits: number, total: number, cells: Record<string, string>) =>
      benchmark.tables(
        Array.from({ length: total }, (_, at) => graded(cells, at < hits ? "correct" : "wrong")),
      )[0]?.rows[0]?.[1];
    expect(of(MathVerse, 244, 788, { problem_version: "Vision Only" })).toBe(30.96446700507614);
    expect(Number(of(AI2D, 2492, 3088, {})).toFixed(6)).toBe("0.806995");
  });
});

describe("names", () => {
  it("are the paper's or VLMEvalKit's", () => {
    expect(benchmarkNamed("mathverse").dataset.name).toBe("MathVerse_MINI");
    expect(benchmarkNamed("AI2D_TEST_NO_MASK").benchmark.name).toBe("AI2D");
    expect(() => benchmarkNamed("MMBench")).toThrow("unknown benchmark: MMBench");
  });
});
