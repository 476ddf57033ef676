import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openRows } from "../../src/data/rows.js";
import { writeParquet } from "../../src/data/writeParquet.js";
import { IMAGES_COLUMN } from "../../src/data/writeQuestions.js";
import { temporaryFolder } from "../support/fakeModel.js";

const LAYOUT = {
  columns: ["images"] as const,
  schema: [{ name: "root", num_children: 1 }, ...IMAGES_COLUMN],
  rowsPerGroup: 2,
};
const BYTES = 2_000_000;

/** Bytes that do not pack: xorshift. */
function picture(row: number): Uint8Array {
  let state = row + 1;
  return Uint8Array.from({ length: BYTES }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  });
}

it("writeParquet(…) has written all but two groups of rows when the next is made", async () => {
  const dir = await temporaryFolder();
  const path = join(dir, "rows.parquet");
  const written: number[] = [];
  async function* rows() {
    for (let row = 0; row < 8; row++) {
      const [partial = ""] = await readdir(dir);
      written.push(partial === "" ? 0 : (await stat(join(dir, partial))).size / BYTES);
      yield { images: [{ bytes: picture(row), path: null }] };
    }
  }
  await writeParquet(path, rows(), LAYOUT);
  for (const [row, pictures] of written.entries()) expect(pictures).toBeGreaterThan(row - 2 * 2);
  expect(await readdir(dir)).toEqual(["rows.parquet"]);
  const file = await openRows(path);
  expect(file.count).toBe(8);
  const [last] = ((await file.read(7)) as { images: { bytes: Uint8Array }[] }).images;
  expect(Buffer.compare(last?.bytes ?? Buffer.of(), picture(7))).toBe(0);
});

it("writeParquet(…) leaves the old file where a row cannot be made", async () => {
  const dir = await temporaryFolder();
  const path = join(dir, "rows.parquet");
  async function* rows(count: number) {
    for (let row = 0; row < 3; row++) {
      if (row === count) throw new Error("no such picture");
      yield { images: [{ bytes: Uint8Array.of(row), path: null }] };
    }
  }
  await writeParquet(path, rows(3), LAYOUT);
  await expect(writeParquet(path, rows(2), LAYOUT)).rejects.toThrow("no such picture");
  expect(await readdir(dir)).toEqual(["rows.parquet"]);
  expect((await openRows(path)).count).toBe(3);
});
