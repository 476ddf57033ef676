import { describe, expect, it } from "vitest";
import { comparisonFigure } from "../../src/report/comparison.js";

const OPTIONS = { metric: "reward/overall", title: "Reward", axis: "mean reward" } as const;

const runOf = (name: string, ...values: readonly (readonly [step: number, reward: number | null])[]) => ({
  name,
  steps: values.map(([step, reward]) => ({ step, "reward/overall": reward })),
});

describe("comparisonFigure", () => {
  it("has one curve a run over its own steps", () => {
    const { data } = comparisonFigure([runOf("a", [1, 0.1], [2, 0.2]), runOf("b", [5, 0.5])], OPTIONS);
    expect(data.map(({ name, x, y }) => [name, x, y])).toEqual([
      ["a", [1, 2], [0.1, 0.2]],
      ["b", [5], [0.5]],
    ]);
  });

  it("lists numbers by the step they belong to, gaps as dashes", () => {
    const { table } = comparisonFigure(
      [runOf("a", [2, 0.25], [4, 0.5]), runOf("b", [4, 0.75], [6, null])],
      OPTIONS,
    );
    expect(table).toEqual({
      head: ["step", "a", "b"],
      rows: [
        ["2", "0.25", "–"],
        ["4", "0.5", "0.75"],
        ["6", "–", "–"],
      ],
    });
  });

  it("smooths over a window, and says over how many steps", () => {
    const run = runOf("a", [1, 0], [2, 0.3], [3, 0.6]);
    const { caption, data } = comparisonFigure([run], { ...OPTIONS, window: 3 });
    // (0 + 0.3)/2, (0 + 0.3 + 0.6)/3, (0.3 + 0.6)/2
    expect(data[0]?.["y"]).toEqual([0.15, expect.closeTo(0.3, 12), expect.closeTo(0.45, 12)]);
    expect(caption).toBe("Mean of 3 steps.");
  });

  it("draws nothing for no run, and an empty curve for a run without steps", () => {
    expect(comparisonFigure([], OPTIONS)).toMatchObject({ data: [], table: { rows: [] } });
    expect(comparisonFigure([runOf("a")], OPTIONS).data[0]).toMatchObject({ x: [], y: [] });
  });

  it("tells equal curves apart: the first lies below and is broader; colours repeat after five", () => {
    const runs = Array.from({ length: 6 }, (_, at) => runOf(String(at), [1, 0.5]));
    const lines = comparisonFigure(runs, OPTIONS).data.map(
      (trace) => trace["line"] as { color: string; width: number },
    );
    expect(lines.map(({ width }) => width)).toEqual([12, 10, 8, 6, 4, 2]);
    expect(new Set(lines.map(({ color }) => color)).size).toBe(5);
    expect(lines[5]?.color).toBe(lines[0]?.color);
  });

  it("gives Plotly no markup in a run's name, and the table the name as it is", () => {
    const { data, table } = comparisonFigure([runOf("<b>&", [1, 1])], OPTIONS);
    expect(data[0]?.["name"]).toBe("&lt;b&gt;&amp;");
    expect(table.head).toEqual(["step", "<b>&"]);
  });
});
