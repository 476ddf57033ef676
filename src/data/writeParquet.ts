/**
 * @module Rows to a Parquet file as they are made: at most a row group of them is held.
 */
import type { SchemaElement } from "hyparquet";
import { fileWriter, parquetWriteRows } from "hyparquet-writer";
import { replaceFile } from "../core/files/atomic.js";

export interface ParquetLayout<Row> {
  readonly columns: readonly (keyof Row & string)[];
  /** Of all columns, root first. */
  readonly schema: readonly SchemaElement[];
  readonly rowsPerGroup: number;
}

/**
 * Replaces a file once all rows are written.
 * @throws CheckpointError when it cannot be written; what `rows` throws
 */
export function writeParquet<Row extends object>(
  path: string,
  rows: AsyncIterable<Row>,
  { columns, schema, rowsPerGroup }: ParquetLayout<Row>,
): Promise<void> {
  return replaceFile(path, async (temporary) => {
    await parquetWriteRows({
      ...{ writer: fileWriter(temporary), rows, columns: columns.map((name) => ({ name })) },
      ...{ schema: [...schema], rowGroupSize: rowsPerGroup },
    });
  });
}
