import { describe, expect, it } from "vitest";
import { ablation, ablationFigure, mainTableFigure, rowsOf } from "../../benchmarks/paperFigures.js";

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
