import { appendFile, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CheckpointError, DataError } from "../../../src/core/errors.js";
import { appendJsonl, readJsonl, truncateJsonl } from "../../../src/core/files/jsonl.js";

async function fileWith(text: string): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), "sharegrpo-jsonl-")), "rows.jsonl");
  await writeFile(path, text);
  return path;
}

describe("appendJsonl and readJsonl", () => {
  it("gives back what was appended, in order, also when nobody waits between rows", async () => {
    const path = await fileWith("");
    const writer = await appendJsonl(path, { isSynced: true });
    const rows = Array.from({ length: 200 }, (_, step) => ({ step, text: "é\n\u2028" }));
    await Promise.all(rows.map((row) => writer.append(row)));
    await writer.close();
    expect(await readJsonl(path)).toEqual({ records: rows });
  });

  it("writes numbers that JSON cannot hold as null", async () => {
    const path = await fileWith("");
    const writer = await appendJsonl(path);
    await writer.append({ loss: Number.NaN, norm: Number.POSITIVE_INFINITY });
    await writer.close();
    expect(await readFile(path, "utf8")).toBe('{"loss":null,"norm":null}\n');
  });

  it("reads and extends a file that begins with a byte order mark, and loses none of it", async () => {
    const path = await fileWith('\ufeff{"a":1}');
    expect(await readJsonl(path)).toEqual({ records: [{ a: 1 }] });
    const writer = await appendJsonl(path);
    await writer.append({ b: 2 });
    await writer.close();
    expect(await readJsonl(path)).toEqual({ records: [{ a: 1 }, { b: 2 }] });
  });

  it("reports a torn last line and leaves it out", async () => {
    expect(await readJsonl(await fileWith('{"a":1}\n{"a":2'))).toEqual({ records: [{ a: 1 }], tornLine: 2 });
  });

  it("takes a whole last line without its newline", async () => {
    expect(await readJsonl(await fileWith('{"a":1}\n{"a":2}'))).toEqual({ records: [{ a: 1 }, { a: 2 }] });
  });

  it("cuts a torn line off before it appends, and ends a whole one", async () => {
    for (const [end, expected] of [
      ['{"a":2', [{ a: 1 }, { a: 3 }]],
      ['{"a":2}', [{ a: 1 }, { a: 2 }, { a: 3 }]],
    ] as const) {
      const path = await fileWith(`{"a":1}\n${end}`);
      const writer = await appendJsonl(path);
      await writer.append({ a: 3 });
      await writer.close();
      expect((await readJsonl(path)).records).toEqual(expected);
    }
  });

  it("names every bad line in the middle", async () => {
    const reading = readJsonl(await fileWith('{"a":1}\noops\n[1]\n{"a":2}\n'));
    await expect(reading).rejects.toThrow(DataError);
    await expect(reading).rejects.toThrow(
      /rows\.jsonl: invalid JSON object: line 2 \(.*\), line 3 \(not an object\)/,
    );
  });

  it("does not call a bad line torn when it ends with a newline", async () => {
    await expect(readJsonl(await fileWith('{"a":1}\n{"a":2\n'))).rejects.toThrow(/line 2/);
  });

  it("reads an empty file as no rows, and says which file is missing", async () => {
    expect(await readJsonl(await fileWith(""))).toEqual({ records: [] });
    await expect(readJsonl("/nowhere/rows.jsonl")).rejects.toThrow(/^\/nowhere\/rows\.jsonl: cannot read/);
  });

  it("says what to do when the folder cannot be written", async () => {
    const opening = appendJsonl("/nowhere/rows.jsonl");
    await expect(opening).rejects.toThrow(CheckpointError);
    await expect(opening).rejects.toThrow(/\/nowhere: cannot write rows\.jsonl: .*--out/);
  });
});

describe("truncateJsonl", () => {
  it("keeps the kept lines byte for byte and drops the rest, a torn line too", async () => {
    const path = await fileWith('{"step":1, "x":1.0}\n{"step":2}\n{"step":3}\n{"st');
    expect(await truncateJsonl(path, (row) => "step" in row && Number(row.step) <= 2)).toBe(1);
    expect(await readFile(path, "utf8")).toBe('{"step":1, "x":1.0}\n{"step":2}\n');
  });

  it("leaves a missing file missing and a file that needs no cut untouched", async () => {
    expect(await truncateJsonl("/nowhere/rows.jsonl", () => true)).toBe(0);
    const path = await fileWith('{"step":1}\n');
    expect(await truncateJsonl(path, () => true)).toBe(0);
    await appendFile(path, "");
    expect(await readFile(path, "utf8")).toBe('{"step":1}\n');
  });
});
