import { describe, expect, it } from "vitest";
import { boxContents } from "../../../benchmarks/scoring/latexBoxes.js";
import { pythonEqual } from "../../../benchmarks/scoring/pythonEqual.js";

const SEVERAL = "a list has no value";

/** Values by `latex2sympy(text)` of latex2sympy2_extended 1.11.0; undefined: it raises. */
const READ: readonly (readonly [text: string, value: string | undefined])[] = [
  ["So it is $\\boxed{8}$ cm.", "8"],
  ["\\boxed 8", "8"],
  ["\\boxed8", "8"],
  ["\\fbox{8}", "8"],
  ["\\fbox 8", "8"],
  ["\\boxed{ 8 }", "8"],
  ["\\boxed{$8$}", "8"],
  ["\\boxed{8}.", "8"],
  ["8\\boxed{7}", "7"],
  ["\\boxed{1}{2}", "1"],
  ["x \\boxed{\\frac{1}{2}} y", "0.5"],
  ["\\boxed{\\boxed{8}}", "8"],
  ["\\boxed{3+\\boxed{4}}", "4"],
  ["\\boxed{8} \\fbox{8}", "8"],
  ["\\boxed{8} or \\boxed{8}", "8"],
  ["\\boxed 8 \\boxed{9}", "9"],
  ["\\boxed{9} \\boxed 9", "9"],
  ["\\boxed{1}, \\boxed{000}", "1000"],
  ["\\boxed{8} and \\boxed{9}", SEVERAL],
  ["\\boxed{8", undefined],
  ["7 \\boxed{8", undefined],
  ["8 \\boxed{}", undefined],
  ["the \\boxed{} 8", undefined],
  ["\\boxed{8}, \\boxed{}", undefined],
  ["8\\boxed", undefined],
  ["\\framebox{8}", undefined],
];

describe("boxContents(…)", () => {
  it.each(READ)("lets the newer LaTeX reader read %j as %s", (text, value) => {
    for (const gold of ["7", "8", "9", "0.5", "1", "4", "1000"]) {
      const by = (rules: "2025-08" | "2026-08") => pythonEqual(text, gold, { rules, mode: "compatible" });
      expect(by("2026-08"), gold).toBe(gold === value);
      expect(by("2025-08"), gold).toBe(false);
    }
  });

  it("joins several boxes by commas in their order, and leaves a text without any as it is", () => {
    expect(boxContents("\\boxed{8} and \\fbox{9}")).toBe("8,9");
    expect(boxContents("no box")).toBe("no box");
    expect(boxContents("")).toBe("");
  });

  it("reads hostile text: quadratic time would take minutes", () => {
    const hostile = ["\\boxed{".repeat(1e5), "\\boxed{}".repeat(1e5), "\\fbox ".repeat(1e5), "{".repeat(1e6)];
    for (const text of hostile) expect(boxContents(text).length).toBeLessThanOrEqual(text.length);
  });
});
