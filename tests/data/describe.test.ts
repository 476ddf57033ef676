import { describe, expect, it } from "vitest";
import { type DataReport, describeSurvey } from "../../src/data/describe.js";
import type { RowFacts, Survey } from "../../src/data/survey.js";
import { parseImageConfig } from "../../src/model/imageProcessor.js";

const image = parseImageConfig({ min_pixels: 28 * 28, max_pixels: 1e6 }, "test");

const fact = (row: number, changes: Partial<RowFacts> = {}): RowFacts => ({
  file: 0,
  row,
  place: `line ${row + 1}`,
  id: `q${row}`,
  content: { question: `${row}`, images: "", rewrites: "" },
  sizes: [{ width: 56, height: 28 }],
  rewrites: 4,
  unusableRewrites: 0,
  promptTokens: 100,
  isOverlong: false,
  ...changes,
});

function report(rows: readonly RowFacts[], changes: Partial<Survey> = {}, variants = 2): DataReport {
  const found: Survey = {
    paths: ["a.jsonl"],
    rows: rows.length,
    kept: rows,
    bad: [],
    largestReadBytes: 1000,
    ...changes,
  };
  const limits = { minPixels: null, maxPixels: null };
  return describeSurvey(found, { image, limits, maxPromptLength: 128, variants });
}

const ten = Array.from({ length: 10 }, (_, row) => fact(row));

describe("describeSurvey(…)", () => {
  it("has nothing to advise where all is well", () => {
    const { suggestions, ...numbers } = report(ten);
    expect(suggestions).toEqual([]);
    expect(numbers).toMatchObject({
      files: ["a.jsonl"],
      rows: 10,
      usable: 10,
      fitting: 10,
      bad: { count: 0, reasons: [], first: [] },
      pixels: { p50: 56 * 28, max: 56 * 28 },
      // 56 × 28 pixels are 2 × 1 merged patches.
      imageTokens: { p50: 2, max: 2 },
      promptTokens: { p50: 100, p99: 100 },
      imagesPerRow: { max: 1 },
      textOnlyShare: 0,
      rewritesShare: 1,
      rewritesPerRow: { p50: 4 },
      repeated: 0,
    });
  });

  it.each<readonly [string, readonly RowFacts[], Partial<Survey>, RegExp]>([
    [
      "bad rows",
      ten,
      { bad: [{ where: "a.jsonl: line 11", reason: "no answer", detail: "column answer is empty" }] },
      /^repair 1 bad rows, or leave them out with data\.badRows=skip$/,
    ],
    [
      "overlong prompts",
      [...ten, fact(10, { isOverlong: true })],
      {},
      /^1 questions are longer than data\.maxPromptLength=128; they are left out$/,
    ],
    [
      "a limit far above every prompt",
      ten.map((row) => ({ ...row, promptTokens: 60 })),
      {},
      /^no prompt is longer than 60 tokens: data\.maxPromptLength=64 is enough$/,
    ],
    [
      "one image much larger than the others",
      [...ten, fact(10, { sizes: [{ width: 280, height: 280 }] })],
      {},
      /^the largest image takes 100 tokens, the median one 2: data\.maxPixels=1568 would bound memory and time$/,
    ],
    [
      "questions without rewrites",
      [...ten, fact(10, { rewrites: 0 })],
      {},
      /^9 % of the questions have no rewrites: make them with sharegrpo expand/,
    ],
    [
      "repeated questions",
      [...ten, fact(10, { content: { question: "3", images: "", rewrites: "other" } })],
      {},
      /^1 questions are repeated: they count twice in every epoch$/,
    ],
    [
      "a huge row group",
      ten,
      { largestReadBytes: 6e8 },
      /^a row group holds 600 MB and is read whole: write the file again with 100 rows a group$/,
    ],
  ])("advises on %s, and on nothing else", (_, rows, changes, advice) => {
    expect(report(rows, changes).suggestions).toEqual([expect.stringMatching(advice)]);
  });

  it("does not ask for rewrites where there is one variant", () => {
    expect(report([...ten, fact(10, { rewrites: 0 })], {}, 1).suggestions).toEqual([]);
  });

  it("shows the first twenty bad rows and counts all, the most frequent reason first", () => {
    const bad = Array.from({ length: 25 }, (_, at) => ({
      where: `a.jsonl: line ${at}`,
      reason: at < 3 ? "no answer" : "no problem",
      detail: "",
    }));
    const { bad: shown } = report(ten, { bad });
    expect(shown.count).toBe(25);
    expect(shown.first).toEqual(bad.slice(0, 20));
    expect(shown.reasons).toEqual([
      ["no problem", 22],
      ["no answer", 3],
    ]);
  });

  it("measures nothing in a data set without rows, and says so with NaN", () => {
    const empty = report([]);
    expect(empty.pixels.p50).toBeNaN();
    expect(empty.textOnlyShare).toBeNaN();
    expect(empty.suggestions).toEqual([]);
  });
});
