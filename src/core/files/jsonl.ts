/**
 * @module JSON Lines files that only grow: one object a line, safe to kill at any moment.
 *
 * A process that dies while writing leaves at most one torn line, the last. Reading reports it, appending cuts it off.
 * Numbers that JSON cannot hold (NaN, ±∞) are written as `null`.
 */
import { open, readFile, truncate } from "node:fs/promises";
import { DataError, messageOf } from "../errors.js";
import { inTurn } from "../inTurn.js";
import { listed } from "../listed.js";
import { writeError, writeFileAtomic } from "./atomic.js";
import { withoutMark } from "./json.js";

/** A line of a file: its number from 1 and its text. */
interface Line {
  readonly number: number;
  readonly text: string;
}

export interface JsonlFile<Row = unknown> {
  readonly records: readonly Row[];
  /** Number of the last line, when it was cut off while being written and left out. */
  readonly tornLine?: number;
}

export interface JsonlWriter {
  /** Writes one line; resolves when the operating system has it (on disk with `isSynced`). */
  append(record: object): Promise<void>;
  close(): Promise<void>;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new DataError(`${path}: cannot read: ${messageOf(error)}`, { cause: error });
  }
}

function linesOf(text: string): Line[] {
  return text
    .split("\n")
    .map((line, at) => ({ number: at + 1, text: line.replace(/\r$/, "") }))
    .filter((line) => line.text.trim() !== "");
}

/** Only objects are rows: a lone number or string would also be the start of a longer, torn one. */
function parseObject(text: string): { readonly row?: object; readonly reason?: string } {
  try {
    const row: unknown = JSON.parse(withoutMark(text));
    if (typeof row === "object" && row !== null && !Array.isArray(row)) return { row };
    return { reason: "not an object" };
  } catch (error) {
    return { reason: messageOf(error) };
  }
}

interface ParsedLine extends Line {
  readonly row: object;
}

function parse(path: string, text: string): { readonly lines: ParsedLine[]; readonly tornLine?: number } {
  const lines = linesOf(text);
  const good: ParsedLine[] = [];
  const bad: { readonly number: number; readonly reason: string }[] = [];
  for (const line of lines) {
    const { row, reason } = parseObject(line.text);
    if (row) good.push({ ...line, row });
    else bad.push({ number: line.number, reason: reason ?? "" });
  }
  const last = lines.at(-1)?.number;
  const torn = !text.endsWith("\n") && bad.at(-1)?.number === last ? bad.pop()?.number : undefined;
  if (bad.length > 0) {
    const named = listed(bad.map(({ number, reason }) => `line ${number} (${reason})`));
    throw new DataError(`${path}: invalid JSON object: ${named}; repair or remove these lines`);
  }
  return torn === undefined ? { lines: good } : { lines: good, tornLine: torn };
}

/**
 * Reads all rows.
 * @throws DataError when the file cannot be read, or with the numbers of all lines that are not JSON objects
 */
export async function readJsonl(path: string): Promise<JsonlFile<object>> {
  const { lines, tornLine } = parse(path, await readText(path));
  const records = lines.map((line) => line.row);
  return tornLine === undefined ? { records } : { records, tornLine };
}

/** Cuts off a torn last line, or ends a whole one that lacks its newline. */
async function repairEnd(path: string): Promise<void> {
  const bytes = await readFile(path).catch(() => undefined);
  if (!bytes || bytes.length === 0 || bytes.at(-1) === 0x0a) return;
  const start = bytes.lastIndexOf(0x0a) + 1;
  const isWhole = parseObject(bytes.subarray(start).toString("utf8")).row !== undefined;
  if (!isWhole) return truncate(path, start);
  const handle = await open(path, "a");
  await handle.appendFile("\n").finally(() => handle.close());
}

/**
 * Opens a file for appending; creates it when missing, repairs a torn end.
 * @throws CheckpointError when writing is refused
 */
export async function appendJsonl(
  path: string,
  options: { readonly isSynced?: boolean } = {},
): Promise<JsonlWriter> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    await repairEnd(path);
    handle = await open(path, "a");
  } catch (error) {
    throw writeError(path, error);
  }
  const take = inTurn();
  const write = async (line: string) => {
    try {
      await handle.appendFile(line);
      if (options.isSynced) await handle.datasync();
    } catch (error) {
      throw writeError(path, error);
    }
  };
  return {
    append(record) {
      const line = `${JSON.stringify(record)}\n`;
      return take(() => write(line));
    },
    close: () => take(() => handle.close()),
  };
}

/**
 * Drops the rows that `keep` refuses, and a torn last line; the kept lines keep their bytes. A missing file is left so.
 * @returns how many rows were dropped
 */
export async function truncateJsonl(path: string, keep: (record: object) => boolean): Promise<number> {
  const handle = await open(path, "r").catch(() => undefined);
  if (!handle) return 0;
  await handle.close();
  const { lines, tornLine } = parse(path, await readText(path));
  const kept = lines.filter((line) => keep(line.row));
  if (kept.length === lines.length && tornLine === undefined) return 0;
  await writeFileAtomic(path, kept.map((line) => `${line.text}\n`).join(""));
  return lines.length - kept.length;
}

/** Letters that wait to be written together. */
const BUFFERED_LETTERS = 1 << 20;

/** Writes lines to a new file as they are made. */
export async function writeLines(path: string, lines: AsyncIterable<string>): Promise<void> {
  const handle = await open(path, "w");
  try {
    let waiting = "";
    for await (const line of lines) {
      waiting += `${line}\n`;
      if (waiting.length < BUFFERED_LETTERS) continue;
      await handle.writeFile(waiting);
      waiting = "";
    }
    await handle.writeFile(waiting);
  } finally {
    await handle.close();
  }
}
