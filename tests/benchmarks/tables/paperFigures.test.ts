import { describe, expect, it } from "vitest";
import { paperRow } from "../../../benchmarks/tables/comparison.js";
import { ownRunsFigure } from "../../../benchmarks/tables/ownFigures.js";
import type { OwnScore } from "../../../benchmarks/tables/ownScores.js";
import {
  ablation,
  ablationFigure,
  mainTableFigure,
  rowsOf,
} from "../../../benchmarks/tables/paperFigures.js";
import { invariant } from "../../../src/core/errors.js";
import { wilson } from "../../../src/core/stats.js";

describe("mainTableFigure", () => {
  it("draws every model of a group, R1-ShareVL last and in blue", () => {
    const { data, table } = mainTableFigure("7B");
    expect(data.at(-1)).toMatchObject({ name: "R1-ShareVL-7B", marker: { color: "#0072B2" } });
    expect(table.rows.at(-1)).toEqual(["R1-ShareVL-7B", "75.4", "67.0", "58.1", "52.8", "29.5", "84.5"]);
    expect(new Set(data.map((trace) => JSON.stringify(trace["marker"]))).size).toBe(data.length);
  });

  it("has a whisker only where the paper has a score", () => {
    const { data, table } = mainTableFigure("7B");
    const at = table.rows.findIndex(([name]) => name === "X-REASONER-7B");
    expect(data[at]?.["y"]).toEqual([69, null, 56.4, null, 29.6, null]);
    expect(data[at]?.["error_y"]).toMatchObject({
      array: [expect.any(Number), 0, expect.any(Number), 0, expect.any(Number), 0],
    });
  });
});

describe("ownRunsFigure", () => {
  const reference = paperRow("R1-ShareVL-7B");
  invariant(reference, "the paper's own row");
  const score = (hits: number, origin: OwnScore["origin"]): OwnScore => ({
    benchmark: "AI2D",
    dataset: "AI2D_TEST",
    rules: "2026-08",
    mode: "fixed",
    judge: null,
    judgePrompts: null,
    reported: { total: 10, correct: hits, accuracy: wilson(hits, 10) },
    origin,
    isWhole: true,
    rows: [],
  });

  it("draws a run with its interval where it has a score, with open marks where its rows are not the published ones", () => {
    const runs = [
      { name: "whole", scores: [score(5, "published")] },
      { name: "small", scores: [score(5, "sample")] },
    ];
    const { data, table } = ownRunsFigure(runs, { reference, mode: "fixed" });
    const [others, paper, whole, small] = data;
    expect(others?.["y"]).toHaveLength(7 * 6); // the other 7B models
    expect(paper).toMatchObject({ name: "R1-ShareVL-7B", y: [75.4, 67, 58.1, 52.8, 29.5, 84.5] });
    // Wilson at 5 of 10: [23.66, 76.34].
    const error = { array: [0, 0, 0, 0, 0, expect.closeTo(26.34, 1)] };
    expect(whole).toMatchObject({ name: "whole", y: [null, null, null, null, null, 50], error_y: error });
    expect(small).toMatchObject({ name: "small †", marker: { symbol: "circle-open" } });
    expect(table.rows.at(-1)).toEqual(["small", "–", "–", "–", "–", "–", "50.0"]);
  });
});

describe("ablationFigure", () => {
  it("has the whiskers of 1,000 rows: 75.4 % is known to within 2.6 to 2.8 points", () => {
    expect(rowsOf("MathVista")).toBe(1000);
    const { data } = ablationFigure(ablation(5));
    // Wilson at 754 of 1,000: [72.64, 77.97].
    expect(data[0]).toMatchObject({ y: expect.arrayContaining(["Share-GRPO, 6 + 6"]) });
    const error = data[0]?.["error_x"] as { array: number[]; arrayminus: number[] };
    expect(error.array.at(-1)).toBeCloseTo(2.57, 1);
    expect(error.arrayminus.at(-1)).toBeCloseTo(2.76, 1);
  });

  it("refuses a table that the paper does not have", () => {
    expect(() => ablation(10)).toThrow("unknown table: 10");
  });
});
