import { copyFile, mkdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { CheckpointError } from "../../src/core/errors.js";
import { type Dataset, openDataset } from "../../src/data/dataset.js";
import {
  changesSince,
  isUntouched,
  type KeptQuestions,
  type KeptSet,
  readKept,
  writeKept,
} from "../../src/data/keptQuestions.js";
import { QUESTION_KEYS } from "../../src/data/question.js";
import { openRows } from "../../src/data/rows.js";
import { imageCase } from "../core/image/imagesGolden.js";
import { temporaryFolder } from "../support/fakeModel.js";

let dir: string;
let path: string;
const EQUAL_LENGTH = ["32-alpha4.bmp", "32-swapped.bmp"] as const;
const [first, second] = EQUAL_LENGTH.map(imageCase) as [Uint8Array, Uint8Array];
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

type Cells = Record<string, unknown>;
const ROWS: readonly Cells[] = [
  { idx: "a", problem: "<image>How many?", answer: "1", images: "in/one.bmp", new_questions: ["<image>?"] },
  { idx: "b", problem: "<image>Which?", answer: "B", images: "in/two.bmp" },
  { idx: "c", problem: "<image>Why?", answer: "3", images: base64(first) },
  { idx: "d", problem: "1 + 1?", answer: "2", category: "sums" },
];

const writeRows = (rows: readonly Cells[]) =>
  writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));

beforeEach(async () => {
  dir = await temporaryFolder();
  path = join(dir, "rows.jsonl");
  await mkdir(join(dir, "in"));
  await writeFile(join(dir, "in", "one.bmp"), first);
  await writeFile(join(dir, "in", "two.bmp"), second);
  await writeRows(ROWS);
});

interface Opened {
  readonly dataset: Dataset;
  /** Whether rows were looked at. */
  readonly isSurveyed: boolean;
}

async function opened(known?: KeptSet): Promise<Opened> {
  let looks = 0;
  const dataset = await openDataset([await openRows(path)], {
    keys: QUESTION_KEYS,
    check: "pixels",
    imageDirOf: (file) => dirname(file.path),
    badRows: "skip",
    filterOverlongPrompts: true,
    limits: { minPixels: null, maxPixels: null },
    onProgress: () => looks++,
    ...(known ? { known } : {}),
  });
  return { dataset, isSurveyed: looks > 0 };
}
const keptNow = async (): Promise<KeptQuestions> => ({ train: (await opened()).dataset.kept });

/** Writes the rows with some cells of one row replaced. */
const changeRow = (idx: string, cells: Cells) =>
  writeRows(ROWS.map((row) => (row["idx"] === idx ? { ...row, ...cells } : row)));

describe("changesSince(…)", () => {
  it.each([
    [
      "an image in a cell, of equal length",
      () => changeRow("c", { images: base64(second) }),
      "line 3: id c: images",
    ],
    [
      "the file behind a path, of equal length",
      () => writeFile(join(dir, "in", "one.bmp"), second),
      "line 1: id a: images",
    ],
    [
      "rewrites, as many as before",
      () => changeRow("a", { new_questions: ["<image>!"] }),
      "line 1: id a: rewrites, category or forbidden transforms",
    ],
    ["the words", () => changeRow("d", { problem: "1 + 2?" }), "line 4: id d: words or answer"],
    ["the answer", () => changeRow("d", { answer: "3" }), "line 4: id d: words or answer"],
  ])("names the row where %s is another", async (_, change, expected) => {
    const before = await keptNow();
    await change();
    expect(changesSince(before, await keptNow())).toEqual([
      "1 of 4 training questions have changed:",
      `  ${path}: ${expected}`,
    ]);
  });

  it("names both rows of exchanged images", async () => {
    const before = await keptNow();
    await writeFile(join(dir, "in", "one.bmp"), second);
    await writeFile(join(dir, "in", "two.bmp"), first);
    expect(changesSince(before, await keptNow())).toEqual([
      "2 of 4 training questions have changed:",
      `  ${path}: line 1: id a: images`,
      `  ${path}: line 2: id b: images`,
    ]);
  });

  it("names rows that are missing and new, and tells another order", async () => {
    const before = await keptNow();
    await writeRows([...ROWS.slice(1), { idx: "e", problem: "?", answer: "1" }]);
    expect(changesSince(before, await keptNow())).toEqual([
      "1 of 4 training questions are missing: ids a",
      "1 training questions are new: ids e",
    ]);
    await writeRows(ROWS.toReversed());
    expect(changesSince(before, await keptNow())).toEqual(["the training questions are in another order"]);
    expect(changesSince({ heldout: before.train as KeptSet }, {})).toEqual([
      "4 of 4 held-out questions are missing: ids a, b, c, d",
    ]);
  });

  it("a row whose image has become unreadable is missing where bad rows are left out", async () => {
    const before = await keptNow();
    await writeFile(join(dir, "in", "two.bmp"), second.subarray(0, second.length - 40));
    expect(changesSince(before, await keptNow())).toEqual(["1 of 4 training questions are missing: ids b"]);
  });

  it("says nothing of files that moved or were written again with the same bytes, nor of other columns", async () => {
    const before = await keptNow();
    await mkdir(join(dir, "elsewhere"));
    await copyFile(join(dir, "in", "one.bmp"), join(dir, "elsewhere", "1.bmp"));
    await writeRows(
      ROWS.map((row) => (row["idx"] === "a" ? { ...row, images: "elsewhere/1.bmp" } : { ...row, note: 1 })),
    );
    expect(changesSince(before, await keptNow())).toEqual([]);
  });

  it("lists the first twenty of many", async () => {
    const many = (answer: string) => Array.from({ length: 30 }, (_, idx) => ({ idx, problem: "?", answer }));
    await writeRows(many("1"));
    const before = await keptNow();
    await writeRows(many("2"));
    const lines = changesSince(before, await keptNow());
    expect(lines).toHaveLength(22);
    expect(lines.at(-1)).toBe("  … and 10 more");
  });
});

