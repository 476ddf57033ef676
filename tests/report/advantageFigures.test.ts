import { describe, expect, it } from "vitest";
import { hierarchicalAdvantages } from "../../src/advantage/shareGrpo.js";
import { sharePairs } from "../../src/policy/share.js";
import { advantageGrids, pairsFigure, validityFigure } from "../../src/report/advantageFigures.js";
import { matrixFigure } from "../../src/report/matrixFigure.js";
import { clipFigure, klFigure, pairChangeFigure, surrogateCurve } from "../../src/report/policyFigures.js";

const rewards = [
  [1, 0],
  [0, 0],
];

describe("pairsFigure", () => {
  it("puts the pair (j, i) read under k into row k, column j·n + i, and frames own variants", () => {
    const pairs = sharePairs(rewards, hierarchicalAdvantages(rewards));
    const { data, layout } = pairsFigure(pairs);
    const values = data[0]?.["z"] as number[][];
    for (const { j, k, i, advantage } of pairs) expect(values[k]?.[2 * j + i]).toBe(advantage);
    expect(layout["shapes"]).toMatchObject([
      { x0: -0.5, x1: 1.5, y0: -0.5, y1: 0.5 },
      { x0: 1.5, x1: 3.5, y0: 0.5, y1: 1.5 },
    ]);
  });
});

describe("advantageGrids", () => {
  it("draws all grids on one scale that is symmetric about 0, and names rows once", () => {
    const { data, layout } = advantageGrids({ small: [[0.5, -0.25]], large: [[2, -1]] }, "t");
    expect(data.map(({ zmin, zmax }) => [zmin, zmax])).toEqual([
      [-2, 2],
      [-2, 2],
    ]);
    expect(layout).toMatchObject({ yaxis: { showticklabels: true }, yaxis2: { showticklabels: false } });
  });
});

describe("matrixFigure", () => {
  it("shows names as they are, also where Plotly would read markup", () => {
    const grid = { title: "<b>", rows: ["<think>"], columns: ["a & b"], values: [[1]] };
    const { layout } = matrixFigure([grid], { title: "t", scale: "s" });
    expect(layout).toMatchObject({
      xaxis: { ticktext: ["a &amp; b"] },
      yaxis: { ticktext: ["&lt;think&gt;"] },
      annotations: [{ text: "&lt;b&gt;" }],
    });
  });
});

describe("validityFigure", () => {
  it("draws the exact chance as a line, and counted shares as points", () => {
    const curve = { name: "c", rates: (p: number) => [p], n: 2, counted: [{ p: 0.5, share: 0.48 }] };
    const { data } = validityFigure([curve], "t");
    const line = data[0]?.["y"] as number[];
    expect(line[50]).toBeCloseTo(0.5, 12); // 1 − 1/4 − 1/4
    expect(data[1]).toMatchObject({ mode: "markers", x: [0.5], y: [0.48] });
  });
});

describe("surrogateCurve", () => {
  it("pushes a good token by its ratio until 1.3, a bad one from 0.8 to 3, and nothing beyond", () => {
    const push = (ratio: number, advantage: number) => surrogateCurve([ratio], advantage)[0]?.push;
    expect(push(1.2, 1)).toBeCloseTo(1.2, 5);
    expect(push(1.4, 1)).toBeCloseTo(0, 12);
    expect(push(0.7, -1)).toBeCloseTo(0, 12);
    expect(push(2, -1)).toBeCloseTo(-2, 5);
    expect(push(3.5, -1)).toBeCloseTo(0, 12);
  });

  it("caps a bad token's loss at c·|A|", () => {
    expect(surrogateCurve([10], -2, { dualClip: 3 })[0]?.loss).toBeCloseTo(6, 5);
  });
});

describe("clipFigure and klFigure", () => {
  it("draw finite numbers only", () => {
    for (const { data } of [clipFigure(), klFigure()]) {
      for (const trace of data) expect((trace["y"] as number[]).every(Number.isFinite)).toBe(true);
    }
  });
});

describe("pairChangeFigure", () => {
  it("tells own pairs from others, and gives the mean change by the advantage's sign", () => {
    const { data, table } = pairChangeFigure([
      { j: 0, k: 0, i: 0, advantage: 1, change: 0.5 },
      { j: 0, k: 0, i: 1, advantage: 2, change: 0.25 },
      { j: 1, k: 0, i: 0, advantage: -1, change: -0.5 },
    ]);
    expect(table.rows).toEqual([
      ["own prompt", "2", "0.375", "–"],
      ["another variant's prompt", "1", "–", "-0.5"],
    ]);
    // The lines are the means of all pairs: −0.5 below 0, (0.5 + 0.25)/2 above.
    expect(data[2]).toMatchObject({
      x: [-1, 0, null, 0, 2, null],
      y: [-0.5, -0.5, null, 0.375, 0.375, null],
    });
  });
});
