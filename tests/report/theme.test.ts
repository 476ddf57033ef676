import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../src/report/figure.js";
import { darkRule, mergeJson, themed } from "../../src/report/theme.js";

const leaf: fc.Arbitrary<Json> = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
const tree = fc.letrec<{ node: Json; object: JsonObject }>((tie) => ({
  node: fc.oneof({ maxDepth: 3 }, leaf, fc.array(leaf, { maxLength: 3 }), tie("object")),
  object: fc.dictionary(fc.constantFrom("a", "b", "c"), tie("node"), {
    maxKeys: 3,
  }) as fc.Arbitrary<JsonObject>,
})).object;

describe("mergeJson", () => {
  it("lays one object over another, key by key; lists and values are replaced", () => {
    const base = { font: { size: 12, color: "#000" }, ticks: [1, 2], height: 270 };
    const over = { font: { size: 13 }, ticks: [3], width: 100 };
    expect(mergeJson(base, over)).toEqual({
      ...{ font: { size: 13, color: "#000" }, ticks: [3] },
      ...{ height: 270, width: 100 },
    });
  });

  it.each<readonly [base: JsonObject, over: JsonObject, merged: JsonObject]>([
    [{ a: { b: 1 } }, { a: 2 }, { a: 2 }],
    [{ a: 2 }, { a: { b: 1 } }, { a: { b: 1 } }],
    [{ a: { b: 1 } }, { a: null }, { a: null }],
    [{ a: [{ b: 1 }] }, { a: [{ c: 1 }] }, { a: [{ c: 1 }] }],
  ])("%j under %j is %j", (base, over, merged) => {
    expect(mergeJson(base, over)).toEqual(merged);
  });

  it("changes nothing by nothing or by itself, and is the same in whatever order three are laid", () => {
    fc.assert(
      fc.property(tree, tree, tree, (a, b, c) => {
        expect(mergeJson(a, {})).toEqual(a);
        expect(mergeJson({}, a)).toEqual(a);
        expect(mergeJson(a, a)).toEqual(a);
        expect(Object.keys(mergeJson(a, b)).sort()).toEqual(
          [...new Set([...Object.keys(a), ...Object.keys(b)])].sort(),
        );
        const keepsObjects = mergeJson(mergeJson(a, b), c);
        for (const [key, value] of Object.entries(c))
          if (typeof value !== "object" || value === null) expect(keepsObjects[key]).toBe(value);
      }),
      { seed: 1 },
    );
  });
});

describe("themed", () => {
  const figure = (layout: JsonObject, ...data: JsonObject[]) => ({ data, layout });

  it("lets the figure's own layout have the last word", () => {
    const { layout } = themed(figure({ height: 99, xaxis: { title: { text: "step" } } }), "light");
    expect(layout["height"]).toBe(99);
    expect(layout["xaxis"]).toMatchObject({ title: { text: "step", font: { size: 12 } }, automargin: true });
  });

  it("gives every axis that a figure names the same quiet lines, in both shades", () => {
    for (const shade of ["light", "dark"] as const) {
      const { layout } = themed(figure({ xaxis2: { anchor: "y2" }, yaxis2: {}, yaxes: 1 }), shade);
      const line = (name: string) => (layout[name] as JsonObject)["gridcolor"];
      expect(new Set(["xaxis", "yaxis", "xaxis2", "yaxis2"].map(line)).size).toBe(1);
      expect(layout["xaxis2"]).toMatchObject({ anchor: "y2" });
      expect(layout["yaxes"]).toBe(1); // no axis
    }
  });

  it("leaves room for a legend only where there is one", () => {
    const top = (layout: JsonObject) => (themed(figure(layout), "light").layout["margin"] as { t: number }).t;
    expect(top({ showlegend: false })).toBeLessThan(top({}));
  });

  it("shows blue as sky blue on dark paper, wherever it stands, and other colours as they are", () => {
    const trace = { line: { color: "#0072B2" }, marker: { color: ["#0072B2", "#D55E00"] }, y: [1, null] };
    expect(themed(figure({}, trace), "light").data).toEqual([trace]);
    expect(themed(figure({}, trace), "dark").data).toEqual([
      { line: { color: "#56B4E9" }, marker: { color: ["#56B4E9", "#D55E00"] }, y: [1, null] },
    ]);
  });

  it("draws whiskers in ink, and changes no trace that it was given", () => {
    const trace = { error_x: { array: [1] } };
    const inked = (["light", "dark"] as const).map(
      (shade) => themed(figure({}, trace), shade).data[0]?.["error_x"],
    );
    expect(inked).toEqual([
      { array: [1], color: "#1c2024" },
      { array: [1], color: "#e4e7ea" },
    ]);
    expect(trace).toEqual({ error_x: { array: [1] } });
  });

  it("shares no part of a layout between two axes: Plotly writes into them", () => {
    const { xaxis, yaxis } = themed(figure({}), "light").layout;
    expect(xaxis).toEqual(yaxis);
    expect(xaxis).not.toBe(yaxis);
  });
});

describe("darkRule", () => {
  it("turns exactly the inks that light figures are drawn in, inside its place only", () => {
    const rule = darkRule(".here");
    const selectors = [...rule.matchAll(/[{}] (\.[^{]+) \{/g)].map(([, selector = ""]) => selector);
    expect(selectors).toHaveLength(10); // four inks, filled and drawn; white outlines; the paper
    expect(selectors.every((each) => each.split(/, (?=\.)/).every((part) => part.startsWith(".here ")))).toBe(
      true,
    );
    const { layout } = themed({ data: [], layout: {} }, "light");
    expect((layout["font"] as JsonObject)["color"]).toBe("#333a40");
    expect(rule).toContain('"fill: rgb(51, 58, 64)"'); // 0x33, 0x3a, 0x40
  });

  it("leaves white numbers on dark cells white", () => {
    expect(darkRule(".here")).not.toContain('"fill: rgb(255, 255, 255)"');
  });
});
