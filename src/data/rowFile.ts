/**
 * @module A data file as rows that can be read again: what a JSONL and a Parquet file have in common. Rows are never all
 * in memory.
 */

/** Cells by column name, as the file holds them. */
export type Row = Readonly<Record<string, unknown>>;

/** A row of a scan: its number from 0, and its cells or why it cannot be read. */
export type ScannedRow =
  | { readonly row: number; readonly cells: Row }
  | { readonly row: number; readonly problem: string };

/** A data file whose rows can be read again, one by one or in order. */
export interface RowFile {
  readonly path: string;
  /** Rows, unreadable ones included. */
  readonly count: number;
  readonly columns: readonly string[];
  /** What a person counts rows in: a JSONL file's lines include blank ones. */
  placeOf(row: number): string;
  /** All rows in order; with `columns` only those cells, where that saves reading. */
  scan(columns?: readonly string[]): AsyncIterable<ScannedRow>;
  /** One row, by its number from 0. @throws DataError when it cannot be read */
  read(row: number): Promise<Row>;
  /** Most bytes that a read holds at once: Parquet is read by row groups. */
  readonly largestReadBytes: number;
}
