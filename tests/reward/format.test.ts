import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { firstAnswerBlock, hasAnswerFormat, hasBoxedFormat, joinTags } from "../../src/reward/format.js";

const pieces = fc
  .array(
    fc.constantFrom(
      "<think>",
      "</think>",
      "<answer>",
      "</answer>",
      "\\boxed{",
      "}",
      "{",
      "x",
      " ",
      "\n",
      "<",
      "/",
      ">",
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(""));
const SETTINGS = { numRuns: 3000, seed: 17 };

/** The expressions of the released `math.py` and `r1v.py`, which may take time that is not linear. */
const BOXED = /^<think>.*?<\/think>.*\\boxed\{.*?\}.*$/s;
const ANSWERED = /^<think>.*?<\/think>\s*<answer>.*?<\/answer>$/s;
const TAGS = /\s*(<|>|\/)\s*/g;
const BLOCK = /<answer>(.*?)<\/answer>/;

describe("the shape of responses, against the expressions of the reference", () => {
  it("joins tags as the reference does", () => {
    fc.assert(
      fc.property(pieces, (text) => {
        expect(joinTags(text)).toBe(text.replace(TAGS, "$1"));
      }),
      SETTINGS,
    );
  });

  it("tells the boxed format as the reference does", () => {
    fc.assert(
      fc.property(pieces, (rest) => {
        for (const text of [rest, `<think>${rest}`, `<think>${rest}</think>\\boxed{1}`]) {
          expect([text, hasBoxedFormat(text)]).toEqual([text, BOXED.test(text)]);
        }
      }),
      SETTINGS,
    );
  });

  it("tells the answer format as the reference does", () => {
    fc.assert(
      fc.property(pieces, (rest) => {
        for (const text of [rest, `<think>${rest}</answer>`, `<think></think><answer>${rest}</answer>`]) {
          expect([text, hasAnswerFormat(text)]).toEqual([text, ANSWERED.test(text)]);
        }
      }),
      SETTINGS,
    );
  });

  it("finds the first answer on one line as the reference does", () => {
    fc.assert(
      fc.property(pieces, (rest) => {
        const found = BLOCK.exec(rest)?.[1] ?? null;
        expect([rest, firstAnswerBlock(rest)]).toEqual([rest, found]);
      }),
      SETTINGS,
    );
  });
});

describe("by hand", () => {
  it.each([
    ["< think > a < / think >", "<think>a</think>"],
    ["3 / 4", "3/4"],
    ["a  b", "a  b"],
    ["\n<\n", "<"],
    ["", ""],
    ["x <\u00a0y", "x<y"],
  ])("joinTags(%j) is %j", (text, joined) => {
    expect(joinTags(text)).toBe(joined);
  });

  it.each([
    ["<think></think>\\boxed{}", true],
    ["<think>a</think> b \\boxed{1} c", true],
    ["<think>\\boxed{1}</think>", false],
    [" <think></think>\\boxed{1}", false],
    ["<think></think>\\boxed{1", false],
    ["<think></think>}\\boxed{1", false],
    ["<think>\\boxed{1}", false],
    ["<think></think><think></think>\\boxed{{1}", true],
  ])("hasBoxedFormat(%j) is %s", (text, expected) => {
    expect(hasBoxedFormat(text)).toBe(expected);
  });

  it.each([
    ["<think></think><answer></answer>", true],
    ["<think>a</think> \n <answer>b</answer>", true],
    ["<think>a</think>, <answer>b</answer>", false],
    ["<think>a</think><answer>b</answer> ", false],
    ["<think>a</think><answer>", false],
    ["<think>a<answer>b</answer>", false],
    ["<think></think><answer></answer><answer></answer>", true],
    ["<think></think></answer>", false],
  ])("hasAnswerFormat(%j) is %s", (text, expected) => {
    expect(hasAnswerFormat(text)).toBe(expected);
  });

  it.each([
    ["<answer>1</answer>", "1"],
    ["<answer>1\n</answer>", null],
    ["<answer>\n<answer>2</answer>", "2"],
    ["<answer>1</answer><answer>2</answer>", "1"],
    ["<answer><answer>1</answer>", "<answer>1"],
    ["</answer><answer>", null],
    ["", null],
  ])("firstAnswerBlock(%j) is %j", (text, expected) => {
    expect(firstAnswerBlock(text)).toBe(expected);
  });
});
