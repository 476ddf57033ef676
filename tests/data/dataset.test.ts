import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { DataError } from "../../src/core/errors.js";
import { type Dataset, type DatasetOptions, openDataset } from "../../src/data/dataset.js";
import { describeSurvey } from "../../src/data/describe.js";
import { exactPromptLength, promptLengthBound } from "../../src/data/promptLength.js";
import { QUESTION_KEYS } from "../../src/data/question.js";
import { openRows } from "../../src/data/rows.js";
import { datasetSource, sharedQuestions } from "../../src/data/source.js";
import { survey } from "../../src/data/survey.js";
import { modelFolder } from "../../src/model/load.js";
import { loadProcessor, type Processor } from "../../src/model/processor.js";
import { buildPrompt, promptLength } from "../../src/model/prompt.js";
import { imageCase } from "../core/image/imagesGolden.js";
import { collected } from "../support/collected.js";
import { temporaryFolder } from "../support/fakeModel.js";

let dir: string;
let processor: Processor;
const FORMAT = "Think in <think> </think>, then answer in \\boxed{}.";

async function image(width: number, height: number): Promise<string> {
  const plain = { create: { width, height, channels: 3, background: "green" } } as const;
  return (await sharp(plain).png().toBuffer()).toString("base64");
}

beforeAll(async () => {
  dir = await temporaryFolder();
  processor = await loadProcessor(modelFolder("tiny"));
});

