import { describe, expect, it } from "vitest";
import { RULE_SETS, type RuleSet, type ScoreMode } from "../../../benchmarks/records.js";
import { lettered, readChoice } from "../../../benchmarks/scoring/choices.js";
import { postProcess, readFreeForm } from "../../../benchmarks/scoring/reading.js";

const ANIMALS = lettered(["dog", "cat", "goat", "hare"]);

function read(response: string, rules: RuleSet, mode: ScoreMode = "compatible", choices = ANIMALS) {
  return readChoice(response, choices, { rules, mode })?.text;
}

/** The answers by the three rule sets. */
function readAll(response: string, mode: ScoreMode = "compatible", choices = ANIMALS) {
  return RULE_SETS.map((rules) => read(response, rules, mode, choices));
}

describe("readChoice, compatible", () => {
  it.each([
    ["B", ["B", "B", "B"]],
    ["(B)", ["B", "B", "B"]],
    ["**B**.", ["B", "B", "B"]],
    ["\\boxed{B}", ["B", "B", "B"]],
    ["\\boxed{\\text{B}}", ["B", "B", "B"]],
    ["B: the cat", ["B", "B", "B"]],
    // Two letters: only the text can decide, here none.
    ["B or C", [undefined, undefined, undefined]],
    // Lower-case letters do not count.
    ["b", [undefined, undefined, undefined]],
    // Five words after the letter: refused from 2025-08; three words: not.
    ["B is what I would say", ["B", undefined, undefined]],
    ["B I would say", ["B", "B", "B"]],
    ["Z", ["Z", "Z", "Z"]],
    ["Cannot determine the answer here", ["Z", "Z", "Z"]],
    ["Sorry, I can't help with images of people yet.", ["Z", "Z", "Z"]],
    // Quotes, dollars and slashes are part of the word.
    ['"B"', [undefined, undefined, undefined]],
    ["B/C", [undefined, undefined, undefined]],
    // Only the newest rules look for "answer is".
    ["Correct answer is **c, as everyone who looked can see", [undefined, undefined, "C"]],
    ["the answer is about 5", [undefined, undefined, "A"]],
    ["the answer is dog", ["A", "A", "D"]],
    ["the answer is close to 3", [undefined, undefined, "C"]],
    ["", [undefined, undefined, undefined]],
  ])("reads %j as %j by the three rule sets", (response, expected) => {
    expect(readAll(response)).toEqual(expected);
  });

  it("reads an option's text where it is the only one, in short responses from 2025-08 on", () => {
    expect(readAll("a CAT")).toEqual(["B", "B", "B"]);
    expect(readAll("cat and dog")).toEqual([undefined, undefined, undefined]);
    // Option texts have 3 + 3 + 4 + 4 = 14 characters: up to 28 are compared.
    expect(readAll("It looks like a cat to me. x")).toEqual(["B", "B", "B"]);
    expect(readAll("It looks like a cat to me.  x")).toEqual(["B", undefined, undefined]);
  });

  it("looks at what white space in Python separates", () => {
    expect(readAll("say\u00a0B")).toEqual(["B", "B", "B"]);
    expect(readAll("say\ufeffB")).toEqual([undefined, undefined, undefined]);
  });

  it("finds nothing by letter in the words of a failed request", () => {
    expect(readAll("Failed to obtain answer via API. B")).toEqual([undefined, undefined, undefined]);
  });
});

describe("readChoice, fixed", () => {
  it.each([
    ["$B$", "B"],
    ["<think>C or D?</think> It is B.", "B"],
    ["<think>C or D?</think>\\boxed{B}", "B"],
    ["<think>x</think><answer>B</answer>", "B"],
    ["\\boxed{\\text{(B) cat}}", "B"],
    ["\\boxed{B. cat}", "B"],
    ["\\boxed{cat}", "B"],
    ["A pet is shown. The answer is (b)", "B"],
    ["Option C is wrong. The answer is B", "B"],
    ["the answer is dog", "A"],
    ["the answer is about 5", undefined],
    ["category", undefined],
    ["\\boxed{7}", undefined],
    // An unclosed box is a cut response.
    ["I think D \\boxed{B", undefined],
  ])("reads %j as %s", (response, expected) => {
    expect(read(response, "2026-08", "fixed")).toBe(expected);
  });

  it("takes a value in a box for the only option that equals it", () => {
    const choices = lettered(["3/11", "8/11", "6/11", "3/5"]);
    expect(read("\\boxed{\\frac{8}{11}}", "2026-08", "fixed", choices)).toBe("B");
  });

  it("takes the longer of two options that both stand there", () => {
    const choices = lettered(["cat", "black cat", "dog"]);
    expect(read("a black cat", "2026-08", "fixed", choices)).toBe("B");
  });
});

describe("postProcess", () => {
  it.each([
    ["so \\boxed{ A }.", " A "],
    ["\\boxed{1} then \\boxed{\\frac{1}{2}}", "\\frac{1}{2}"],
    ["no box", "no box"],
    ["no box } cut", "no box "],
    ["\\boxed{}", ""],
    ["\\boxed{12", "12"],
    ["ends \\boxed{", "ends \\boxed{"],
  ])("makes %j %j", (response, expected) => {
    expect(postProcess(response)).toBe(expected);
  });
});

describe("readFreeForm", () => {
  it.each([
    ["<think>\\boxed{1}</think> \\boxed{2}", "2", "boxed answer"],
    ["The answer is **14**.", "14", "answer phrase"],
    ["Answer: $\\frac{1}{2}$", "\\frac{1}{2}", "answer phrase"],
    ["First the answer is 3. No, the answer is 4.5 m. Sure.", "4.5 m", "answer phrase"],
    ["<answer> x + 1 </answer>", "x + 1", "answer tag"],
    ["14", "14", "whole response"],
  ])("reads %j as %j by %s", (response, text, rule) => {
    expect(readFreeForm(response)).toEqual({ text, rule });
  });

  it.each([
    "",
    "<think>only thoughts, and many of them",
    "I counted several things and then lost track of all",
  ])("finds nothing in %j", (response) => {
    expect(readFreeForm(response)).toBeUndefined();
  });
});
