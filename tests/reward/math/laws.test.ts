import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gradeMath } from "../../../src/reward/math/gradeMath.js";
import { PAIRS } from "./pairs.js";

/** How one expression may be typed. */
interface Typing {
  readonly fraction: "\\frac" | "\\dfrac" | "\\tfrac";
  readonly times: string;
  readonly space: string;
  readonly isSized: boolean;
}

type Tree =
  | { readonly kind: "leaf"; readonly text: string }
  | { readonly kind: "sum" | "difference" | "product" | "fraction"; readonly parts: readonly [Tree, Tree] }
  | { readonly kind: "root" | "square"; readonly part: Tree };

function typed(tree: Tree, typing: Typing): string {
  const { fraction, times, space, isSized } = typing;
  const show = (part: Tree): string => typed(part, typing);
  const group = (part: Tree) => (isSized ? `\\left(${show(part)}\\right)` : `(${show(part)})`);
  switch (tree.kind) {
    case "leaf":
      return tree.text;
    case "sum":
      return `${show(tree.parts[0])}${space}+${space}${show(tree.parts[1])}`;
    case "difference":
      return `${show(tree.parts[0])}${space}-${space}${group(tree.parts[1])}`;
    case "product":
      return `${group(tree.parts[0])}${times}${group(tree.parts[1])}`;
    case "fraction":
      return `${fraction}{${show(tree.parts[0])}}{${space}${show(tree.parts[1])}}`;
    case "root":
      return `\\sqrt{${show(tree.part)}}`;
    case "square":
      return `{${group(tree.part)}}^{2}`;
  }
}

const trees = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    fc
      .constantFrom("2", "3", "7", "12", "0.5", "x", "y", "\\pi")
      .map((text): Tree => ({ kind: "leaf", text })),
    fc.record({
      kind: fc.constantFrom("sum", "difference", "product", "fraction"),
      parts: fc.tuple(tie("tree"), tie("tree")),
    }),
    fc.record({ kind: fc.constantFrom("root", "square"), part: tie("tree") }),
  ),
})).tree;

const typings: fc.Arbitrary<Typing> = fc.record({
  fraction: fc.constantFrom("\\frac", "\\dfrac", "\\tfrac"),
  times: fc.constantFrom("", "*", " \\cdot ", "\\times "),
  space: fc.constantFrom("", " ", "\\,", "~", "\\ "),
  isSized: fc.boolean(),
});

const SETTINGS = { numRuns: 300, seed: 7 };

describe("gradeMath", () => {
  it("takes an expression for itself however it is typed", () => {
    fc.assert(
      fc.property(trees, typings, typings, (tree, one, other) => {
        const [given, truth] = [typed(tree, one), typed(tree, other)];
        const { correct, reason } = gradeMath(given, truth);
        // A random denominator may be 0: then there is nothing to compare.
        fc.pre(!/division by zero|no value/.test(reason));
        expect([given, truth, correct, reason]).toEqual([given, truth, true, reason]);
      }),
      SETTINGS,
    );
  });

  it("sees that 1 was added", () => {
    fc.assert(
      fc.property(trees, typings, (tree, typing) => {
        const text = typed(tree, typing);
        expect([text, gradeMath(`${text} + 1`, text).correct]).toEqual([text, false]);
      }),
      SETTINGS,
    );
  });

  it("decides exactly on fractions", () => {
    const number = fc.integer({ min: -60, max: 60 });
    const divisor = fc.integer({ min: 1, max: 60 });
    fc.assert(
      fc.property(number, divisor, number, divisor, (a, b, c, d) => {
        const { correct } = gradeMath(`${a}/${b}`, `\\frac{${c}}{${d}}`);
        expect([a, b, c, d, correct]).toEqual([a, b, c, d, a * d === b * c]);
      }),
      SETTINGS,
    );
  });

  it("reads solutions in any order, tuples in theirs", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 99 }), { minLength: 2, maxLength: 5 }),
        (numbers) => {
          const turned = [...numbers].reverse();
          expect(gradeMath(numbers.join(", "), turned.join(", ")).correct).toBe(true);
          expect(gradeMath(`\\{${numbers}\\}`, `\\{${turned}\\}`).correct).toBe(true);
          expect(gradeMath(`(${numbers.join(", ")})`, `(${turned.join(", ")})`).correct).toBe(false);
        },
      ),
      SETTINGS,
    );
  });

  it("never throws, is reflexive, and symmetric", () => {
    const piece = fc.oneof(
      fc.constantFrom(
        ..."\\frac \\sqrt { } ( ) [ ] \\{ \\} ^ _ + - * / ! , . : ; = < \\le > % $ ° \\pi \\pm \\cup x y A B 0 1 12 .5 1e9 1,000 \\text{ cm m kg or and \\sin \\log | \\infty ½ ² \\begin{pmatrix} \\end{pmatrix} & \\\\ \\left \\right million".split(
          " ",
        ),
        " ",
      ),
      fc.string({ unit: "grapheme", maxLength: 3 }),
    );
    const answer = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(answer, answer, (given, truth) => {
        expect(gradeMath(given, given).correct).toBe(true);
        const [one, other] = [gradeMath(given, truth).correct, gradeMath(truth, given).correct];
        expect([given, truth, one]).toEqual([given, truth, other]);
      }),
      { numRuns: 2500, seed: 3 },
    );
  });

  it("gives a reason with every verdict", () => {
    const silent = PAIRS.filter(([given, truth]) => gradeMath(given, truth).reason.trim() === "");
    expect(silent).toEqual([]);
  });
});
