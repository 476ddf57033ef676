import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { closingBrace, extractBoxed } from "../../src/reward/boxed.js";

/** Depth after each character, by counting. */
function depths(text: string): number[] {
  let depth = 0;
  return [...text].map((unit) => (depth += unit === "{" ? 1 : unit === "}" ? -1 : 0));
}

describe("closingBrace", () => {
  it.each([
    ["1}", 0, 1],
    ["{1}}", 0, 3],
    ["}", 0, 0],
    ["a{b}c}d}", 0, 5],
    ["a{b}c}d}", 3, 3],
    ["{{}", 0, -1],
    ["", 0, -1],
    ["1}", 2, -1],
  ])("of %j from %i is %i", (text, from, at) => {
    expect(closingBrace(text, from)).toBe(at);
  });

  it("is where the count of braces falls below zero", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("{", "}", "x"), { maxLength: 20 }), (units) => {
        const text = units.join("");
        expect(closingBrace(text, 0)).toBe(depths(text).findIndex((depth) => depth < 0));
      }),
      { numRuns: 300, seed: 2 },
    );
  });
});

describe("extractBoxed", () => {
  it("gives back what was boxed, whatever stands around it", () => {
    const balanced = fc
      .array(fc.constantFrom("1", "x", " ", "{y}", "\\frac{1}{2}", "\\{", "{{}}"), { maxLength: 6 })
      .map((parts) => parts.join("").replaceAll("\\{", "\\{\\}"));
    const words = fc.constantFrom("", "so ", "} and {", "\\boxed{0} ", "\\boxed{} ");
    fc.assert(
      fc.property(words, balanced, fc.constantFrom("", ".", " }", " \\fbox{9}"), (before, answer, after) => {
        const text = `${before}\\boxed{${answer}}${after}`;
        expect([text, extractBoxed(text)]).toEqual([text, { kind: "answer", text: answer.trim() }]);
      }),
      { numRuns: 300, seed: 2 },
    );
  });

  it.each([
    ["no box", "no \\boxed{"],
    ["\\boxed 5", "no \\boxed{"],
    ["\\boxed{5", "the last \\boxed{ is not closed"],
    ["\\boxed{1} \\boxed{5", "the last \\boxed{ is not closed"],
    ["\\boxed{1}\\boxed{{5}", "the last \\boxed{ is not closed"],
  ])("says why there is no answer in %s: %s", (text, reason) => {
    expect(extractBoxed(text)).toEqual({ kind: "none", reason });
  });

  it("reads the inner of two nested boxes, as the last one opened", () => {
    expect(extractBoxed("\\boxed{1+\\boxed{2}}")).toEqual({ kind: "answer", text: "2" });
  });
});
