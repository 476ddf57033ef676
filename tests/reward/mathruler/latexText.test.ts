import { describe, expect, it } from "vitest";
import { latexToText } from "../../../src/reward/mathruler/latexText.js";

/** Printed by pylatexenc 2.10, `LatexNodes2Text().latex_to_text`. */
const TABLE: [latex: string, text: string][] = [
  ["\\frac12", "1/2"],
  ["\\frac{\\frac12}3", "1/2/3"],
  ["\\frac{a}{b}{c}", "a/bc"],
  ["\\sqrt[3]{8}", "√(8)"],
  ["\\sqrt 2", "√(2)"],
  ["\\sqrt{2", "√(2)"],
  ["\\sqrt\\textbf{a}", "√()a"],
  ["\\frac\\pi2", "π/2"],
  ["\\left(1,2\\right)", "(1,2)"],
  ["\\{1\\}", "{1}"],
  ["x^{2}", "x^2"],
  ["^\\circ C", "^∘C"],
  ["\\unknown{x}y", "xy"],
  ["\\toString{abc}y", "abcy"],
  ["\\constructor{abc}y", "abcy"],
  ["\\sqrt\\valueOf", "√()"],
  ["\\mbox{a}", ""],
  ["\\mathbf{x}", "\u{1d431}"],
  ["\\vec{v}", "v\u20d7"],
  ["\\dot x", "ẋ"],
  ["a\\;b", "a b"],
  ["a\\!b", "ab"],
  ["a~b", "a\u00a0b"],
  ["\\approx 5", "≈5"],
  ["\\ln 2", "ln2"],
  ["\\triangle ABC", "ABC"],
  ["x\\leqslant 3", "x⩽3"],
  ["\\sec x", "x"],
  ["x\\pi% y", "xπ"],
  ["}x\\pi", "xπ"],
  ["a--b\\pi", "a–bπ"],
  ["$x$", "x"],
];

describe("latexToText", () => {
  it.each(TABLE)("prints %s as pylatexenc does: %s", (latex, text) => {
    expect(latexToText(latex)).toBe(text);
  });

  it("gives up on groups nested too deep and options that are not closed", () => {
    expect(latexToText("{".repeat(100))).toBeNull();
    expect(latexToText("\\sqrt[3{8}")).toBeNull();
  });
});
