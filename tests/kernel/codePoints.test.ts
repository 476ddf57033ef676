import fc from "fast-check";
import { expect, it } from "vitest";
import { codePointIndex, utf16Index } from "../../src/kernel/codePoints.js";

it("a letter outside of the basic plane is one code point and two units", () => {
  // "𝛼 = x": the cursor after "= " stands after 4 code points, 5 units
  expect(utf16Index("𝛼 = x", 4)).toBe(5);
  expect(codePointIndex("𝛼 = x", 5)).toBe(4);
});

it("a cursor beyond the end stands at the end", () => {
  expect(utf16Index("ab", 9)).toBe(2);
  expect(utf16Index("", 0)).toBe(0);
});

it("going to units and back changes nothing", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.nat(20), (text, count) => {
      const inside = Math.min(count, [...text].length);
      expect(codePointIndex(text, utf16Index(text, inside))).toBe(inside);
    }),
  );
});
