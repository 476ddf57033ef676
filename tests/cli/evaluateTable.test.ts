import { describe, expect, it } from "vitest";
import type { DatasetResult } from "../../benchmarks/run/result.js";
import { scoreTable } from "../../src/cli/evaluateTable.js";

const interval = (value: number) => ({ value, low: value - 0.1, high: value + 0.1 });

/** A dataset of 200 rows with these scores, as `result.json` has it. */
function result(
  scores: readonly (readonly [mode: string, accuracy: number])[],
  more: Partial<DatasetResult> = {},
) {
  const shaped = {
    dataset: "MMStar",
    rows: 200,
    rowsOfFile: 200,
    total: 200,
    truncatedShare: 0.05,
    failedShare: 0,
    tokens: { mean: 123.4, most: 900, total: 24_680 },
    unparsedShare: { fixed: 0.015 },
    scores: scores.map(([mode, accuracy]) => ({ mode, reported: { accuracy: interval(accuracy) } })),
    ...more,
  };
  return shaped as object as DatasetResult;
}

const cellsOf = (...given: Parameters<typeof result>) => scoreTable({ datasets: [result(...given)] }).rows[0];

describe("scoreTable", () => {
  it("shows both ways of scoring, and what kept rows from being scored", () => {
    expect(
      cellsOf([
        ["fixed", 0.5],
        ["compatible", 0.6],
      ]),
    ).toEqual([
      "MMStar",
      "200",
      "50.0 % [40.0, 60.0]",
      "60.0 % [50.0, 70.0]",
      "1.5 %",
      "5.0 %",
      "0.0 %",
      "123",
    ]);
  });

  it("says it once where both ways come to the same", () => {
    expect(
      cellsOf([
        ["fixed", 0.5],
        ["compatible", 0.5],
      ])?.slice(2, 4),
    ).toEqual(["50.0 % [40.0, 60.0]", "same"]);
  });

  it("says so where answers are hidden, where a way is missing, where rows were left out, and of no tokens", () => {
    expect(cellsOf([])?.slice(2, 4)).toEqual(["answers hidden", ""]);
    expect(cellsOf([["fixed", 0.5]])?.slice(2, 4)).toEqual(["50.0 % [40.0, 60.0]", ""]);
    expect(cellsOf([], { rows: 10, total: 40, rowsOfFile: 200 })?.[1]).toBe("40 (first 10 of 200)");
    expect(cellsOf([], { tokens: null })?.at(-1)).toBe("");
  });

  it("has as many heads as cells, and a row for each dataset", () => {
    const { head, rows } = scoreTable({ datasets: [result([]), result([])] });
    expect(rows.map((row) => row.length)).toEqual([head.length, head.length]);
    expect(scoreTable({ datasets: [] }).rows).toEqual([]);
  });
});
