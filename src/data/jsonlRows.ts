/**
 * @module JSON Lines data files: one pass finds where the lines stand, then any of them is read alone.
 */
import { createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { DataError, messageOf } from "../core/errors.js";
import type { Row, RowFile, ScannedRow } from "./rowFile.js";

/** Where a line stands in its file. */
interface Line {
  /** From 1, blank lines counted. */
  readonly number: number;
  readonly start: number;
  readonly length: number;
}

const NEWLINE = 0x0a;
const BYTE_ORDER_MARK = "\uFEFF";

/** Start and length of every line with something on it. */
async function findLines(path: string): Promise<Line[]> {
  const lines: Line[] = [];
  let offset = 0;
  let start = 0;
  let number = 1;
  let isBlank = true;
  const finish = (end: number) => {
    if (!isBlank) lines.push({ number, start, length: end - start });
    [start, number, isBlank] = [end + 1, number + 1, true];
  };
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) {
    const bytes = piece as Uint8Array;
    for (let at = 0; at < bytes.length; ) {
      const newline = bytes.indexOf(NEWLINE, at);
      const end = newline < 0 ? bytes.length : newline;
      isBlank &&= bytes.subarray(at, end).every((byte) => byte <= 0x20);
      if (newline >= 0) finish(offset + newline);
      at = end + 1;
    }
    offset += bytes.length;
  }
  finish(offset);
  return lines;
}

function parseLine(text: string): { readonly cells: Row } | { readonly problem: string } {
  try {
    const value: unknown = JSON.parse(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { cells: { ...value } };
    return { problem: "not a JSON object" };
  } catch (error) {
    return { problem: `not JSON: ${messageOf(error).slice(0, 160)}` };
  }
}

async function readLine(handle: FileHandle, { start, length }: Line): Promise<string> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, start);
  return buffer.toString("utf8", 0, bytesRead);
}

/** @throws DataError when the file cannot be read */
export async function openJsonl(path: string): Promise<RowFile> {
  const withFile = async <T>(use: (handle: FileHandle) => Promise<T>): Promise<T> => {
    const handle = await open(path, "r").catch((cause: unknown) => {
      throw new DataError(`${path}: cannot read: ${messageOf(cause)}`, { cause });
    });
    try {
      return await use(handle);
    } finally {
      await handle.close();
    }
  };
  const lines = await withFile(() => findLines(path));
  async function* scan(): AsyncGenerator<ScannedRow> {
    const handle = await open(path, "r");
    try {
      for (const [row, line] of lines.entries()) yield { row, ...parseLine(await readLine(handle, line)) };
    } finally {
      await handle.close();
    }
  }
  const placeOf = (row: number) => `line ${lines[row]?.number ?? "?"}`;
  return {
    path,
    count: lines.length,
    columns: await firstColumns(scan()),
    placeOf,
    scan,
    async read(row) {
      const line = lines[row];
      if (!line) throw new DataError(`${path}: no row ${row}: it has ${lines.length} rows`);
      const parsed = parseLine(await withFile((handle) => readLine(handle, line)));
      if ("problem" in parsed) throw new DataError(`${path}: ${placeOf(row)}: ${parsed.problem}`);
      return parsed.cells;
    },
    largestReadBytes: lines.reduce((most, { length }) => Math.max(most, length), 0),
  };
}

/** Rows looked at to learn a file's columns. */
const LOOKED_AT = 100;

/** Names that the first rows use. */
async function firstColumns(rows: AsyncIterable<ScannedRow>): Promise<string[]> {
  const names = new Set<string>();
  for await (const scanned of rows) {
    if ("cells" in scanned) for (const name of Object.keys(scanned.cells)) names.add(name);
    if (scanned.row + 1 >= LOOKED_AT) break;
  }
  return [...names];
}
