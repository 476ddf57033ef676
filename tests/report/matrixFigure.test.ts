import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../src/report/figure.js";
import { type Grid, matrixFigure } from "../../src/report/matrixFigure.js";

const grid = (values: readonly (readonly number[])[], title = "", names?: readonly string[]): Grid => ({
  title,
  values,
  rows: names ?? values.map((_, at) => `row ${at + 1}`),
  columns: (values[0] ?? []).map((_, at) => `column ${at + 1}`),
});

const one = grid([
  [1, -2],
  [0.5, 0],
]);
const figureOf = (grids: readonly Grid[], options: object = {}) =>
  matrixFigure(grids, { title: "t", scale: "s", ...options });
const at = (value: Json | undefined, key: string): Json | undefined =>
  (value as JsonObject | undefined)?.[key];

describe("matrixFigure", () => {
  it("draws rows and columns as they stand, the first row on top", () => {
    const { data, layout } = figureOf([one]);
    expect(data[0]).toMatchObject({ type: "heatmap", z: one.values, x: [0, 1], y: [0, 1] });
    expect(layout["yaxis"]).toMatchObject({ autorange: "reversed", ticktext: ["row 1", "row 2"] });
    expect(layout["xaxis"]).toMatchObject({ ticktext: ["column 1", "column 2"] });
  });

  it("has a scale that is symmetric around 0 and reaches the largest number of all grids", () => {
    const { data, layout } = figureOf([one, grid([[-7, 3]])]);
    expect(layout["coloraxis"]).toMatchObject({ cmin: -7, cmax: 7 });
    expect(data.map((trace) => [trace["zmin"], trace["zmax"]])).toEqual([
      [-7, 7],
      [-7, 7],
    ]);
  });

  it("has a scale from 0 for shares, the one that is asked for, and one of 1 where all is 0", () => {
    expect(figureOf([one], { colours: "share", limit: 1 }).layout["coloraxis"]).toMatchObject({
      cmin: 0,
      cmax: 1,
    });
    expect(figureOf([one], { limit: 10 }).layout["coloraxis"]).toMatchObject({ cmin: -10, cmax: 10 });
    expect(figureOf([grid([[0, 0]])]).layout["coloraxis"]).toMatchObject({ cmin: -1, cmax: 1 });
  });

  it("writes numbers into the cells where digits are asked for, and no scale beside them then", () => {
    const { data, layout } = figureOf([grid([[1, -2.345, -0.001, 0]])], { digits: 2 });
    expect(data[0]?.["text"]).toEqual([["1.00", "−2.35", "0.00", "0.00"]]);
    expect(at(layout["coloraxis"], "showscale")).toBe(false);
    const plain = figureOf([one]);
    expect(plain.data[0]).not.toHaveProperty("text");
    expect(at(plain.layout["coloraxis"], "showscale")).toBe(true);
  });

  it("sets grids side by side, within the figure, without overlap", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.boolean(), (count, isNamed) => {
        const grids = Array.from({ length: count }, (_, order) =>
          grid([[1]], "", isNamed ? [`own ${order}`] : ["same"]),
        );
        const { layout } = figureOf(grids);
        const domains = grids.map(
          (_, order) => at(layout[`xaxis${order === 0 ? "" : order + 1}`], "domain") as number[],
        );
        expect(domains[0]?.[0]).toBe(0);
        expect(domains.at(-1)?.[1]).toBeCloseTo(1, 12);
        domains.slice(1).forEach((domain, order) => {
          expect(domain[0] as number).toBeGreaterThan(domains[order]?.[1] as number);
        });
        const widths = domains.map(([left = 0, right = 0]) => right - left);
        for (const width of widths) expect(width).toBeCloseTo(widths[0] as number, 12);
      }),
      { numRuns: 30, seed: 1 },
    );
  });

  it("names rows once where all grids have the same, and beside each where they differ", () => {
    const shown = (grids: readonly Grid[]) =>
      grids.map((_, order) =>
        at(figureOf(grids).layout[`yaxis${order === 0 ? "" : order + 1}`], "showticklabels"),
      );
    expect(shown([one, one])).toEqual([true, false]);
    expect(shown([grid([[1]], "", ["a"]), grid([[1]], "", ["b"])])).toEqual([true, true]);
  });

  it("frames blocks of cells in every grid", () => {
    const { layout } = figureOf([one, one], { frames: [{ row: 0, column: 1, rows: 2, columns: 1 }] });
    expect(layout["shapes"]).toMatchObject([
      { xref: "x", yref: "y", x0: 0.5, x1: 1.5, y0: -0.5, y1: 1.5 },
      { xref: "x2", yref: "y2", x0: 0.5, x1: 1.5, y0: -0.5, y1: 1.5 },
    ]);
  });

  it("is as high as its highest grid needs, and higher with titles", () => {
    const height = (grids: readonly Grid[]) => figureOf(grids).layout["height"] as number;
    expect(height([grid([[1], [2], [3]])]) - height([grid([[1]])])).toBe(80);
    expect(height([grid([[1]]), grid([[1], [2], [3]], "", ["a", "b", "c"])])).toBe(
      height([grid([[1], [2], [3]])]),
    );
    expect(height([grid([[1]], "title")])).toBeGreaterThan(height([grid([[1]])]));
  });

  it("has the numbers as a table, with the grid's name where there are several", () => {
    expect(figureOf([one]).table).toEqual({
      head: ["", "column 1", "column 2"],
      rows: [
        ["row 1", "1.000", "−2.000"],
        ["row 2", "0.500", "0.000"],
      ],
    });
    const { rows } = figureOf([grid([[1]], "A"), grid([[2]], "B")], { digits: 0 }).table;
    expect(rows).toEqual([
      ["A: row 1", "1"],
      ["B: row 1", "2"],
    ]);
  });

  it("shows names as they are written, not as markup", () => {
    const named: Grid = { title: "<b>x</b>", values: [[1]], rows: ["<i>r</i>"], columns: ["a & b"] };
    const { layout } = figureOf([named]);
    const text = JSON.stringify([layout["annotations"], layout["xaxis"], layout["yaxis"]]);
    expect(text).not.toMatch(/<[bi]>/);
    expect(text).toContain("&lt;b");
  });

  it("refuses rows without a name", () => {
    expect(() => figureOf([{ ...one, rows: ["only one"] }])).toThrow();
  });
});
