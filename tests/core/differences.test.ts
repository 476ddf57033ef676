import { describe, expect, it } from "vitest";
import { differences } from "../../src/core/differences.js";

describe("differences", () => {
  it("names every setting that differs, with both values", () => {
    const before = { seed: 1, train: { steps: 48, saveEvery: 12 }, families: ["count"] };
    const now = { seed: 1, train: { steps: 10, saveEvery: 12 }, families: ["grid"] };
    expect(differences(before, now)).toEqual(["train.steps: 48, now 10", 'families.0: "count", now "grid"']);
  });

  it("says of a setting that is on one side only that it is unset on the other", () => {
    expect(differences({ a: { b: 1 } }, { a: { c: "x" } })).toEqual([
      "a.b: 1, now unset",
      'a.c: unset, now "x"',
    ]);
    expect(differences({ a: null }, {})).toEqual([]);
  });

  it("finds nothing in the same settings in another order", () => {
    expect(differences({ a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 })).toEqual([]);
    expect(differences({}, {})).toEqual([]);
  });
});
