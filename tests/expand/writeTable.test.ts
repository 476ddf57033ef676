import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, type SchemaElement } from "hyparquet";
import { parquetWriteFile } from "hyparquet-writer";
import { describe, expect, test } from "vitest";
import { openRows } from "../../src/data/rows.js";
import { refuseBadLines } from "../../src/expand/jsonlColumn.js";
import { writeTable } from "../../src/expand/writeTable.js";

const folder = () => mkdtempSync(join(tmpdir(), "table-"));
const column = { name: "new_questions", listOf: (row: number) => (row === 1 ? [] : [`first ${row}`, "é\n"]) };
const ADDED = [["first 0", "é\n"], [], ["first 2", "é\n"]];

async function rowsIn(path: string): Promise<Record<string, unknown>[]> {
  return parquetReadObjects({ file: await asyncBufferFromFile(path), utf8: false });
}

async function expandFile(from: string, to: string): Promise<void> {
  await writeTable(to, await openRows(from), column);
}

const IMAGE_SCHEMA: SchemaElement[] = [
  { name: "images", repetition_type: "OPTIONAL", num_children: 1, converted_type: "LIST" },
  { name: "list", repetition_type: "REPEATED", num_children: 1 },
  { name: "element", repetition_type: "OPTIONAL", num_children: 2 },
  { name: "bytes", type: "BYTE_ARRAY", repetition_type: "OPTIONAL" },
  { name: "path", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" },
];

/** Three rows in two row groups, with what data sets of images hold. */
function writeSource(path: string, withOld = false): void {
  const images = [
    [{ bytes: Uint8Array.of(0, 255, 128), path: "a.png" }],
    [],
    [
      { bytes: Uint8Array.of(1), path: null },
      { bytes: new Uint8Array(70_000).fill(7), path: "b" },
    ],
  ];
  const text = (name: string): SchemaElement => ({
    name,
    type: "BYTE_ARRAY",
    converted_type: "UTF8",
    repetition_type: "OPTIONAL",
  });
  parquetWriteFile({
    filename: path,
    rowGroupSize: 2,
    kvMetadata: [
      { key: "ARROW:schema", value: "stale" },
      { key: "huggingface", value: '{"info": {"features": {"idx": {"dtype": "int64"}}}}' },
    ],
    schema: [
      { name: "schema", num_children: withOld ? 5 : 4 },
      { name: "idx", type: "INT64", repetition_type: "OPTIONAL" },
      text("problem"),
      ...(withOld ? [text("new_questions")] : []),
      ...IMAGE_SCHEMA,
      { name: "score", type: "DOUBLE", repetition_type: "OPTIONAL" },
    ],
    columnData: [
      { name: "idx", data: [1n, 2n, 9007199254740993n] },
      { name: "problem", data: ["<image>a", "b", null] },
      ...(withOld ? [{ name: "new_questions", data: ["['old']", null, "[]"] }] : []),
      { name: "images", data: images },
      { name: "score", data: [0.1, null, Number.NaN] },
    ],
  });
}

describe("Parquet to Parquet", () => {
  test.each([false, true])(
    "keeps every other column and its row groups (old column: %s)",
    async (withOld) => {
      const dir = folder();
      const [from, to] = [join(dir, "in.parquet"), join(dir, "out.parquet")];
      writeSource(from, withOld);
      await expandFile(from, to);
      const expected = (await rowsIn(from)).map((row, at) => ({ ...row, new_questions: ADDED[at] }));
      expect(await rowsIn(to)).toEqual(expected);
      const { row_groups: groups } = await parquetMetadataAsync(await asyncBufferFromFile(to));
      expect(groups.map((group) => Number(group.num_rows))).toEqual([2, 1]);
      expect(readdirSync(dir).sort()).toEqual(["in.parquet", "out.parquet"]);
    },
  );

  test("replaces a file by itself, and again", async () => {
    const path = join(folder(), "data.parquet");
    writeSource(path);
    await expandFile(path, path);
    await expandFile(path, path);
    expect((await rowsIn(path)).map((row) => row["new_questions"])).toEqual(ADDED);
  });

  test("tells the datasets library of the column and drops Arrow's stale schema", async () => {
    const dir = folder();
    writeSource(join(dir, "in.parquet"));
    await expandFile(join(dir, "in.parquet"), join(dir, "out.parquet"));
    const { key_value_metadata: pairs } = await parquetMetadataAsync(
      await asyncBufferFromFile(join(dir, "out.parquet")),
    );
    expect(pairs?.map(({ key }) => key)).toEqual(["huggingface"]);
    expect(JSON.parse(pairs?.[0]?.value ?? "").info.features).toMatchObject({
      idx: { dtype: "int64" },
      new_questions: { _type: "Sequence" },
    });
  });

  test("a damaged file is refused by name and leaves no output", async () => {
    const dir = folder();
    writeSource(join(dir, "in.parquet"));
    const source = await openRows(join(dir, "in.parquet"));
    writeFileSync(join(dir, "in.parquet"), "PAR1 no more");
    await expect(writeTable(join(dir, "out.parquet"), source, column)).rejects.toThrow(/in\.parquet/);
    expect(readdirSync(dir)).toEqual(["in.parquet"]);
  });
});

describe("JSON Lines to JSON Lines", () => {
  test("keeps each line's own text, numbers as they were written", async () => {
    const dir = folder();
    const [from, to] = [join(dir, "in.jsonl"), join(dir, "out.jsonl")];
    writeFileSync(
      from,
      '\uFEFF{"a": 1.0, "b": 12345678901234567890}\r\n\n{}\n{"new_questions": ["old"], "c": [] } ',
    );
    await expandFile(from, to);
    expect(readFileSync(to, "utf8").split("\n")).toEqual([
      '{"a": 1.0, "b": 12345678901234567890, "new_questions": ["first 0","é\\n"]}',
      '{"new_questions": []}',
      '{"new_questions":["first 2","é\\n"],"c":[]}',
      "",
    ]);
  });

  test("lines that are no objects are all named", async () => {
    const path = join(folder(), "in.jsonl");
    writeFileSync(path, '{"a": 1}\n[1]\n\n{"a"\n');
    await expect(refuseBadLines(path)).rejects.toThrow(/invalid JSON object on line 2, 4: repair/);
    await expect(refuseBadLines(`${path}.not`)).rejects.toThrow(/cannot read/);
  });
});

describe("between the formats", () => {
  test("JSON Lines become typed columns", async () => {
    const dir = folder();
    const [from, to] = [join(dir, "in.jsonl"), join(dir, "out.parquet")];
    const rows = [
      { idx: 1, problem: "a", score: 1, images: ["x.png", "y.png"], meta: { k: [1] }, good: true },
      { idx: 2, problem: null, score: 0.5, images: [], meta: null },
      { idx: 3, problem: "c", late: "x" },
    ];
    writeFileSync(from, rows.map((row) => JSON.stringify(row)).join("\n"));
    await expandFile(from, to);
    const file = await asyncBufferFromFile(to);
    expect(await parquetReadObjects({ file })).toMatchObject([
      { idx: 1n, problem: "a", score: 1, images: ["x.png", "y.png"], meta: { k: [1] }, good: true },
      { idx: 2n, score: 0.5, images: [], new_questions: [] },
      { idx: 3n, problem: "c", late: "x", new_questions: ADDED[2] },
    ]);
  });

  test("Parquet becomes JSON Lines with images as base64", async () => {
    const dir = folder();
    const [from, to] = [join(dir, "in.parquet"), join(dir, "out.jsonl")];
    writeSource(from);
    await expandFile(from, to);
    const rows = readFileSync(to, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(rows[0]).toEqual({
      idx: 1,
      problem: "<image>a",
      images: [{ bytes: "AP+A", path: "a.png" }],
      score: 0.1,
      new_questions: ADDED[0],
    });
    expect(rows[2].idx).toBe("9007199254740993");
  });

  test("another ending is refused before anything is read", async () => {
    const path = join(folder(), "in.jsonl");
    writeFileSync(path, "{}");
    await expect(expandFile(path, `${path}.csv`)).rejects.toThrow(/ends in \.jsonl or \.parquet/);
  });
});
