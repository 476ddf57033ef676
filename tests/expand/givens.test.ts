import { describe, expect, test } from "vitest";
import {
  hasSymbol,
  numbersOf,
  numberWordsOf,
  plain,
  splitLeadingMarkers,
  symbolsOf,
} from "../../src/expand/givens.js";

describe("numbersOf(…)", () => {
  test.each<readonly [string, readonly number[]]>([
    ["3 apples and 5 pears, 3 again", [3, 5]],
    ["1,000 = 1000 = 1000.0", [1000]],
    ["1{,}250\\,000 m", [1_250_000]],
    ["2,5 and 12,34", [2, 5, 12, 34]],
    ["0.50 of 7.", [0.5, 7]],
    ["x_1 + 2x^{10}", [1, 2, 10]],
    ["<image>no number", []],
  ])("%s", (text, numbers) => {
    expect([...numbersOf(text)].sort((a, b) => a - b)).toEqual([...numbers].sort((a, b) => a - b));
  });
});

describe("numberWordsOf(…)", () => {
  test("knows zero to twelve as whole words", () => {
    expect([...numberWordsOf("Two of twelve, none, someone, ZERO")].sort((a, b) => a - b)).toEqual([
      0, 2, 12,
    ]);
    expect(numberWordsOf("thirteen tenths").size).toBe(0);
  });
});

describe("symbolsOf(…)", () => {
  test.each<readonly [string, readonly string[]]>([
    ["Triangle ABC with angle B", ["ABC", "B"]],
    ["Solve $x + y = 2$ for x", ["x", "y"]],
    ["\\(\\alpha\\) and β in \\[ \\sin\\theta \\]", ["alpha", "beta", "theta"]],
    ["5 m of I and a house", []],
    ["$5\\text{ cm}$ and $3\\,\\mathrm{kg}$", []],
    ["NOT all AND only THE rest", []],
    ["It's John's", []],
    ["\\Delta ABC ~ △DEF", ["ABC", "DEF"]],
  ])("%s", (text, symbols) => {
    expect([...symbolsOf(text)].sort()).toEqual([...symbols].sort());
  });
});

describe("hasSymbol(…)", () => {
  test.each([
    ["the angle π/3", "pi", true],
    ["the angle \\pi", "pi", true],
    ["a pie", "pi", false],
    ["points A and B", "B", true],
    ["Both", "B", false],
    ["segment AB", "A", false],
    ["x_1", "x", true],
  ])("%s holds %s: %s", (text, symbol, holds) => {
    expect(hasSymbol(text, symbol)).toBe(holds);
  });
});

describe("plain(…)", () => {
  test("leaves letters and digits: layout, quotes, markers and width do not count", () => {
    expect(plain("<image> “How\tmany?”\n(３)")).toBe("how many 3");
    expect(plain("<image>?!")).toBe("");
  });
});

describe("splitLeadingMarkers(…)", () => {
  test.each([
    ["<image>\n<image> Which <image>?", "<image>\n<image> ", "Which <image>?"],
    ["Which?", "", "Which?"],
    ["  <image>", "  <image>", ""],
  ])("%j", (text, markers, words) => {
    expect(splitLeadingMarkers(text)).toEqual({ markers, words });
  });
});
