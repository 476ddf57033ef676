import { appendFile, mkdtemp, rename, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { createLineIndex } from "../../src/view/lineIndex.js";

let path: string;
beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), "lines-")), "rows.jsonl");
});

const idOf = (row: unknown) => (row as { id?: number } | undefined)?.id;
const lineOf = (id: number, text = "") => `${JSON.stringify({ id, text })}\n`;

describe("createLineIndex", () => {
  it("knows nothing of a file that is not there, and reads it once it comes", async () => {
    const index = createLineIndex(path, idOf);
    await index.refresh();
    expect([index.lines.length, index.known]).toEqual([0, 1]);
    await writeFile(path, lineOf(1));
    await index.refresh();
    expect(index.lines.map(({ about }) => about)).toEqual([1]);
  });

  it("reads only what was added, and a torn line once it is whole", async () => {
    const index = createLineIndex(path, idOf);
    const line = lineOf(2, "größer 😀");
    const bytes = Buffer.from(line);
    await writeFile(path, lineOf(1));
    await appendFile(path, bytes.subarray(0, bytes.length - 5)); // in the middle of a letter of four bytes
    await index.refresh();
    expect(index.lines).toHaveLength(1);
    expect(index.known).toBeLessThan(1);
    await appendFile(path, bytes.subarray(bytes.length - 5));
    await index.refresh();
    expect(await index.read(1)).toEqual({ id: 2, text: "größer 😀" });
    expect(index.generation).toBe(1);
  });

  it("leaves out lines that are none, and keeps the places of the others", async () => {
    await writeFile(path, `${lineOf(1)}not JSON\n\n[]\n${lineOf(2)}`);
    const index = createLineIndex(path, idOf);
    await index.refresh();
    expect(index.lines.map(({ about }) => about)).toEqual([1, 2]);
    expect(await index.read(1)).toEqual({ id: 2, text: "" });
    expect(await index.read(7)).toBeUndefined();
  });

  it("begins anew when the file was replaced, as a resume does", async () => {
    await writeFile(path, lineOf(1) + lineOf(2) + lineOf(3));
    const index = createLineIndex(path, idOf);
    await index.refresh();
    await writeFile(`${path}.new`, lineOf(1) + lineOf(9) + lineOf(10) + lineOf(11));
    await rename(`${path}.new`, path);
    await index.refresh();
    expect(index.lines.map(({ about }) => about)).toEqual([1, 9, 10, 11]);
  });

  it("finds words in any case, also those that JSON writes otherwise", async () => {
    await writeFile(path, lineOf(1, 'a "Box"') + lineOf(2, "box") + lineOf(3, "\\boxed{2}\nnext"));
    const index = createLineIndex(path, idOf);
    await index.refresh();
    expect(await index.search([0, 1, 2], "BOX")).toEqual([0, 1, 2]);
    expect(await index.search([0, 1, 2], '"box"')).toEqual([0]);
    expect(await index.search([0, 1, 2], "\\boxed{2}")).toEqual([2]);
    expect(await index.search([1, 0], "box")).toEqual([0, 1]);
  });
});
