import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { readDataset } from "../../../benchmarks/data/dataset.js";
import { samplesFolder } from "../../../benchmarks/data/locate.js";
import { BENCHMARKS, type BenchmarkRow, RULE_SETS, SCORE_MODES } from "../../../benchmarks/records.js";
import { BENCHMARK } from "../../../benchmarks/suites/registry.js";

/** Rows that VLMEvalKit's quirks keep from being right, by the quirk (see scoring/quirks.ts). */
const LOST: Readonly<Record<string, string>> = {
  "MathVista 3": "zero-is-nothing",
  "MathVista 6": "lists-are-wrong",
  "MMMU 10": "lost-option",
};

function goldOf({ cells }: BenchmarkRow): string {
  return cells["question_type"] === "multi_choice" ? (cells["answer_option"] ?? "") : (cells["answer"] ?? "");
}

/** Another letter where the gold is one, another number or text otherwise. */
function wrongOf(row: BenchmarkRow): string {
  const gold = goldOf(row);
  if (/^[A-Z]$/.test(gold)) return gold === "A" ? "B" : "A";
  return gold.startsWith("[") ? "[77, 78]" : "77";
}

describe.each(BENCHMARKS)("the sample rows of %s", (name) => {
  const benchmark = BENCHMARK[name];
  let rows: readonly BenchmarkRow[] = [];
  beforeAll(async () => {
    const path = join(samplesFolder(), `${benchmark.datasets[0]?.name}.tsv`);
    rows = (await readDataset(path, { columns: benchmark.columns, images: "skip" })).rows;
    expect(rows.length).toBeGreaterThanOrEqual(12);
  });

  const settings = RULE_SETS.flatMap((rules) => SCORE_MODES.map((mode) => ({ rules, mode })));

  it.each(settings)("grade their gold correct by $rules, $mode", async (by) => {
    const found: string[] = [];
    for (const row of rows) {
      const { outcome } = await benchmark.grade(row, goldOf(row), by);
      const isLost = by.mode === "compatible" && LOST[`${name} ${row.index}`] !== undefined;
      if ((outcome === "correct") === isLost) found.push(`${row.index}: ${outcome}`);
    }
    expect(found).toEqual([]);
  });

  it.each(settings)("grade a wrong answer wrong by $rules, $mode", async (by) => {
    const found: string[] = [];
    for (const row of rows) {
      const { outcome } = await benchmark.grade(row, wrongOf(row), by);
      if (outcome !== "wrong") found.push(`${row.index}: ${outcome}`);
    }
    expect(found).toEqual([]);
  });

  it.each(RULE_SETS)(
    "grade a thinking response with the gold in a box correct by %s, fixed",
    async (rules) => {
      const found: string[] = [];
      for (const row of rows) {
        const response = `<think>Is it B, or C? A guess would be 12.</think>\nSo we have \\boxed{${goldOf(row)}}.`;
        const verdict = await benchmark.grade(row, response, { rules, mode: "fixed" });
        if (verdict.outcome !== "correct") found.push(`${row.index}: ${JSON.stringify(verdict)}`);
      }
      expect(found).toEqual([]);
    },
  );
});
