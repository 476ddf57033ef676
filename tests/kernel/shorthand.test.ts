import ts from "typescript";
import { describe, expect, it } from "vitest";
import { expandShorthand } from "../../src/kernel/shorthand.js";

describe("expandShorthand", () => {
  it.each([
    ["f({ a, b: 1, c })", "f({ a: a, b: 1, c: c })"],
    ["const o = { a, nested: { b } };", "const o = { a: a, nested: { b: b } };"],
    ["({ a, b } = o);", "({ a: a, b: b } = o);"],
  ])("writes %s as %s", (cell, expected) => {
    expect(expandShorthand(ts, cell)).toBe(expected);
  });

  it.each(["const { a, b } = o;", "({ a = 1 } = o);", "import { a } from 'b';", "f({ a: 1 }, 'x, { y }')"])(
    "leaves %s as it is",
    (cell) => {
      expect(expandShorthand(ts, cell)).toBe(cell);
    },
  );
});
