import { describe, expect, it } from "vitest";
import {
  choicePrompt,
  interleavedPrompt,
  optionsOf,
  questionPrompt,
} from "../../../benchmarks/prompts/choice.js";
import type { BenchmarkRow, MessageItem } from "../../../benchmarks/records.js";

const IMAGES = [1, 2, 3].map((at) => ({ kind: "path", path: `${at}.png` }) as const);

function rowOf(cells: Readonly<Record<string, string>>, images = 1): BenchmarkRow {
  return { index: "7", cells, images: IMAGES.slice(0, images) };
}

/** Images by file name, texts as they are. */
const shown = (items: readonly MessageItem[]): string[] =>
  items.map((item) =>
    item.kind === "text" ? item.text : `[${item.image.kind === "path" ? item.image.path : ""}]`,
  );

describe("optionsOf(…)", () => {
  it("reads single capital letters in alphabet order; gaps are allowed", () => {
    const row = rowOf({ D: "4", A: "1", C: "3", a: "no", AB: "no", question: "q" });
    expect(optionsOf(row)).toEqual([
      ["A", "1"],
      ["C", "3"],
      ["D", "4"],
    ]);
  });
});

describe("choicePrompt(…)", () => {
  it("says hint, question, options and the request, which ends in a space and a line break", () => {
    const row = rowOf({ hint: "h", question: "q", A: "x", B: "y" });
    expect(shown(choicePrompt(row, "generic"))).toEqual([
      "[1.png]",
      "Hint: h\nQuestion: q\nOptions:\nA. x\nB. y\nPlease select the correct answer from the options above. \n",
    ]);
  });

  it("has no trailing white space in the Qwen form", () => {
    const row = rowOf({ question: "q", A: "x", B: "y" }, 2);
    expect(shown(choicePrompt(row, "qwen"))).toEqual([
      "[1.png]",
      "[2.png]",
      "Question: q\nOptions:\nA. x\nB. y\nPlease select the correct answer from the options above.",
    ]);
  });

  it("asks in Chinese in the Qwen form when the words hold a Chinese character, and only then", () => {
    const row = rowOf({ question: "图里是什么?", A: "x", B: "y" });
    expect(shown(choicePrompt(row, "qwen"))[1]).toBe(
      "Question: 图里是什么?\nOptions:\nA. x\nB. y\n请直接回答选项字母。",
    );
    expect(shown(choicePrompt(row, "generic"))[1]).toMatch(/options above\. \n$/);
  });

  it("is the question alone without options", () => {
    expect(shown(choicePrompt(rowOf({ question: "q" }), "generic"))).toEqual(["[1.png]", "Question: q\n"]);
  });

  it("cannot ask a row without a question", () => {
    expect(() => choicePrompt(rowOf({ A: "x" }), "generic")).toThrow("index 7: missing question");
  });
});

describe("interleavedPrompt(…)", () => {
  it("puts images where their marks stand, one mentioned twice twice, one not mentioned nowhere", () => {
    const row = rowOf({ question: "<image 2> and <image 1>, again <image 2>", A: "x" }, 3);
    expect(shown(interleavedPrompt(row, "generic"))).toEqual([
      "Question: ",
      "[2.png]",
      " and ",
      "[1.png]",
      ", again ",
      "[2.png]",
      "\nOptions:\nA. x\nPlease select the correct answer from the options above. \n",
    ]);
  });

  it("counts marks inside options and keeps empty pieces", () => {
    const row = rowOf({ question: "which?", A: "<image 1>", B: "<image 2><image 3>" }, 3);
    expect(shown(interleavedPrompt(row, "generic"))).toEqual([
      "Question: which?\nOptions:\nA. ",
      "[1.png]",
      "\nB. ",
      "[2.png]",
      "",
      "[3.png]",
      "\nPlease select the correct answer from the options above. \n",
    ]);
  });

  it("puts images first where no mark stands", () => {
    expect(shown(interleavedPrompt(rowOf({ question: "q" }, 2), "generic"))).toEqual([
      "[1.png]",
      "[2.png]",
      "Question: q\n",
    ]);
  });

  it("keeps marks as words in the Qwen form, images first, right-stripped", () => {
    const row = rowOf({ question: "see <image 1>", A: "x" }, 2);
    expect(shown(interleavedPrompt(row, "qwen"))).toEqual([
      "[1.png]",
      "[2.png]",
      "Question: see <image 1>\nOptions:\nA. x\nPlease select the correct answer from the options above.",
    ]);
  });

  it.each(["<image 10>", "<image x>", "<image 3>", "<image 0>", "<image "])("refuses the mark %s", (mark) => {
    const row = rowOf({ question: `see ${mark}` }, 2);
    expect(() => interleavedPrompt(row, "generic")).toThrow("expected <image 1> to <image 2>");
  });
});

describe("questionPrompt(…)", () => {
  it("asks the bare question, or another column's", () => {
    const row = rowOf({ question: "q \n", query_cot: "think. q" });
    expect(shown(questionPrompt(row, "generic"))).toEqual(["[1.png]", "q \n"]);
    expect(shown(questionPrompt(row, "generic", "query_cot"))).toEqual(["[1.png]", "think. q"]);
  });

  it("asks for few words in the Qwen form, and always the question column", () => {
    const row = rowOf({ question: "q", query_cot: "think. q" });
    expect(shown(questionPrompt(row, "qwen", "query_cot"))[1]).toBe(
      "q\nPlease try to answer the question with short words or phrases if possible.",
    );
  });
});
