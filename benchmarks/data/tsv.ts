/**
 * @module Reads a TSV file row by row, as `pandas.read_csv(sep="\t")` does, with its digests on the way. Cells may be
 * tens of megabytes; one row is held at a time.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { DataError, messageOf } from "../../src/core/errors.js";
import { createTsvSplitter, type TsvRecord } from "./tsvRecords.js";

/** Cells by column name as written, missing or not. */
export type RawRow = Readonly<Record<string, string>>;

export interface TsvDigest {
  /** Hex MD5 of the file: what VLMEvalKit publishes. */
  readonly md5: string;
  readonly bytes: number;
}

export interface TsvOptions {
  /** Sees the header before the first row; may throw to refuse the file. */
  readonly onHeader?: (columns: readonly string[]) => void;
  /** Sees every row, with its number from 1. The next row is read when it has resolved. */
  readonly onRow: (row: RawRow, number: number) => Promise<void> | void;
  /** Called now and then with the bytes read so far. */
  readonly onBytes?: (bytes: number) => void;
  readonly signal?: AbortSignal;
}

function checkedHeader(path: string, header: readonly string[]): readonly string[] {
  const twice = header.filter((name, at) => header.indexOf(name) !== at);
  if (twice.length > 0) {
    throw new DataError(`${path}: invalid header: column ${twice[0]} appears twice; rename or remove one`);
  }
  return header;
}

/** @throws DataError for a file in UTF-16, or with the line ends of old Macs, saying how it is converted */
function refuseOtherText(path: string, start: Buffer): void {
  const [first, second] = start;
  const hasMark = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  const head = start.subarray(0, 4096);
  if (hasMark || head.filter((byte) => byte === 0).length > head.length / 4) {
    const cure = "convert it: iconv -f UTF-16 -t UTF-8";
    throw new DataError(`${path}: unsupported text: it is UTF-16, expected UTF-8; ${cure}`);
  }
  if (start.includes(0x0d) && !start.includes(0x0a)) {
    const cure = "convert it: tr '\\r' '\\n'";
    throw new DataError(`${path}: unsupported line ends: carriage returns alone, as on old Macs; ${cure}`);
  }
}

const BYTE_ORDER_MARK = "\ufeff";

function headerOf(path: string, { cells: [first = "", ...others] }: TsvRecord): readonly string[] {
  const start = first.startsWith(BYTE_ORDER_MARK) ? first.slice(1) : first;
  // A mark hides the quotes behind it.
  const name = start !== first && /^".*"$/s.test(start) ? start.slice(1, -1).replaceAll('""', '"') : start;
  return checkedHeader(path, [name, ...others]);
}

function toRow(path: string, columns: readonly string[], { cells, line }: TsvRecord): RawRow {
  if (cells.length !== columns.length) {
    const advice = "cells with tabs or line breaks must be in double quotes";
    throw new DataError(
      `${path}: invalid TSV near line ${line}: ${cells.length} cells, expected ${columns.length}; ${advice}`,
    );
  }
  return Object.fromEntries(columns.map((name, at) => [name, cells[at] ?? ""]));
}

async function* chunksOf(path: string, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  const stream = createReadStream(path, { highWaterMark: 1 << 20 });
  try {
    for await (const chunk of stream) {
      signal?.throwIfAborted();
      yield chunk as Buffer;
    }
  } catch (error) {
    if (!(error instanceof Error && "code" in error && "syscall" in error)) throw error;
    throw new DataError(`${path}: cannot read: ${messageOf(error)}`, { cause: error });
  } finally {
    stream.destroy();
  }
}

/**
 * Reads the whole file. Quotes inside an unquoted cell are text, blank lines are skipped, a byte order mark is dropped.
 * @throws DataError when the file cannot be read, is empty, has a column twice, or a row of another length
 */
export async function readTsv(path: string, options: TsvOptions): Promise<TsvDigest> {
  const hash = createHash("md5");
  const splitter = createTsvSplitter();
  let bytes = 0;
  let columns: readonly string[] | undefined;
  let number = 0;
  const take = async (records: readonly TsvRecord[]): Promise<void> => {
    for (const record of records) {
      if (columns) await options.onRow(toRow(path, columns, record), ++number);
      else {
        columns = headerOf(path, record);
        options.onHeader?.(columns);
      }
    }
  };
  for await (const chunk of chunksOf(path, options.signal)) {
    if (bytes === 0) refuseOtherText(path, chunk);
    hash.update(chunk);
    bytes += chunk.length;
    options.onBytes?.(bytes);
    await take(splitter.push(chunk));
  }
  const { records, openLine } = splitter.end();
  await take(records);
  if (openLine !== undefined) {
    const what = "a quoted cell never ends: the file is cut off or damaged; get it again";
    throw new DataError(`${path}: invalid TSV near line ${openLine}: ${what}`);
  }
  if (!columns) throw new DataError(`${path}: invalid TSV: empty: expected a header row`);
  return { md5: hash.digest("hex"), bytes };
}
