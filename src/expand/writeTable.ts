/**
 * @module A data file written again with one more column of string lists, whole or not at all. Everything else stays as
 * it is: JSON Lines keep their text, Parquet columns their bytes; from one format to the other, values keep their type.
 */
import type { SchemaElement } from "hyparquet";
import { type ColumnSource, fileWriter, ParquetWriter } from "hyparquet-writer";
import { DataError } from "../core/errors.js";
import { replaceFile } from "../core/files/atomic.js";
import { writeLines } from "../core/files/jsonl.js";
import type { Row, RowFile } from "../data/rowFile.js";
import { linesOf, lineWith } from "./jsonlColumn.js";
import { copyWithColumn, stringListSchema } from "./parquetColumn.js";

/** The new column: its name, and its value in the row with this number, from 0. */
export interface AddedColumn {
  readonly name: string;
  readonly listOf: (row: number) => readonly string[];
}

type FileKind = "jsonl" | "parquet";

const ROWS_PER_GROUP = 256;

/** By the name's ending. @throws DataError for any other */
export function fileKind(path: string): FileKind {
  if (/\.(jsonl|ndjson)$/i.test(path)) return "jsonl";
  if (/\.parquet$/i.test(path)) return "parquet";
  throw new DataError(`${path}: unsupported kind of file: give a name that ends in .jsonl or .parquet`);
}

/** Values that JSON lacks: bytes as base64, whole numbers beyond 2⁵³ as text. */
function jsonValue(_key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  return value;
}

async function* rowsOf(source: RowFile): AsyncGenerator<Row> {
  for await (const scanned of source.scan()) {
    if ("problem" in scanned) {
      throw new DataError(`${source.path}: ${source.placeOf(scanned.row)}: ${scanned.problem}`);
    }
    yield scanned.cells;
  }
}

async function* jsonLines(source: RowFile, { name, listOf }: AddedColumn): AsyncGenerator<string> {
  let at = 0;
  if (fileKind(source.path) === "jsonl") {
    for await (const { text } of linesOf(source.path)) yield lineWith(text, name, listOf(at++));
    return;
  }
  for await (const row of rowsOf(source)) {
    yield JSON.stringify({ ...row, [name]: listOf(at++) }, jsonValue);
  }
}

type CellType = "string" | "integer" | "number" | "boolean" | "strings" | "json";

function cellType(value: unknown): CellType | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === "string" || typeof value === "boolean") return typeof value as CellType;
  if (typeof value === "number") return Number.isSafeInteger(value) ? "integer" : "number";
  const isStrings = Array.isArray(value) && value.every((item) => typeof item === "string");
  return isStrings ? "strings" : "json";
}

/** The narrowest type that holds both. */
function joinTypes(a: CellType | undefined, b: CellType | undefined): CellType | undefined {
  if (a === undefined || b === undefined || a === b) return a ?? b;
  const isNumeric = (type: CellType) => type === "integer" || type === "number";
  return isNumeric(a) && isNumeric(b) ? "number" : "json";
}

async function columnTypes(source: RowFile): Promise<Map<string, CellType | undefined>> {
  const types = new Map<string, CellType | undefined>();
  for await (const row of rowsOf(source)) {
    for (const [name, value] of Object.entries(row)) {
      types.set(name, joinTypes(types.get(name), cellType(value)));
    }
  }
  return types;
}

function schemaOf(name: string, type: CellType | undefined): SchemaElement[] {
  const repetition_type = "OPTIONAL";
  if (type === "strings") return stringListSchema(name);
  if (type === "integer") return [{ name, type: "INT64", repetition_type }];
  if (type === "number") return [{ name, type: "DOUBLE", repetition_type }];
  if (type === "boolean") return [{ name, type: "BOOLEAN", repetition_type }];
  const converted_type = type === "json" ? "JSON" : "UTF8";
  return [{ name, type: "BYTE_ARRAY", converted_type, repetition_type }];
}

function cellOf(value: unknown, type: CellType | undefined): unknown {
  if (value === null || value === undefined) return null;
  return type === "integer" ? BigInt(value as number) : value;
}

async function* groupsOf(source: RowFile): AsyncGenerator<readonly Row[]> {
  let group: Row[] = [];
  for await (const row of rowsOf(source)) {
    group.push(row);
    if (group.length < ROWS_PER_GROUP) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

/** JSON Lines as Parquet: lists of strings are lists, other structures JSON, anything else what it is. */
async function writeParquet(path: string, source: RowFile, { name, listOf }: AddedColumn): Promise<void> {
  const types = await columnTypes(source);
  types.set(name, "strings");
  const fields = [...types].flatMap(([column, type]) => schemaOf(column, type));
  const schema = [{ name: "schema", num_children: types.size }, ...fields];
  const writer = new ParquetWriter({ writer: fileWriter(path), schema });
  let first = 0;
  for await (const rows of groupsOf(source)) {
    const columnData = [...types].map(([column, type]): ColumnSource => {
      const cell = (row: Row, at: number) => (column === name ? listOf(first + at) : row[column]);
      return { name: column, data: rows.map((row, at) => cellOf(cell(row, at), type)) };
    });
    await writer.write({ columnData, rowGroupSize: rows.length });
    first += rows.length;
  }
  await writer.finish();
}

/**
 * Writes the file's rows with the column; a column of that name is replaced. The ending of `path` decides the format.
 * @throws CheckpointError when writing is refused; DataError when the source is damaged or an ending is unknown
 */
export async function writeTable(path: string, source: RowFile, column: AddedColumn): Promise<void> {
  const [from, to] = [fileKind(source.path), fileKind(path)];
  await replaceFile(path, async (temporary) => {
    if (to === "jsonl") return writeLines(temporary, jsonLines(source, column));
    if (from === "parquet") return copyWithColumn(source.path, temporary, column.name, column.listOf);
    return writeParquet(temporary, source, column);
  });
}
