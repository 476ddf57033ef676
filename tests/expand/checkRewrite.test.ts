import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sceneStream } from "../../src/data/scenes/sets.js";
import { checkRewrite, type RejectionKind } from "../../src/expand/checkRewrite.js";
import { numbersOf, symbolsOf } from "../../src/expand/givens.js";
import { splitOptions } from "../../src/expand/options.js";

const LADDER = "<image>A ladder of 13 m stands 5 m from the wall. How high does it reach?";
const CHOICE = "<image>What is the value of x?\nA. 30°\nB. 40°\nC. 50°";
const TRIANGLE = "<image>In triangle ABC, $\\angle B = 30^\\circ$ and $AB = 2\\sqrt{3}$. Find $x + y$.";

interface Case {
  readonly text: string;
  readonly gold: string;
  readonly rewrite: string;
  /** Undefined: accepted. */
  readonly kind?: RejectionKind;
}

const CASES: readonly Case[] = [
  {
    text: LADDER,
    gold: "12",
    rewrite: "<image>A wall is 5 m from the foot of a 13 m ladder. Which height does it reach?",
  },
  {
    text: LADDER,
    gold: "12",
    rewrite: "<image>How high does a ladder of 13.0 m reach, 5 m away from a wall?",
  },
  {
    text: LADDER,
    gold: "12",
    rewrite: "<image>How high reaches a ladder of 13 m whose foot is five m off the wall?",
  },
  {
    text: LADDER,
    gold: "12",
    rewrite: "A wall is 5 m from the foot of a 13 m ladder. How high?",
    kind: "image markers",
  },
  {
    text: LADDER,
    gold: "12",
    rewrite: "<image><image>Ladder 13 m, wall 5 m: how high?",
    kind: "image markers",
  },
  {
    text: LADDER,
    gold: "12",
    rewrite: "<image>a ladder of 13 m stands 5 m from the wall: how high does it reach",
    kind: "identical",
  },
  {
    text: LADDER,
    gold: "12",
    rewrite: "<image>How high does a ladder of 13 m reach?",
    kind: "number missing",
  },
  {
    text: LADDER,
    gold: "12",
    rewrite: "<image>A 13 m ladder is 5 m off a 20 m wall. How high does it reach?",
    kind: "number added",
  },
  {
    text: LADDER,
    gold: "12",
    rewrite: "<image>Does a 13 m ladder, 5 m from the wall, reach 12 m?",
    kind: "answer leaked",
  },
  {
    text: LADDER,
    gold: "12",
    rewrite: "<image>Ladder 13 m, wall 5 m, the answer is twelve. Why?",
    kind: "answer leaked",
  },
  { text: LADDER, gold: "12", rewrite: "<image> ?! ", kind: "empty" },
  { text: LADDER, gold: "12", rewrite: `<image>${"Ladder 13 m, wall 5 m. ".repeat(40)}`, kind: "too long" },
  { text: CHOICE, gold: "B", rewrite: "<image>Determine x.\nA. 30°\nB. 40°\nC. 50°" },
  { text: CHOICE, gold: "B", rewrite: "<image>Determine x. (A) 30° (B) 40° (C) 50°" },
  {
    text: CHOICE,
    gold: "B",
    rewrite: "<image>Determine x.\nA. 40°\nB. 30°\nC. 50°",
    kind: "options changed",
  },
  { text: CHOICE, gold: "B", rewrite: "<image>Determine x.\nA. 30°\nB. 40°", kind: "options changed" },
  { text: CHOICE, gold: "B", rewrite: "<image>Determine x.", kind: "options changed" },
  {
    text: CHOICE,
    gold: "B",
    rewrite: "<image>Determine x.\nA. 30°\nB. 40°\nC. 50°\nD. 60°",
    kind: "options changed",
  },
  {
    text: CHOICE,
    gold: "B",
    rewrite: "<image>Determine the angle.\nA. 30°\nB. 40°\nC. 50°",
    kind: "symbol missing",
  },
  {
    text: TRIANGLE,
    gold: "7",
    rewrite: "<image>What is $x + y$ in a triangle ABC with $AB = 2\\sqrt{3}$ and $\\angle B = 30^\\circ$?",
  },
  {
    text: TRIANGLE,
    gold: "7",
    rewrite: "<image>What is $x + y$ in triangle ABC with AB = 2√3 and ∠B = 30°?",
  },
  {
    text: TRIANGLE,
    gold: "7",
    rewrite: "<image>What is $x$ in triangle ABC with $AB = 2\\sqrt{3}$, $\\angle B = 30$?",
    kind: "symbol missing",
  },
  {
    text: TRIANGLE,
    gold: "7",
    rewrite: "<image>Find $x + y$ in triangle ABD with $AB = 2\\sqrt{3}$, $\\angle B = 30$.",
    kind: "symbol missing",
  },
  { text: "Is 7 a prime number? Yes or no.", gold: "yes", rewrite: "Yes or no: is the number 7 prime?" },
  { text: "The sum of $\\alpha$ and 5?", gold: "9", rewrite: "What is 5 plus α?" },
];