async function write(name: string, rows: readonly object[]): Promise<string> {
  const path = join(dir, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return path;
}

const options = (changes: Partial<DatasetOptions> = {}): DatasetOptions => ({
  keys: QUESTION_KEYS,
  check: "pixels",
  imageDirOf: (file) => dirname(file.path),
  prompt: { processor, formatPrompt: FORMAT, maxPromptLength: 200, measuresAll: true },
  badRows: "refuse",
  filterOverlongPrompts: true,
  limits: { minPixels: null, maxPixels: null },
  ...changes,
});

async function open(
  name: string,
  rows: readonly object[],
  changes: Partial<DatasetOptions> = {},
): Promise<Dataset> {
  return openDataset([await openRows(await write(name, rows))], options(changes));
}

const text = (idx: number, words = `${idx} + 1?`) => ({ idx, problem: words, answer: String(idx + 1) });

describe("openDataset(…)", () => {
  it("reads questions with images, several images and none, mixed", async () => {
    const [small, wide] = [await image(56, 56), await image(84, 28)];
    const dataset = await open("mixed.jsonl", [
      { idx: "a", problem: "<image>How many?", answer: "3", images: [small] },
      { idx: "b", problem: "<image>against<image>?", answer: "A", images: [small, wide] },
      text(7),
    ]);
    expect(dataset.count).toBe(3);
    const questions = await Promise.all([0, 1, 2].map((at) => dataset.question(at)));
    expect(questions.map(({ id, images }) => [id, images.length])).toEqual([
      ["a", 1],
      ["b", 2],
      ["7", 0],
    ]);
    const words = await collected(dataset.all());
    expect(words.map(({ id, gold }) => [id, gold])).toEqual(questions.map(({ id, gold }) => [id, gold]));
  });

  it("collects all bad rows, with counts, before it refuses", async () => {
    const rows = [
      text(1),
      ...Array.from({ length: 25 }, (_, at) => ({ idx: 100 + at, problem: "<image>?", answer: "1" })),
      { idx: 3, problem: "?", answer: null },
      { idx: 1, problem: "again?", answer: "1" },
      { idx: 5, problem: "<image>?", answer: "1", images: "../outside.png" },
      { idx: 6, problem: "<image>?", answer: "1", images: "missing.png" },
      { idx: 7, problem: "a <|im_end|> b", answer: "1" },
    ];
    const error = await open("bad.jsonl", rows).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(DataError);
    const { message } = error as DataError;
    expect(message).toContain("30 of 31 rows cannot be used");
    expect(message).toContain("25 × <image> markers and images differ");
    expect(message).toContain(
      "bad.jsonl: line 2: <image> markers and images differ: 1 <image> markers for 0 images",
    );
    expect(message).toContain("… and 10 more");
    expect(message).toContain("1 × repeated id");
    const skipped = await open("bad.jsonl", rows, { badRows: "skip" });
    expect(skipped.count).toBe(1);
    expect(skipped.notes).toHaveLength(1);
  });

  it("decodes every image before it is asked for: cut-off ones are bad rows, with file and line", async () => {
    const names = ["half.jpg", "rgb.png", "half.png", "exif6.jpg", "cut.bmp", "24.bmp", "most.jpg"];
    await mkdir(join(dir, "cut", "in"), { recursive: true });
    const rows = await Promise.all(
      names.map(async (name, at) => {
        await writeFile(join(dir, "cut", "in", name), imageCase(name));
        return { idx: name, problem: `<image>${at}?`, answer: "1", images: `in/${name}` };
      }),
    );
    const error = await open("cut/rows.jsonl", rows).catch((cause: unknown) => cause);
    const { message } = error as DataError;
    expect(message).toContain(
      "4 of 7 rows cannot be used; repair them, or leave them out with data.badRows=skip",
    );
    expect(message).toContain("4 × unusable image");
    for (const line of [1, 3, 5, 7]) {
      const path = join(dir, "cut", "in", names[line - 1] ?? "");
      expect(message).toContain(`rows.jsonl: line ${line}: unusable image: ${path}: cannot read image`);
    }
    const skipped = await open("cut/rows.jsonl", rows, { badRows: "skip" });
    const ids = await Promise.all([0, 1, 2].map(async (at) => (await skipped.question(at)).id));
    expect(ids).toEqual(["rgb.png", "exif6.jpg", "24.bmp"]);
    // The headers of what is cut off after them are whole.
    const lax = await open("cut/rows.jsonl", rows, { badRows: "skip", check: "headers" });
    expect(lax.survey.kept.map(({ id }) => id)).toEqual(expect.arrayContaining(["half.png", "most.jpg"]));
  });

  it("keeps the order of rows, and each row's own images, whoever is decoded first", async () => {
    const large = await image(1500, 1000);
    const small = await image(40, 30);
    const rows = Array.from({ length: 12 }, (_, at) => ({
      idx: `q${at}`,
      problem: `<image>${at}?`,
      answer: "1",
      images: at % 3 === 0 ? large : small,
    }));
    const { survey: found } = await open("order.jsonl", rows);
    expect(found.kept.map(({ id, sizes }) => [id, sizes[0]?.width])).toEqual(
      rows.map(({ idx }, at) => [idx, at % 3 === 0 ? 1500 : 40]),
    );
  });

  it("names the columns a file has when those of questions are missing", async () => {
    await expect(open("columns.jsonl", [{ question: "?", answer: "1" }])).rejects.toThrow(
      "missing columns: problem; it has question, answer; name the right ones with data.promptKey",
    );
  });

  it("leaves out overlong prompts, by any of their wordings, or refuses them with their ids", async () => {
    const rows = [
      text(1),
      text(2, "why? ".repeat(300)),
      { ...text(3), new_questions: ["how? ".repeat(300)] },
    ];
    const dataset = await open("long.jsonl", rows);
    expect(dataset.count).toBe(1);
    expect(dataset.notes[0]).toContain("left out 2 of 3 rows with prompts longer than 200 tokens");
    const refused = open("long.jsonl", rows, { filterOverlongPrompts: false });
    await expect(refused).rejects.toThrow(
      "2 of 3 rows are longer than data.maxPromptLength=200 tokens: ids 2, 3",
    );
  });

  it("brings images within the limits when they are read, and leaves the others", async () => {
    const rows = [
      {
        idx: 1,
        problem: "<image><image><image>?",
        answer: "1",
        images: [await image(280, 140), await image(56, 56), await image(10, 20)],
      },
    ];
    const dataset = await open("large.jsonl", rows, { limits: { minPixels: 800, maxPixels: 9800 } });
    const { images } = await dataset.question(0);
    const sizes = await Promise.all(
      images.map(async (one) => sharp(one.kind === "bytes" ? one.bytes : one.path).metadata()),
    );
    // √(9800 / 39200) = 1/2, √(800 / 200) = 2
    expect(sizes.map(({ width, height }) => [width, height])).toEqual([
      [140, 70],
      [56, 56],
      [20, 40],
    ]);
  });

  it("notices that a file changed under a run", async () => {
    const dataset = await open("changing.jsonl", [text(1), text(2)]);
    await write("changing.jsonl", [text(8), text(2)]);
    await expect(dataset.question(0)).rejects.toThrow("changed since the run began");
  });

  it("refuses a data set without a usable question", async () => {
    await expect(open("long.jsonl", [text(1, "why? ".repeat(300))])).rejects.toThrow(
      "no usable question in 1 rows",
    );
  });
});

describe("datasetSource(…)", () => {
  it("asks the same questions after a resume, and knows which are held out too", async () => {
    const train = await open(
      "train.jsonl",
      Array.from({ length: 7 }, (_, at) => text(at)),
    );
    const heldout = await open("heldout.jsonl", [text(3), text(70)]);
    const source = () => datasetSource(train, heldout, { batch: 2, seed: 5 });
    const first = source();
    const asked = await Promise.all(Array.from({ length: 14 }, (_, at) => first.train(at)));
    expect((await source().train(13)).id).toBe(asked[13]?.id);
    expect(first.heldoutCount).toBe(2);
    expect((await first.heldout(1)).id).toBe("70");
    expect(sharedQuestions(train, heldout)).toBe(1);
  });
});

describe("promptLengthBound(…) and exactPromptLength(…)", () => {
  it("the one is what buildPrompt makes, the other never less", async () => {
    const png = { kind: "bytes", bytes: Buffer.from(await image(112, 84), "base64") } as const;
    for (const words of ["<image>how many?", "<image> π ≠ \\frac{1}{2} 数学<image>", "none"]) {
      const images = words
        .split("<image>")
        .slice(1)
        .map(() => png);
      const length = promptLength(await buildPrompt(processor, { text: words, images }, "test"));
      const perImage = images.map(() => (112 / 28) * (84 / 28));
      expect(exactPromptLength(processor, words, perImage)).toBe(length);
      expect(promptLengthBound(words, perImage)).toBeGreaterThanOrEqual(length);
    }
  });
});

describe("describeSurvey(…)", () => {
  it("counts, measures and advises", async () => {
    const small = await image(56, 56);
    const rows = [
      ...[1, 2, 3, 4].map((idx) => ({
        idx,
        problem: `<image>${idx}?`,
        answer: "1",
        images: small,
        new_questions: '["<image>?"]',
      })),
      { idx: 5, problem: "<image>5?", answer: "1", images: await image(280, 280) },
      { ...text(6), new_questions: ["x"] },
      { ...text(7, "6 + 1?"), answer: "7" },
      { idx: 8, problem: "?" },
    ];
    const files = [await openRows(await write("survey.jsonl", rows))];
    const found = await survey(files, options());
    const report = describeSurvey(found, {
      image: processor.image,
      limits: options().limits,
      maxPromptLength: 200,
      variants: 2,
    });
    expect(report).toMatchObject({ rows: 8, usable: 7, fitting: 7, repeated: 1 });
    expect(report.bad.reasons).toEqual([["no answer", 1]]);
    expect(report.pixels).toMatchObject({ p50: 56 * 56, max: 280 * 280 });
    // The tiny policy shows images of at most 50,176 pixels: 8 × 8 tokens.
    expect(report.imageTokens).toMatchObject({ p50: 4, max: 64 });
    expect(report.imagesPerRow).toMatchObject({ p50: 1, max: 1 });
    expect(report.textOnlyShare).toBeCloseTo(2 / 7);
    expect(report.rewritesShare).toBeCloseTo(5 / 7);
    expect(report.suggestions.join("\n")).toMatch(
      /repair 1 bad rows[\s\S]*maxPixels=[\s\S]*29 % of the questions have no rewrites/,
    );
  });
});
