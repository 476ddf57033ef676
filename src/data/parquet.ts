/**
 * @module Parquet data files, read by row groups: one group at a time is in memory, however many rows are asked for.
 */
import { open, stat } from "node:fs/promises";
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import pLimit from "p-limit";
import { DataError, messageOf } from "../core/errors.js";
import type { Row, RowFile, ScannedRow } from "./rowFile.js";

/** A row group: rows `start` … `end − 1` of the file. */
interface Group {
  readonly start: number;
  readonly end: number;
  readonly bytes: number;
}

function groupsOf(metadata: FileMetaData): Group[] {
  let start = 0;
  return metadata.row_groups.map((group) => {
    const first = start;
    start += Number(group.num_rows);
    return { start: first, end: start, bytes: Number(group.total_byte_size) };
  });
}

/** Names of the columns at the top of the schema, a struct or list counting as one. */
function topColumns({ schema }: FileMetaData): string[] {
  const names: string[] = [];
  let at = 1;
  const skip = () => {
    const element = schema[at++];
    for (let child = 0; child < (element?.num_children ?? 0); child++) skip();
  };
  while (at < schema.length) {
    names.push(schema[at]?.name ?? "");
    skip();
  }
  return names;
}

/** The file as hyparquet reads it; its own reader goes through a stream in pieces of 64 kB, which takes longer. */
async function fileBuffer(path: string): Promise<AsyncBuffer> {
  const { size } = await stat(path);
  return {
    byteLength: size,
    async slice(start, end = size) {
      const bytes = new Uint8Array(Math.max(0, Math.min(end, size) - start));
      const handle = await open(path, "r");
      try {
        await handle.read(bytes, 0, bytes.length, start);
      } finally {
        await handle.close();
      }
      return bytes.buffer;
    },
  };
}

/** Whatever the parser stumbles over is a fault of the file. */
async function attempt<T>(path: string, what: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    const advice = "it is cut off or damaged; download or write it again";
    throw new DataError(`${path}: ${what}: ${messageOf(cause)}; ${advice}`, { cause });
  }
}

/**
 * Reads one group at a time. Requests for a group that waits or is being read share that reading, so a batch of shuffled
 * rows reads each group once.
 */
function sharedReader(load: (group: number) => Promise<readonly Row[]>) {
  const underway = new Map<number, Promise<readonly Row[]>>();
  const oneAtATime = pLimit(1);
  return (group: number): Promise<readonly Row[]> => {
    const shared = underway.get(group);
    if (shared) return shared;
    const rows = oneAtATime(() => load(group)).finally(() => underway.delete(group));
    underway.set(group, rows);
    return rows;
  };
}

/** @throws DataError when the file is cut off or not Parquet */
export async function openParquet(path: string): Promise<RowFile> {
  const { file, metadata } = await attempt(path, "cannot read as Parquet", async () => {
    const buffer = await fileBuffer(path);
    return { file: buffer, metadata: await parquetMetadataAsync(buffer) };
  });
  const groups = groupsOf(metadata);
  const known = topColumns(metadata);
  const load = async (index: number, wanted: readonly string[] = known): Promise<readonly Row[]> => {
    const { start, end } = groups[index] as Group;
    const columns = known.filter((name) => wanted.includes(name));
    // Bytes stay bytes: only columns that say they are text are decoded.
    const options = { file, metadata, columns, rowStart: start, rowEnd: end, utf8: false, compressors };
    return attempt(path, `cannot read rows ${start + 1}–${end}`, () => parquetReadObjects(options));
  };
  const loadShared = sharedReader(load);
  async function* scan(columns?: readonly string[]): AsyncGenerator<ScannedRow> {
    for (const [index, { start }] of groups.entries()) {
      for (const [at, cells] of (await load(index, columns)).entries()) yield { row: start + at, cells };
    }
  }
  const count = groups.at(-1)?.end ?? 0;
  return {
    path,
    count,
    columns: known,
    placeOf: (row) => `row ${row + 1}`,
    scan,
    async read(row) {
      const index = groups.findIndex(({ start, end }) => row >= start && row < end);
      const group = groups[index];
      if (!group) throw new DataError(`${path}: no row ${row}: it has ${count} rows`);
      return (await loadShared(index))[row - group.start] as Row;
    },
    largestReadBytes: groups.reduce((most, { bytes }) => Math.max(most, bytes), 0),
  };
}
