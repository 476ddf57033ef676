/**
 * @module Reads a TSV file row by row, as `pandas.read_csv(sep="\t")` does, with its digests on the way. Cells may be
 * tens of megabytes; one row is held at a time.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { CsvError, parse } from "csv-parse";
import { DataError, messageOf } from "../../src/core/errors.js";

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

/** How a fault of the file reads to a person. */
function tsvProblem(error: CsvError): string {
  const line = "lines" in error ? ` near line ${String(error["lines"])}` : "";
  if (error.code === "CSV_QUOTE_NOT_CLOSED") {
    return `invalid TSV${line}: a quoted cell never ends: the file is cut off or damaged; get it again`;
  }
  if (
    error.code === "CSV_RECORD_INCONSISTENT_COLUMNS" ||
    error.code === "CSV_RECORD_INCONSISTENT_FIELDS_LENGTH"
  ) {
    return `invalid TSV${line}: ${error.message}; cells with tabs or line breaks must be in double quotes`;
  }
  return `invalid TSV${line}: ${error.message}`;
}

function checkedHeader(path: string, header: readonly string[]): string[] {
  const twice = header.filter((name, at) => header.indexOf(name) !== at);
  if (twice.length > 0) {
    throw new DataError(`${path}: invalid header: column ${twice[0]} appears twice; rename or remove one`);
  }
  return [...header];
}

/**
 * Reads the whole file. Quotes inside an unquoted cell are text, blank lines are skipped, a byte order mark is dropped.
 * @throws DataError when the file cannot be read, is empty, has a column twice, or a row of another length
 */
export async function readTsv(path: string, options: TsvOptions): Promise<TsvDigest> {
  const hash = createHash("md5");
  let bytes = 0;
  const meter = new Transform({
    transform(piece: Buffer, _encoding, done) {
      hash.update(piece);
      bytes += piece.length;
      options.onBytes?.(bytes);
      done(null, piece);
    },
  });
  let hasHeader = false;
  const parser = parse({
    delimiter: "\t",
    bom: true,
    relax_quotes: true,
    skip_empty_lines: true,
    columns: (header: string[]) => {
      hasHeader = true;
      const columns = checkedHeader(path, header);
      options.onHeader?.(columns);
      return columns;
    },
  });
  try {
    await pipeline(
      createReadStream(path, { highWaterMark: 1 << 20 }),
      meter,
      parser,
      async (rows: AsyncIterable<RawRow>) => {
        let number = 0;
        for await (const row of rows) await options.onRow(row, ++number);
      },
      options.signal ? { signal: options.signal } : {},
    );
  } catch (error) {
    if (error instanceof CsvError) throw new DataError(`${path}: ${tsvProblem(error)}`, { cause: error });
    if (error instanceof Error && "code" in error && "syscall" in error) {
      throw new DataError(`${path}: cannot read: ${messageOf(error)}`, { cause: error });
    }
    throw error;
  }
  if (!hasHeader) throw new DataError(`${path}: invalid TSV: empty: expected a header row`);
  return { md5: hash.digest("hex"), bytes };
}
