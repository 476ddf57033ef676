import { describe, expect, it } from "vitest";
import type { EvaluationRecord } from "../../src/core/files/runRecords.js";
import {
  evaluationTable,
  formatBytes,
  formatInterval,
  formatMarkdownTable,
  formatNumber,
  formatPoints,
  formatShare,
  formatTable,
} from "../../src/report/table.js";

const evaluation = (label: "before" | "after", correct: number): EvaluationRecord => ({
  label,
  step: 0,
  total: 10,
  correct,
  formatted: 9,
  perCategory: { count: { total: 10, correct } },
  seed: 1,
  greedy: true,
});

describe("formatTable", () => {
  it("aligns numbers to the right and words to the left", () => {
    const table = {
      head: ["name", "n"],
      rows: [
        ["all", "400"],
        ["angle", "7"],
      ],
    };
    expect(formatTable(table)).toBe("name     n\n─────  ───\nall    400\nangle    7");
  });

  it("draws its head alone when there are no rows", () => {
    expect(formatTable({ head: ["a", "b"], rows: [] })).toBe("a  b\n─  ─");
  });
});

describe("formatMarkdownTable", () => {
  it("escapes what would end a cell", () => {
    expect(formatMarkdownTable({ head: ["name", "n"], rows: [["a|b\nc\\", "1"]] })).toBe(
      "| name | n |\n|---|---:|\n| a\\|b c\\\\ | 1 |",
    );
  });
});

describe("evaluationTable", () => {
  it("gives shares, Wilson intervals and the difference in points", () => {
    // 4 of 10: 16.8 to 68.7; 8 of 10: 49.0 to 94.3.
    expect(evaluationTable(evaluation("before", 4), evaluation("after", 8)).rows).toEqual([
      ["all", "10", "40.0 % [16.8, 68.7]", "80.0 % [49.0, 94.3]", "+40.0"],
      ["count", "10", "40.0 % [16.8, 68.7]", "80.0 % [49.0, 94.3]", "+40.0"],
      ["in the asked-for format", "10", "90.0 % [59.6, 98.2]", "90.0 % [59.6, 98.2]", "0.0"],
    ]);
  });

  it("shows a dash for what was not evaluated", () => {
    expect(evaluationTable(evaluation("before", 4)).rows[0]?.slice(3)).toEqual(["–", "–"]);
    expect(evaluationTable().rows).toHaveLength(2);
  });
});

describe("numbers as text", () => {
  it.each([
    [formatShare(0.4721), "47.2 %"],
    [formatShare(Number.NaN), "–"],
    [formatShare(null), "–"],
    [formatInterval({ value: Number.NaN, low: 0, high: 1 }), "–"],
    [formatPoints(-0.0123), "−1.2"],
    [formatPoints(-0.0001), "0.0"],
    [formatNumber(0), "0"],
    [formatNumber(0.00002), "2.00e-5"],
    [formatNumber(1234.567), "1,235"],
    [formatNumber(-0.123456), "-0.1235"],
    [formatNumber(Number.POSITIVE_INFINITY), "–"],
    [formatBytes(0), "0 B"],
    [formatBytes(999), "999 B"],
    [formatBytes(9.8e8), "980 MB"],
    [formatBytes(1.234e9), "1.23 GB"],
    [formatBytes(undefined), "–"],
  ])("%s is %s", (text, expected) => {
    expect(text).toBe(expected);
  });
});
