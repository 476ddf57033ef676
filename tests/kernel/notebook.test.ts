import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DataError } from "../../src/core/errors.js";
import {
  formatNotebook,
  joinText,
  type Notebook,
  readNotebook,
  splitText,
  withCellIds,
  writeNotebook,
} from "../../src/kernel/notebook.js";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "notebook-"));
});
afterAll(() => rm(dir, { recursive: true }));

const cell = (source: string, more: object = {}) => ({
  cell_type: "code" as const,
  metadata: {},
  source,
  ...more,
});
const notebook = (...cells: Notebook["cells"]): Notebook => ({
  cells,
  metadata: {},
  nbformat: 4,
  nbformat_minor: 5,
});

async function written(json: unknown): Promise<string> {
  const path = join(dir, "some.ipynb");
  await writeFile(path, typeof json === "string" ? json : JSON.stringify(json));
  return path;
}

describe("splitText", () => {
  it("cuts behind every line feed, and joinText undoes it", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("a", "\n", "\r", " ", "é"), { maxLength: 12 }), (units) => {
        const text = units.join("");
        const lines = splitText(text);
        expect(joinText(lines)).toBe(text);
        expect(lines.slice(0, -1).every((line) => line.endsWith("\n"))).toBe(true);
        expect(lines.every((line) => line !== "" && !line.slice(0, -1).includes("\n"))).toBe(true);
      }),
    );
    expect(joinText("a\nb")).toBe("a\nb");
    expect(splitText("")).toEqual([]);
  });
});

describe("readNotebook", () => {
  it("keeps what it does not know, in the notebook and in its cells", async () => {
    const json = {
      ...notebook(cell("1", { extra: [1], metadata: { tags: ["x"], own: 1 } })),
      metadata: { kernelspec: { name: "t" } },
      more: { a: null },
    };
    const read = await readNotebook(await written(json));
    expect(read).toEqual(json);
    await writeNotebook(join(dir, "again.ipynb"), read);
    expect(await readNotebook(join(dir, "again.ipynb"))).toEqual(json);
  });

  it("reads every kind of output", async () => {
    const bundle = { data: { "text/plain": ["1"] }, metadata: {} };
    const outputs = [
      { output_type: "stream", name: "stdout", text: ["a\n"] },
      { output_type: "display_data", ...bundle },
      { output_type: "execute_result", execution_count: 1, ...bundle },
      { output_type: "error", ename: "E", evalue: "m", traceback: ["E: m"] },
    ];
    const json = notebook({ ...cell("1"), outputs: outputs as never });
    expect((await readNotebook(await written(json))).cells[0]?.outputs).toEqual(outputs);
  });

  it.each<readonly [string, unknown, string]>([
    ["no JSON", "{", "invalid notebook"],
    ["a list", [], "no notebook of format 4"],
    ["another format", { ...notebook(), nbformat: 3 }, "no notebook of format 4"],
    ["a cell of another kind", { ...notebook(), cells: [{ ...cell("1"), cell_type: "prose" }] }, "cell_type"],
    ["a source that is no text", { ...notebook(), cells: [{ ...cell("1"), source: 5 }] }, "source"],
    [
      "an output of another kind",
      { ...notebook(), cells: [{ ...cell("1"), outputs: [{ output_type: "x" }] }] },
      "output",
    ],
    [
      "a stream of another name",
      {
        ...notebook(),
        cells: [{ ...cell("1"), outputs: [{ output_type: "stream", name: "log", text: "" }] }],
      },
      "name",
    ],
  ])("refuses %s, with the path", async (_, json, message) => {
    const path = await written(json);
    await expect(readNotebook(path)).rejects.toThrow(DataError);
    await expect(readNotebook(path)).rejects.toThrow(path);
    await expect(readNotebook(path)).rejects.toThrow(message);
  });

  it("says that a file is missing", async () => {
    await expect(readNotebook(join(dir, "none.ipynb"))).rejects.toThrow(
      /none\.ipynb: invalid notebook: .*name an \.ipynb file/,
    );
  });
});

describe("formatNotebook", () => {
  it("writes keys in order, one space a level, a line feed at the end", () => {
    const text = formatNotebook({ ...notebook(), metadata: { b: 1, a: { d: 1, c: 2 } } });
    expect(text).toBe(
      '{\n "cells": [],\n "metadata": {\n  "a": {\n   "c": 2,\n   "d": 1\n  },\n  "b": 1\n },\n "nbformat": 4,\n "nbformat_minor": 5\n}\n',
    );
  });

  it("writes the same bytes again", async () => {
    const path = join(dir, "twice.ipynb");
    await writeNotebook(path, withCellIds(notebook(cell("a\nb"), cell("c"))));
    const first = await readFile(path, "utf8");
    await writeNotebook(path, await readNotebook(path));
    expect(await readFile(path, "utf8")).toBe(first);
  });
});

describe("withCellIds", () => {
  it("gives ids by place and text, keeps those that are there, and says so in the format", () => {
    const given = { ...notebook(cell("a"), cell("a"), cell("b", { id: "own" })), nbformat_minor: 4 };
    const { cells, nbformat_minor: minor } = withCellIds(given);
    const ids = cells.map(({ id }) => id);
    expect(new Set(ids).size).toBe(3);
    expect(ids[2]).toBe("own");
    expect(ids.slice(0, 2).every((id) => /^[0-9a-f]{8}$/.test(id ?? ""))).toBe(true);
    expect(withCellIds(given).cells.map(({ id }) => id)).toEqual(ids);
    expect(withCellIds(notebook(cell("a"), cell("changed"))).cells[0]?.id).toBe(ids[0]);
    expect(minor).toBe(5);
    expect(withCellIds({ ...given, nbformat_minor: 6 }).nbformat_minor).toBe(6);
  });
});
