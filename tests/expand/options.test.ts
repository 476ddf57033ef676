import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { splitOptions } from "../../src/expand/options.js";

interface Case {
  readonly text: string;
  readonly stem: string;
  readonly options: Readonly<Record<string, string>>;
}

const CASES: readonly Case[] = [
  { text: "Which?\nA. 1\nB. 2", stem: "Which?\n", options: { A: "1", B: "2" } },
  { text: "Which?\n(A) 1\n(B) 2\n(C) 3", stem: "Which?\n", options: { A: "1", B: "2", C: "3" } },
  { text: "Which? A) 1 B) 2", stem: "Which? ", options: { A: "1", B: "2" } },
  { text: "Which?\nA：一\nB：二", stem: "Which?\n", options: { A: "一", B: "二" } },
  { text: "A: red B: blue. Which is warm?", stem: ". Which is warm?", options: { A: "red", B: "blue" } },
  {
    text: "Which?\nA. 1 m. or so\nB. 2 m\nGive one.",
    stem: "Which?\n\nGive one.",
    options: { A: "1 m. or so", B: "2 m" },
  },
  { text: "Which?\nA.\nB.", stem: "Which?\n", options: { A: "", B: "" } },
  // Labels of points are no options: there is no B after the A, or none that begins a run.
  { text: "Point A. lies on line B", stem: "Point A. lies on line B", options: {} },
  { text: "Angle (B) and (A) are equal", stem: "Angle (B) and (A) are equal", options: {} },
  { text: "Is it A?", stem: "Is it A?", options: {} },
  // A letter that is skipped ends the options.
  { text: "?\nA. 1\nB. 2\nD. 4", stem: "?\n\nD. 4", options: { A: "1", B: "2" } },
];

describe("splitOptions(…)", () => {
  test.each(CASES)("$text", ({ text, stem, options }) => {
    const split = splitOptions(text);
    expect(Object.fromEntries(split.options)).toEqual(options);
    expect(split.stem).toBe(stem);
  });

  test("finds what was written as options, one a line or all in one", () => {
    const words = fc.array(fc.stringMatching(/^[a-z0-9]{1,6}( [a-z0-9]{1,6})?$/), {
      minLength: 2,
      maxLength: 10,
    });
    fc.assert(
      fc.property(
        words,
        fc.constantFrom("\n", " "),
        fc.constantFrom(". ", ") ", ": "),
        (texts, between, sign) => {
          const lines = texts.map((text, at) => `${String.fromCharCode(65 + at)}${sign}${text}`);
          const { stem, options } = splitOptions(`which one?${between}${lines.join(between)}`);
          expect([...options.values()]).toEqual(texts);
          expect(stem).toBe(`which one?${between}`);
        },
      ),
    );
  });
});
