/**
 * @module A sample file: rows and how they are written, as `pandas.to_csv(sep="\t", index=False)` writes them.
 */
import type { RawRow } from "../data/tsv.js";

export interface SampleFile {
  /** VLMEvalKit's dataset name. */
  readonly dataset: string;
  readonly columns: readonly string[];
  /** Cells by column; one that is not there is empty. */
  readonly rows: readonly RawRow[];
}

/** Quotes a cell where it must be. */
function writeCell(cell: string): string {
  return /[\t\n\r"]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

export function tsvText({ columns, rows }: SampleFile): string {
  const lines = [columns, ...rows.map((row) => columns.map((name) => row[name] ?? ""))];
  return lines.map((cells) => `${cells.map(writeCell).join("\t")}\n`).join("");
}