describe("checkRewrite", () => {
  test.each(CASES)("$rewrite → $kind", ({ rewrite, kind, ...task }) => {
    expect(checkRewrite(rewrite, task)?.kind).toBe(kind);
  });

  test("a rewrite that another one repeats is refused", () => {
    const rewrite = "<image>A wall is 5 m from the foot of a 13 m ladder. Which height does it reach?";
    const task = { text: LADDER, gold: "12" };
    expect(checkRewrite(rewrite.replaceAll(".", "!"), task, [rewrite])?.why).toBe(
      "it is the same as another version",
    );
  });

  test("no text is accepted as its own rewrite, and none makes it throw", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (text, gold) => {
        expect(checkRewrite(text, { text, gold })).toBeDefined();
      }),
    );
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (rewrite, text, gold) => {
        checkRewrite(rewrite, { text, gold });
      }),
    );
  });
});

describe("what a question gives", () => {
  test("numbers are compared by value", () => {
    expect([...numbersOf("1,234 apples, 0.50 pears, \\frac{1}{2} of 12{,}000 and x1, 1,2,3")]).toEqual([
      1234, 0.5, 1, 2, 12000, 3,
    ]);
  });

  test("symbols are points, variables and Greek letters, not words or units", () => {
    expect([...symbolsOf("A car drives 5 km, a cat 3 m. I saw both. Which is NOT true?")]).toEqual([]);
    expect(symbolsOf("In △ABC, D is on BC with $\\theta = 2a$ and π")).toEqual(
      new Set(["a", "ABC", "BC", "D", "pi", "theta"]),
    );
  });

  test("options are found in lines and in one line, with words before and after them", () => {
    const lines = splitOptions("How many?\nChoices:\n(A) one cat\n(B) two, or three\n(C) $4$\nPick one.");
    expect([...lines.options.values()]).toEqual(["one cat", "two, or three", "$4$"]);
    expect(lines.stem).toBe("How many?\nChoices:\n\nPick one.");
    const inline = splitOptions("pick one: A. 1.5 B. 2. which is the side of B. of C?");
    expect([...inline.options]).toEqual([
      ["A", "1.5"],
      ["B", "2"],
    ]);
    expect(inline.stem).toBe("pick one: . which is the side of B. of C?");
    expect([...splitOptions("Which? A: 1 B: 2").options.keys()]).toEqual(["A", "B"]);
    expect(splitOptions("Point A. Where is it?").options.size).toBe(0);
  });

  test("all rewrites of drawn questions pass", () => {
    const scenes = sceneStream({ seed: 5, split: "train" });
    for (let at = 0; at < 100; at++) {
      const { question: text, rewrites, gold } = scenes.at(at);
      for (const [k, rewrite] of rewrites.entries()) {
        expect(checkRewrite(rewrite, { text, gold }, rewrites.slice(0, k)), rewrite).toBeUndefined();
      }
    }
  });
});
