/**
 * @module Opens a data file by what it holds, JSONL or Parquet.
 */
import { open } from "node:fs/promises";
import { extname } from "node:path";
import { DataError, messageOf } from "../core/errors.js";
import { openJsonl } from "./jsonlRows.js";
import { openParquet } from "./parquet.js";
import type { RowFile } from "./rowFile.js";

/** Endings of files that are data. */
export const DATA_ENDINGS: readonly string[] = [".parquet", ".jsonl", ".ndjson", ".json"];

const PARQUET_MAGIC = "PAR1";

async function firstBytes(path: string, count: number): Promise<Buffer> {
  try {
    const handle = await open(path, "r");
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(count), 0, count, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw new DataError(`${path}: cannot read: ${messageOf(cause)}`, { cause });
  }
}

/**
 * Opens a JSONL or Parquet file.
 * @throws DataError when it cannot be read, is cut off, or is of another kind
 */
export async function openRows(path: string): Promise<RowFile> {
  const start = await firstBytes(path, 512);
  if (start.length === 0) throw new DataError(`${path}: invalid data file: it is empty`);
  const isParquet = start.toString("latin1", 0, 4) === PARQUET_MAGIC;
  const ending = extname(path).toLowerCase();
  if (isParquet || ending === ".parquet") return openParquet(path);
  const text = start.toString("utf8").replace(/^\uFEFF/, "");
  if (text.trimStart().startsWith("{")) return openJsonl(path);
  const advice = text.trimStart().startsWith("[")
    ? "it holds one JSON array: write one object a line instead (jq -c '.[]')"
    : `expected ${DATA_ENDINGS.join(", ")} with one object a row`;
  throw new DataError(`${path}: unsupported data file: ${advice}`);
}
