import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { resolveConfig } from "../../../src/config/load.js";
import { DataError } from "../../../src/core/errors.js";
import { openRows } from "../../../src/data/rows.js";
import type { QuestionSource } from "../../../src/data/source.js";
import { writeQuestions } from "../../../src/data/writeQuestions.js";
import { variantRows, writeHeldout, writeVariants } from "../../../src/engine/ray/variantFile.js";
import type { ImageSource, Question } from "../../../src/records.js";
import { collected } from "../../support/collected.js";
import { temporaryFolder } from "../../support/fakeModel.js";

let dir: string;
let png: Uint8Array;
beforeAll(async () => {
  dir = await temporaryFolder();
  const red = { create: { width: 28, height: 28, channels: 3, background: "red" } } as const;
  png = new Uint8Array(await sharp(red).png().toBuffer());
  await writeFile(join(dir, "red.png"), png);
});

const question = (index: number, image: ImageSource): Question => ({
  id: `q${index}`,
  text: "<image>How many?",
  images: [image],
  gold: String(index),
  rewrites: ["<image>What is the number?"],
  category: "count",
});

function source(image: () => ImageSource, heldoutCount?: number): QuestionSource {
  return {
    train: async (index) => question(index, image()),
    heldout: async (index) => question(1000 + index, image()),
    async *all() {},
    ...(heldoutCount === undefined ? {} : { heldoutCount }),
  };
}

const config = (changes: object = {}) =>
  resolveConfig(
    {
      expand: { variants: 2, transformProbability: 0 },
      train: { steps: 2, questionsPerStep: 2, evaluateQuestions: 2 },
      update: { optimizerStepsPerRollout: 2 },
      ...changes,
    },
    "test",
  );

const stored = (): ImageSource => ({ kind: "path", path: join(dir, "red.png") });
const held = (): ImageSource => ({ kind: "bytes", bytes: png });

describe("variantRows", () => {
  it("hold an image's own bytes, whether it lies in a file or in memory", async () => {
    const [fromFile, fromMemory] = [
      await collected(variantRows(config(), source(stored), 1)),
      await collected(variantRows(config(), source(held), 1)),
    ];
    expect(fromFile).toEqual(fromMemory);
    expect(fromFile.map(({ images }) => images.length)).toEqual([1, 1, 1, 1]);
    expect(fromFile[0]?.images[0]).toEqual({ bytes: png, path: null });
  });

  it("are those of their step alone, and the same each time", async () => {
    const [one, again, two] = await Promise.all(
      [1, 1, 2].map((step) => collected(variantRows(config(), source(held), step))),
    );
    expect(one).toEqual(again);
    expect(one?.map(({ question_id }) => question_id)).toEqual(["1/q0", "1/q0", "1/q1", "1/q1"]);
    expect(two?.map(({ question_id }) => question_id)).toEqual(["2/q2", "2/q2", "2/q3", "2/q3"]);
  });
});

describe("writeVariants and writeHeldout", () => {
  it("write rows that are read back, and tell of every step", async () => {
    const path = join(dir, "train.parquet");
    const events: unknown[] = [];
    await writeVariants(path, config(), source(stored), (event) => events.push(event));
    expect(events).toEqual([1, 2].map((done) => ({ phase: "variants", done, total: 2 })));
    const file = await openRows(path);
    expect(file.count).toBe(8);
    expect(await file.read(0)).toMatchObject({ answer: "0", question_id: "1/q0", variant: 0 });
    expect(await file.read(7)).toMatchObject({ answer: "3", question_id: "2/q3", variant: 1 });
  });

  it("hold back as many as are asked for and there are, and write nothing where that is none", async () => {
    const path = join(dir, "validation.parquet");
    expect(await writeHeldout(path, config(), source(held, 0))).toBe(0);
    await expect(readFile(path)).rejects.toThrow("ENOENT");
    expect(await writeHeldout(path, config(), source(held, 1))).toBe(1);
    const file = await openRows(path);
    const { expand } = config();
    expect(await file.read(0)).toMatchObject({
      problem: `<image>How many? ${expand.formatPrompt}`,
      answer: "1000",
      question_id: "q1000",
    });
    expect(await writeHeldout(path, config(), source(held))).toBe(2);
  });

  it("of no rows are a file of none", async () => {
    const path = join(dir, "none.parquet");
    await writeVariants(path, { ...config(), train: { ...config().train, steps: 0 } }, source(stored));
    expect((await openRows(path)).count).toBe(0);
  });
});

describe("an image that is gone", () => {
  const gone = (): ImageSource => ({ kind: "path", path: join(dir, "gone.png") });
  it.each<[string, () => Promise<unknown>]>([
    ["training rows", () => collected(variantRows(config(), source(gone), 1))],
    ["held-out rows", () => writeHeldout(join(dir, "x.parquet"), config(), source(gone))],
    ["written questions", () => writeQuestions(join(dir, "q.parquet"), [question(0, gone())])],
  ])("is named by %s", async (_, write) => {
    await expect(write()).rejects.toThrow(DataError);
    await expect(write()).rejects.toThrow(`${join(dir, "gone.png")}: cannot read the image: ENOENT`);
  });
});
