import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { openRows } from "../../src/data/rows.js";
import { writeQuestions } from "../../src/data/writeQuestions.js";
import type { Question } from "../../src/records.js";
import { temporaryFolder } from "../support/fakeModel.js";

let dir: string;
beforeAll(async () => {
  dir = await temporaryFolder();
});

const question = (id: string, more: Partial<Question> = {}): Question => ({
  id,
  text: `<image>what is ${id}?`,
  images: [{ kind: "bytes", bytes: Uint8Array.of(0, 255, 128) }],
  gold: "π",
  rewrites: ["<image>say it", '<image>tell it\n"now"'],
  category: "count",
  ...more,
});

describe("writeQuestions", () => {
  it("writes a JSON line for each question, images as base64", async () => {
    const path = join(dir, "some.jsonl");
    await writeQuestions(path, [
      question("a", { forbiddenTransforms: ["rotate_90cw"] }),
      question("b", { images: [] }),
    ]);
    const lines = (await readFile(path, "utf8")).split("\n");
    expect(lines.map((line) => (line === "" ? line : JSON.parse(line)))).toEqual([
      {
        idx: "a",
        problem: "<image>what is a?",
        answer: "π",
        images: ["AP+A"],
        new_questions: ["<image>say it", '<image>tell it\n"now"'],
        category: "count",
        forbidden_transforms: ["rotate_90cw"],
      },
      expect.objectContaining({ idx: "b", images: [], forbidden_transforms: [] }),
      "",
    ]);
  });

  it.each([".jsonl", ".parquet"])("puts the bytes of image files into %s", async (ending) => {
    const [image, path] = [join(dir, "image.bin"), join(dir, `from-file${ending}`)];
    await writeFile(image, Uint8Array.of(7, 8, 9));
    await writeQuestions(path, [question("a", { images: [{ kind: "path", path: image }] })]);
    const { images } = (await (await openRows(path)).read(0)) as { images: readonly unknown[] };
    const [first] = images;
    const bytes =
      typeof first === "string" ? Buffer.from(first, "base64") : (first as { bytes: Uint8Array }).bytes;
    expect([...bytes]).toEqual([7, 8, 9]);
  });

  it.each([1, 2, 5])(
    "cuts Parquet into groups of %i rows, which changes nothing else",
    async (rowsPerGroup) => {
      const path = join(dir, `groups-${rowsPerGroup}.parquet`);
      await writeQuestions(
        path,
        ["a", "b", "c"].map((id) => question(id)),
        { rowsPerGroup },
      );
      const file = await openRows(path);
      expect(file.count).toBe(3);
      for (const [row, id] of ["a", "b", "c"].entries()) {
        expect(await file.read(row)).toMatchObject({ idx: Buffer.from(id).toString(), answer: "π" });
      }
    },
  );

  it("writes an empty file of no questions, which is no data", async () => {
    const path = join(dir, "none.jsonl");
    await writeQuestions(path, []);
    expect(await readFile(path, "utf8")).toBe("");
    await expect(openRows(path)).rejects.toThrow("it is empty");
  });

  it.each(["data.csv", "data", "data.json", "data.JSONL"])(
    "refuses the ending of %s, and writes nothing",
    async (name) => {
      const path = join(dir, name);
      await expect(writeQuestions(path, [question("a")])).rejects.toThrow(
        "unsupported ending: write .parquet or .jsonl",
      );
      await expect(readFile(path)).rejects.toThrow("ENOENT");
    },
  );

  it("says which image file is missing", async () => {
    const images = [{ kind: "path", path: join(dir, "no.png") }] as const;
    await expect(writeQuestions(join(dir, "x.jsonl"), [question("a", { images })])).rejects.toThrow("no.png");
  });
});
