/**
 * @module Where the lines of a growing JSON Lines file are, and a few words about each: a file of any length is read
 * once, a line again only when it is asked for.
 */
import { createReadStream } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";

const NEWLINE = 0x0a;
/** Lines that lie beside each other are read together up to this. */
const BLOCK_BYTES = 4 << 20;

export interface IndexedLine<About> {
  readonly offset: number;
  readonly bytes: number;
  readonly about: About;
}

export interface LineIndex<About> {
  /** Only ever grows, unless the file was replaced: then `generation` has changed. */
  readonly lines: readonly IndexedLine<About>[];
  readonly generation: number;
  /** Share of the file that is known, 0 to 1. */
  readonly known: number;
  /** Reads what was added since. Calls while one is under way join it. */
  refresh(): Promise<void>;
  /** @returns undefined when the file was replaced meanwhile and nothing readable is there */
  read(line: number): Promise<unknown>;
  /** The lines among these whose text holds the words, upper or lower case. */
  search(lines: readonly number[], words: string): Promise<number[]>;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function readBytes(handle: FileHandle, offset: number, bytes: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(bytes), 0, bytes, offset);
  return buffer.subarray(0, bytesRead);
}

/** Runs of lines that are read at once, in the order of the file. */
function* blocks<About>(
  all: readonly IndexedLine<About>[],
  wanted: readonly number[],
): Generator<(readonly [at: number, line: IndexedLine<About>])[]> {
  let block: (readonly [number, IndexedLine<About>])[] = [];
  for (const at of wanted.toSorted((a, b) => a - b)) {
    const line = all[at];
    if (!line) continue;
    const start = block[0]?.[1].offset ?? line.offset;
    if (block.length > 0 && line.offset + line.bytes - start > BLOCK_BYTES) {
      yield block;
      block = [];
    }
    block.push([at, line]);
  }
  if (block.length > 0) yield block;
}

/** As JSON writes the words inside a string. */
function jsonWords(words: string): string {
  return JSON.stringify(words).slice(1, -1).toLowerCase();
}

/** Gives the whole lines of a growing file, each once, and begins anew when the file was replaced. */
function createTail(path: string, onLine: (bytes: Buffer, offset: number) => void, onReplaced: () => void) {
  let inode = 0n;
  let consumed = 0;
  let size = 0;

  const readOn = async () => {
    const found = await stat(path, { bigint: true }).catch(() => undefined);
    if (!found || found.ino !== inode || Number(found.size) < consumed) {
      consumed = 0;
      onReplaced();
    }
    inode = found?.ino ?? 0n;
    size = Number(found?.size ?? 0);
    if (size <= consumed) return;
    let rest: Buffer = Buffer.alloc(0);
    const stream = createReadStream(path, { start: consumed, end: size - 1, highWaterMark: 1 << 20 });
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let start = 0;
      for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE, start)) {
        onLine(rest.subarray(start, end), consumed + start);
        start = end + 1;
      }
      consumed += start; // a line still being written is read next time
      rest = rest.subarray(start);
    }
  };
  return { readOn, known: () => (size === 0 ? 1 : Math.min(1, consumed / size)) };
}

async function reading<T>(path: string, read: (handle: FileHandle) => Promise<T>): Promise<T | undefined> {
  const handle = await open(path, "r").catch(() => undefined);
  if (!handle) return undefined;
  try {
    return await read(handle);
  } finally {
    await handle.close();
  }
}

/** The lines of one block whose text holds the needle, which is in lower case. */
async function searchBlock(
  handle: FileHandle,
  lines: readonly (readonly [at: number, line: IndexedLine<unknown>])[],
  needle: string,
): Promise<number[]> {
  const [first, last] = [lines[0]?.[1], lines.at(-1)?.[1]];
  if (!first || !last) return [];
  const bytes = await readBytes(handle, first.offset, last.offset + last.bytes - first.offset);
  return lines.flatMap(([at, line]) => {
    const start = line.offset - first.offset;
    const text = bytes.toString("utf8", start, start + line.bytes).toLowerCase();
    return text.includes(needle) ? [at] : [];
  });
}

/** @param aboutOf what is kept of a line; undefined: the line is none of those that count */
export function createLineIndex<About>(
  path: string,
  aboutOf: (row: unknown) => About | undefined,
): LineIndex<About> {
  let lines: IndexedLine<About>[] = [];
  let generation = 0;
  let underWay: Promise<void> | undefined;
  const take = (bytes: Buffer, offset: number) => {
    const about = aboutOf(parsed(bytes.toString("utf8")));
    if (about !== undefined) lines.push({ offset, bytes: bytes.length, about });
  };
  const tail = createTail(path, take, () => {
    lines = [];
    generation++;
  });

  return {
    get lines() {
      return lines;
    },
    get generation() {
      return generation;
    },
    get known() {
      return tail.known();
    },
    refresh() {
      underWay ??= tail.readOn().finally(() => {
        underWay = undefined;
      });
      return underWay;
    },
    async read(at) {
      const line = lines[at];
      if (!line) return undefined;
      const bytes = await reading(path, (handle) => readBytes(handle, line.offset, line.bytes));
      return bytes && parsed(bytes.toString("utf8"));
    },
    async search(wanted, words) {
      const needle = jsonWords(words);
      const found = await reading(path, async (handle) => {
        const hits: number[] = [];
        for (const block of blocks(lines, wanted)) hits.push(...(await searchBlock(handle, block, needle)));
        return hits;
      });
      return found ?? [];
    },
  };
}
