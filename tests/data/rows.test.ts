import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { parquetWriteFile } from "hyparquet-writer";
import { beforeAll, describe, expect, it } from "vitest";
import { DataError } from "../../src/core/errors.js";
import type { Row, RowFile } from "../../src/data/rowFile.js";
import { openRows } from "../../src/data/rows.js";
import { writeQuestions } from "../../src/data/writeQuestions.js";
import type { Question } from "../../src/records.js";
import { temporaryFolder } from "../support/fakeModel.js";

let dir: string;
beforeAll(async () => {
  dir = await temporaryFolder();
});

async function write(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, content);
  return path;
}

async function scanned(file: RowFile): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const row of file.scan()) rows.push("cells" in row ? row.cells : row.problem);
  return rows;
}

const question = (id: string, text: string): Question => ({
  id,
  text: `<image>${text}`,
  images: [{ kind: "bytes", bytes: new TextEncoder().encode(`${id}${text}`) }],
  gold: "1",
  rewrites: [`<image>${text}!`],
  category: "all",
});

describe("openRows(…) of JSONL", () => {
  it("reads each row alone as it reads all in order", async () => {
    const path = await write("plain.jsonl", '\uFEFF{"a":1}\r\n\n  \n{"a":"π\\n"}\n{"b":[1]}');
    const file = await openRows(path);
    const rows = [{ a: 1 }, { a: "π\n" }, { b: [1] }];
    expect(file.columns).toEqual(["a", "b"]);
    expect(await scanned(file)).toEqual(rows);
    expect(await Promise.all([2, 0, 1].map((row) => file.read(row)))).toEqual([rows[2], rows[0], rows[1]]);
    expect([0, 1, 2].map(file.placeOf)).toEqual(["line 1", "line 4", "line 5"]);
  });

  it("gives back what was written, whatever the words", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.dictionary(fc.string({ minLength: 1 }), fc.string({ unit: "binary" })), { minLength: 1 }),
        async (rows) => {
          const path = await write("any.jsonl", rows.map((row) => JSON.stringify(row)).join("\n"));
          expect(await scanned(await openRows(path))).toEqual(rows.map((row) => ({ ...row })));
        },
      ),
      { numRuns: 30 },
    );
  });

  it("reports bad lines and goes on after them", async () => {
    const path = await write("bad.jsonl", '{"a":1}\n[1]\n{"a":\n{"a":2}\n{"a":');
    const file = await openRows(path);
    const rows = await scanned(file);
    expect(rows[0]).toEqual({ a: 1 });
    expect(rows[1]).toBe("not a JSON object");
    expect(rows[2]).toMatch(/^not JSON: /);
    expect(rows[3]).toEqual({ a: 2 });
    await expect(file.read(4)).rejects.toThrow(`${path}: line 5: not JSON`);
  });

  it("reads a cell of 10 MB, also across the pieces a file comes in", async () => {
    const long = "x".repeat(10_000_000);
    const path = await write("long.jsonl", `${JSON.stringify({ a: long })}\n{"a":"short"}\n`);
    const file = await openRows(path);
    expect(file.count).toBe(2);
    expect((await file.read(0))["a"]).toBe(long);
    expect(await file.read(1)).toEqual({ a: "short" });
  });
});

describe("openRows(…) of Parquet", () => {
  it("gives back written questions, group by group and row by row", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: "grapheme" }), { minLength: 1, maxLength: 9 }),
        fc.integer({ min: 1, max: 4 }),
        async (texts, rowsPerGroup) => {
          const questions = texts.map((text, at) => question(`q${at}`, text));
          const path = join(dir, "any.parquet");
          await writeQuestions(path, questions, { rowsPerGroup });
          const file = await openRows(path);
          const expected = questions.map(({ id, text, images, rewrites }) => ({
            idx: id,
            problem: text,
            answer: "1",
            images: images.map((image) => ({ bytes: image.kind === "bytes" ? image.bytes : "", path: null })),
            new_questions: rewrites,
            category: "all",
            forbidden_transforms: [],
          }));
          const plain = (rows: unknown) => JSON.parse(JSON.stringify(rows)) as unknown;
          expect(plain(await scanned(file))).toEqual(plain(expected));
          const backwards = await Promise.all(questions.map((_, at) => file.read(questions.length - 1 - at)));
          expect(plain(backwards)).toEqual(plain([...expected].reverse()));
        },
      ),
      { numRuns: 15 },
    );
  });

  it("reads each group of a shuffled batch once", async () => {
    const path = join(dir, "groups.parquet");
    await writeQuestions(
      path,
      Array.from({ length: 12 }, (_, at) => question(`q${at}`, "?")),
      { rowsPerGroup: 3 },
    );
    const file = await openRows(path);
    const rows = await Promise.all([7, 0, 11, 6, 1, 8, 2].map((row) => file.read(row)));
    expect(rows.map((row: Row) => row["idx"])).toEqual(["q7", "q0", "q11", "q6", "q1", "q8", "q2"]);
    expect(await file.read(7)).not.toBe(rows[0]);
  });

  it("reads only the columns asked for", async () => {
    const path = join(dir, "columns.parquet");
    await writeQuestions(path, [question("q0", "?")]);
    for await (const row of (await openRows(path)).scan(["answer", "missing"])) {
      expect(row).toEqual({ row: 0, cells: { answer: "1" } });
    }
  });

  it("keeps bytes as bytes, and numbers as they are", async () => {
    const path = join(dir, "mixed.parquet");
    parquetWriteFile({
      filename: path,
      columnData: [
        { name: "idx", data: [1n, 2n], type: "INT64" },
        { name: "image", data: [new Uint8Array([255, 0]), new Uint8Array([1])], type: "BYTE_ARRAY" },
      ],
    });
    const file = await openRows(path);
    expect(file.columns).toEqual(["idx", "image"]);
    expect(await file.read(0)).toEqual({ idx: 1n, image: new Uint8Array([255, 0]) });
  });

  it("refuses a file that is cut off, wherever", async () => {
    const whole = join(dir, "whole.parquet");
    await writeQuestions(whole, [question("q0", "what?")]);
    const bytes = await readFile(whole);
    for (const length of [4, 20, bytes.length - 9, bytes.length - 1]) {
      const path = await write("cut.parquet", bytes.subarray(0, length));
      await expect(openRows(path).then(scanned)).rejects.toThrow(DataError);
    }
    await expect(openRows(join(dir, "cut.parquet"))).rejects.toThrow("it is cut off or damaged");
  });

  it("refuses damaged data inside an intact frame", async () => {
    const bytes = await readFile(join(dir, "whole.parquet"));
    bytes.fill(0xff, 4, 120);
    const path = await write("damaged.parquet", bytes);
    await expect(openRows(path).then(scanned)).rejects.toThrow(DataError);
  });
});

describe("openRows(…) of anything else", () => {
  it.each([
    ["empty.jsonl", "", "it is empty"],
    ["array.json", '[{"a":1}]', "one JSON array"],
    ["table.csv", "a,b\n1,2\n", "unsupported data file"],
    ["fake.parquet", "not parquet at all", "cannot read as Parquet"],
  ])("refuses %s", async (name, content, message) => {
    await expect(openRows(await write(name, content))).rejects.toThrow(message);
  });

  it("says which file is missing", async () => {
    await expect(openRows(join(dir, "none.jsonl"))).rejects.toThrow(
      `${join(dir, "none.jsonl")}: cannot read`,
    );
  });
});