describe("openDataset(…) of a known set", () => {
  it("does not read again what no one has written since, and asks the same", async () => {
    const { dataset } = await opened();
    const again = await opened(dataset.kept);
    expect(again.isSurveyed).toBe(false);
    expect(again.dataset.kept).toEqual(dataset.kept);
    for (const at of [0, 1, 2, 3])
      expect(await again.dataset.question(at)).toEqual(await dataset.question(at));
  });

  it("looks again once the data file or an image was written, even with its old date and length", async () => {
    const { dataset } = await opened();
    const image = join(dir, "in", "one.bmp");
    const { atime, mtime } = await stat(image);
    await writeFile(image, second);
    await utimes(image, atime, mtime);
    const again = await opened(dataset.kept);
    expect(again.isSurveyed).toBe(true);
    expect(changesSince({ train: dataset.kept }, { train: again.dataset.kept })).toHaveLength(2);
    await writeRows(ROWS);
    expect((await opened(again.dataset.kept)).isSurveyed).toBe(true);
  });

  it("refuses a row that changes between two questions of a run, by its part", async () => {
    const { dataset } = await opened();
    await writeFile(join(dir, "in", "two.bmp"), first);
    await expect(dataset.question(1)).rejects.toThrow(
      `${path}: line 2: changed since the run began: images: start the run again`,
    );
    await changeRow("a", { new_questions: ["<image>!"] });
    await expect(dataset.question(0)).rejects.toThrow("rewrites, category or forbidden transforms");
  });
});

describe("isUntouched(…)", () => {
  it("is false of other files, of files that were written, and of an image that is gone", async () => {
    const { kept } = (await opened()).dataset;
    expect(await isUntouched(kept, kept.files)).toBe(true);
    expect(await isUntouched(kept, [])).toBe(false);
    expect(await isUntouched(kept, [...kept.files, ...kept.files])).toBe(false);
    expect(
      await isUntouched(kept, [{ path: join(dir, "other.jsonl"), state: kept.files[0]?.state ?? "" }]),
    ).toBe(false);
    expect(await isUntouched(kept, [{ path, state: "1 2 3 4" }])).toBe(false);
    await rm(join(dir, "in", "one.bmp"));
    expect(await isUntouched(kept, kept.files)).toBe(false);
  });
});

describe("readKept(…) and writeKept(…)", () => {
  it("give back what was written, and leave a file alone that says the same", async () => {
    const file = join(dir, "questions.jsonl");
    const set = (await opened()).dataset.kept;
    for (const kept of [{ train: set }, { train: set, heldout: { ...set, rows: set.rows.slice(2) } }, {}]) {
      await writeKept(file, kept);
      expect(await readKept(file)).toEqual(kept);
    }
    await writeKept(file, { train: set });
    const { ino } = await stat(file);
    await writeKept(file, { train: set });
    expect((await stat(file)).ino).toBe(ino);
  });

  it("know no file that is not there, and refuse a damaged one", async () => {
    const file = join(dir, "questions.jsonl");
    expect(await readKept(file)).toBeUndefined();
    await writeKept(file, await keptNow());
    const text = await readFile(file, "utf8");
    for (const damaged of [
      text.replace('"place"', '"plaice"'),
      text.replace('"train"', '"training"'),
      "[1]\n{}\n",
    ]) {
      await writeFile(file, damaged);
      const reading = readKept(file);
      await expect(reading).rejects.toBeInstanceOf(CheckpointError);
      await expect(reading).rejects.toThrow(`${file}: damaged: `);
    }
  });
});
