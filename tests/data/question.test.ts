import { describe, expect, it } from "vitest";
import { QUESTION_KEYS, readQuestion } from "../../src/data/question.js";

const place = { keys: QUESTION_KEYS, imageDir: "/data", fallbackId: "row-7" };
const bytes = new Uint8Array([1, 2, 3]);
const row = {
  idx: 12n,
  problem: "<image>How many?",
  answer: 4,
  images: [{ bytes, path: null }],
  new_questions: "['<image>Count them.', 'no marker', '<image> ']",
};

describe("readQuestion(…)", () => {
  it("reads R1-ShareVL-52K's columns, and leaves out rewrites that do not fit the images", () => {
    expect(readQuestion(row, place)).toEqual({
      question: {
        id: "12",
        text: "<image>How many?",
        images: [{ kind: "bytes", bytes }],
        gold: "4",
        rewrites: ["<image>Count them.", "<image> "],
        category: "all",
        columns: { idx: 12n, problem: "<image>How many?", answer: 4, new_questions: row.new_questions },
      },
      unusableRewrites: 1,
    });
  });

  it("reads text-only rows, and columns of other names", () => {
    const keys = { ...QUESTION_KEYS, promptKey: "prompt", answerKey: "label", idKey: "" };
    expect(readQuestion({ idx: 3, prompt: "1 + 1?", label: "2" }, { ...place, keys })).toMatchObject({
      question: { id: "row-7", text: "1 + 1?", images: [], gold: "2", rewrites: [], category: "all" },
      unusableRewrites: 0,
    });
  });

  it("keeps the transforms that a question forbids, and refuses unknown ones", () => {
    const forbidden = { ...row, forbidden_transforms: ["rotate_90cw"] };
    expect(readQuestion(forbidden, place)).toHaveProperty("question.forbiddenTransforms", ["rotate_90cw"]);
    expect(readQuestion({ ...row, forbidden_transforms: ["cropped"] }, place)).toHaveProperty(
      "problems.length",
      1,
    );
  });

  it("collects everything that is wrong with a row", () => {
    const read = readQuestion({ problem: "", answer: [1], images: 5, new_questions: "f()" }, place);
    const reasons = "problems" in read ? read.problems.map(({ reason }) => reason) : [];
    expect(reasons).toEqual([
      "no problem",
      "answer is not text",
      "unusable image",
      "unreadable new_questions",
    ]);
  });

  it("counts markers against images", () => {
    const read = readQuestion({ ...row, problem: "<image><image>Compare." }, place);
    expect(read).toEqual({
      problems: [{ reason: "<image> markers and images differ", detail: "2 <image> markers for 1 images" }],
    });
  });
});
