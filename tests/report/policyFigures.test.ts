import { describe, expect, it } from "vitest";
import type { Pair } from "../../src/records.js";
import {
  clipFigure,
  klFigure,
  type PairChange,
  pairChangeFigure,
  surrogateCurve,
} from "../../src/report/policyFigures.js";

const RATIOS = [0.5, 0.79, 0.81, 1, 1.29, 1.31, 2.99, 3.01];

/** −min(r·A, clip(r)·A), and at most −c·A for A < 0: Eq. 8 with the dual clip, on one token. */
function lossByHand(
  ratio: number,
  advantage: number,
  clipped: readonly [number, number],
  dualClip: number,
): number {
  const bounded = Math.min(Math.max(ratio, clipped[0]), clipped[1]);
  const plain = Math.max(-ratio * advantage, -bounded * advantage);
  return advantage < 0 ? Math.min(plain, -dualClip * advantage) : plain;
}

describe("surrogateCurve", () => {
  it.each([1, -1, 2.5, -0.5])("is the clipped loss of one token with advantage %s", (advantage) => {
    const options = { clipLow: 0.2, clipHigh: 0.3, dualClip: 3 };
    for (const { ratio, loss } of surrogateCurve(RATIOS, advantage, options)) {
      expect(loss).toBeCloseTo(lossByHand(ratio, advantage, [0.8, 1.3], 3), 5);
    }
  });

  it("pushes by ratio times advantage where nothing is clipped, and not at all beyond", () => {
    const push = (advantage: number) =>
      surrogateCurve(RATIOS, advantage).map((point) => Number(point.push.toFixed(4)));
    // A good token is held above 1.3; a bad one below 0.8 and, by the dual clip, above 3.
    expect(push(1)).toEqual([0.5, 0.79, 0.81, 1, 1.29, 0, 0, 0]);
    expect(push(-1).map((value) => value + 0)).toEqual([0, 0, -0.81, -1, -1.29, -1.31, -2.99, 0]);
  });

  it("is empty for no ratio", () => {
    expect(surrogateCurve([], 1)).toEqual([]);
  });
});

describe("clipFigure", () => {
  it("has a line for a good and a bad token, and marks the edges it can show", () => {
    const { data, layout, table } = clipFigure({ clipLow: 0.1, clipHigh: 0.25, dualClip: 5 });
    expect(data.map(({ name }) => name)).toEqual(["advantage +1", "advantage −1"]);
    expect((layout["shapes"] as { readonly x0: number }[]).map(({ x0 }) => x0)).toEqual([0.9, 1.25]);
    expect(table.head).toEqual(["ratio", "push at +1", "push at −1"]);
    expect(table.rows.map(([ratio]) => ratio).slice(0, 2)).toEqual(["0.02", "0.52"]);
  });
});

describe("klFigure", () => {
  const { data } = klFigure();
  const of = (name: string) => {
    const trace = data.find((each) => each["name"] === name);
    if (!trace) throw new Error(`${name}: no line`);
    return (trace["x"] as number[]).map(
      (difference, at) => [difference, (trace["y"] as number[])[at] ?? Number.NaN] as const,
    );
  };

  it.each<readonly [string, (d: number) => number]>([
    ["kl", (d) => -d],
    ["abs", Math.abs],
    ["mse", (d) => (d * d) / 2],
    ["low_var_kl", (d) => Math.min(10, Math.exp(d) - d - 1)],
  ])("draws %s by its formula", (name, formula) => {
    for (const [difference, value] of of(name)) expect(value).toBeCloseTo(formula(difference), 4);
  });

  it("has estimates that are never negative, but the plain one, and all 0 at 0", () => {
    for (const { name } of data) {
      const points = of(String(name));
      expect(points.find(([difference]) => Math.abs(difference) < 1e-9)?.[1]).toBeCloseTo(0, 6);
      if (name !== "kl") expect(Math.min(...points.map(([, value]) => value))).toBeGreaterThanOrEqual(0);
    }
  });
});

describe("pairChangeFigure", () => {
  const pair = (j: number, k: number, advantage: number, change: number): PairChange => ({
    ...({ i: 0, j, k, advantage } as Pair),
    change,
  });
  const figure = pairChangeFigure([
    pair(0, 0, 1, 0.2),
    pair(0, 0, 1, 0.4),
    pair(0, 1, 2, 0.6),
    pair(1, 0, -1, -0.5),
    pair(1, 1, 0, 9),
  ]);

  it("tells pairs under the own prompt from those under another's", () => {
    expect(figure.data.slice(0, 2).map(({ x, y }) => [x, y])).toEqual([
      [
        [1, 1, 0],
        [0.2, 0.4, 9],
      ],
      [
        [2, -1],
        [0.6, -0.5],
      ],
    ]);
  });

  it("has the means of pairs above and below an advantage of 0, those at 0 left out", () => {
    const [, , means] = figure.data;
    // (0.2 + 0.4 + 0.6) / 3 above, −0.5 below.
    expect(means?.["x"]).toEqual([-1, 0, null, 0, 2, null]);
    expect(
      ((means?.["y"] ?? []) as (number | null)[]).map((level) => level && Number(level.toFixed(6))),
    ).toEqual([-0.5, -0.5, null, 0.4, 0.4, null]);
    expect(figure.table.rows).toEqual([
      ["own prompt", "3", "0.3", "–"],
      ["another variant's prompt", "2", "0.6", "-0.5"],
    ]);
  });

  it("draws nothing of no pairs", () => {
    const { data, table } = pairChangeFigure([]);
    expect(data.map(({ x }) => x)).toEqual([[], [], []]);
    expect(table.rows.map(([, count]) => count)).toEqual(["0", "0"]);
  });
});
