/**
 * @module Predictions from anywhere: JSON Lines, VLMEvalKit's JSON, TSV and xlsx. What is needed is `index` and
 * `prediction`; this project's own files also say sample, status and dataset.
 *
 * Spreadsheets change what they hold: cells are cut at 32,767 characters, texts that mean "missing" vanish, columns of
 * numbers are no longer texts, a text that begins with `=` is a formula. Each is read for what it was, or noted.
 */
import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import type { CellObject } from "@e965/xlsx";
import { z } from "zod";
import { DataError, messageOf } from "../../src/core/errors.js";
import { readJson } from "../../src/core/files/json.js";
import { readJsonl } from "../../src/core/files/jsonl.js";
import { listed } from "../../src/core/listed.js";
import { isMissing, readColumn } from "../data/cells.js";
import { readIndex } from "../data/dataset.js";
import { readTsv } from "../data/tsv.js";
import type { Prediction, PredictionStatus } from "../records.js";
import { FAILED_TEXT } from "./choices.js";

export interface PredictionFile {
  readonly predictions: readonly Prediction[];
  /** What a person should know about how the file was read. */
  readonly notes: readonly string[];
}

/** One row as the file has it; `prediction` is undefined where the file holds none. */
interface FileRow {
  readonly index: string;
  readonly prediction: string | undefined;
  readonly sample?: number | undefined;
  readonly status?: PredictionStatus | undefined;
  readonly dataset?: string | undefined;
}

/** What a table reader says for a cell that holds nothing; VLMEvalKit scores it as these three letters. */
const NOTHING = "nan";
/** A spreadsheet cell holds so many characters. */
const LONGEST_CELL = 32_767;

const text = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const rowSchema = z.object({
  index: z.union([z.string(), z.number()]).transform(String),
  prediction: text.nullish().transform((value) => value ?? undefined),
  sample: z.int().nonnegative().optional(),
  status: z.enum(["finished", "truncated", "failed"]).optional(),
  dataset: z.string().optional(),
});

function parseRecords(path: string, records: readonly unknown[]): FileRow[] {
  const rows: FileRow[] = [];
  const bad: string[] = [];
  for (const [at, record] of records.entries()) {
    const parsed = rowSchema.safeParse(record);
    if (parsed.success) rows.push(parsed.data);
    else
      bad.push(`${at + 1} (${parsed.error.issues[0]?.path.join(".")}: ${parsed.error.issues[0]?.message})`);
  }
  if (bad.length > 0) {
    const advice = 'expected {"index": …, "prediction": "…"}';
    throw new DataError(`${path}: invalid record: ${listed(bad)}; ${advice}`);
  }
  return rows;
}

async function readList(path: string): Promise<FileRow[]> {
  const json = await readJson(path, DataError);
  if (!Array.isArray(json)) throw new DataError(`${path}: not a list: expected [{"index", "prediction"}, …]`);
  return parseRecords(path, json);
}

/** A table's columns by lower-case name, as VLMEvalKit reads them; single capitals are options and keep their case. */
function columnsOf(
  path: string,
  header: readonly string[],
): { readonly index: number; readonly prediction: number } {
  const names = header.map((name) => name.toLowerCase());
  const [index, prediction] = [names.indexOf("index"), names.indexOf("prediction")];
  if (index < 0 || prediction < 0) {
    const lacking = [index < 0 ? "index" : "", prediction < 0 ? "prediction" : ""].filter(Boolean);
    throw new DataError(
      `${path}: missing columns: ${lacking.join(", ")}; it has ${header.slice(0, 20).join(", ")}`,
    );
  }
  return { index, prediction };
}

/** Rows of a table, its prediction column read as a whole: a column of numbers is one. */
function tableRows(cells: readonly (readonly [index: string, prediction: string | undefined])[]): FileRow[] {
  const predictions = readColumn(
    cells.map(([, cell]) => (cell === undefined || isMissing(cell) ? undefined : cell)),
  );
  return cells.map(([index], at) => ({ index, prediction: predictions[at] ?? NOTHING }));
}

async function readTable(path: string): Promise<FileRow[]> {
  let names = { index: "", prediction: "" };
  const cells: [string, string | undefined][] = [];
  await readTsv(path, {
    onHeader: (header) => {
      const at = columnsOf(path, header);
      names = { index: header[at.index] ?? "", prediction: header[at.prediction] ?? "" };
    },
    onRow: (row) => {
      cells.push([row[names.index] ?? "", row[names.prediction]]);
    },
  });
  return tableRows(cells);
}

/** A spreadsheet cell as the text it was made from. */
function cellText(cell: CellObject | undefined): string | undefined {
  if (cell?.f !== undefined) return `=${cell.f}`;
  if (!cell || cell.t === "z" || cell.t === "e" || cell.v === undefined) return undefined;
  if (cell.t === "b") return cell.v ? "True" : "False";
  return String(cell.v);
}

async function readSheet(path: string): Promise<{ readonly rows: FileRow[]; readonly notes: string[] }> {
  const { read } = await import("@e965/xlsx");
  let cells: readonly (readonly (CellObject | undefined)[] | undefined)[];
  try {
    const book = read(await readFile(path), { dense: true, cellHTML: false, cellText: false, sheets: 0 });
    cells = book.Sheets[book.SheetNames[0] ?? ""]?.["!data"] ?? [];
  } catch (cause) {
    throw new DataError(`${path}: cannot read as xlsx: ${messageOf(cause)}`, { cause });
  }
  const [header = [], ...body] = cells;
  const at = columnsOf(
    path,
    Array.from(header, (cell) => cellText(cell) ?? ""),
  );
  const filled = body.filter((row) => row?.[at.index] !== undefined);
  const rows = tableRows(
    filled.map((row) => [cellText(row?.[at.index]) ?? "", cellText(row?.[at.prediction])]),
  );
  const cut = rows.filter(({ prediction }) => prediction?.length === LONGEST_CELL).length;
  const formulas = filled.filter((row) => row?.[at.prediction]?.f !== undefined).length;
  const notes = [
    cut > 0 ? `${cut} predictions fill a whole cell (32,767 characters): the spreadsheet cut them` : "",
    formulas > 0 ? `${formulas} predictions were stored as formulas; their text is used` : "",
  ].filter((note) => note !== "");
  return {
    rows: rows.map((row) =>
      row.prediction?.length === LONGEST_CELL ? { ...row, status: "truncated" } : row,
    ),
    notes,
  };
}

function statusOf({ status, prediction }: FileRow): PredictionStatus {
  if (status !== undefined) return status;
  return prediction === undefined || prediction.includes(FAILED_TEXT) ? "failed" : "finished";
}

/** A finished answer of which nothing but its text is known. */
export function plainPrediction(dataset: string, index: string, prediction: string): Prediction {
  return {
    version: 1,
    dataset,
    index,
    sample: 0,
    prediction,
    status: "finished",
    promptTokens: null,
    tokens: null,
    latencyMs: null,
  };
}

function toPrediction(row: FileRow, dataset: string): Prediction {
  return {
    ...plainPrediction(row.dataset ?? dataset, readIndex(row.index), row.prediction ?? ""),
    sample: row.sample ?? 0,
    status: statusOf(row),
    ...(row.prediction === undefined ? { error: "the file holds no prediction" } : {}),
  };
}

/** The last answer to each row and sample; only a failed one may be followed by another. */
function lastAnswers(path: string, predictions: readonly Prediction[]): Prediction[] {
  const latest = new Map<string, Prediction>();
  const twice: string[] = [];
  for (const prediction of predictions) {
    const key = `${prediction.sample}\u0000${prediction.index}`;
    const before = latest.get(key);
    if (before && before.status !== "failed") twice.push(prediction.index);
    latest.set(key, prediction);
  }
  if (twice.length > 0) {
    const advice = 'for repeated samples give each a "sample" number from 0';
    throw new DataError(`${path}: duplicate index: ${listed(twice)}; ${advice}`);
  }
  return [...latest.values()];
}

async function readRows(path: string): Promise<{ readonly rows: FileRow[]; readonly notes: string[] }> {
  const kind = extname(path).toLowerCase();
  if (kind === ".xlsx") return readSheet(path);
  if (kind === ".tsv") return { rows: await readTable(path), notes: [] };
  if (kind === ".json") return { rows: await readList(path), notes: [] };
  if (kind === ".jsonl") {
    const { records, tornLine } = await readJsonl(path);
    const notes =
      tornLine === undefined ? [] : [`line ${tornLine} was cut off while being written; left out`];
    return { rows: parseRecords(path, records), notes };
  }
  throw new DataError(`${path}: unknown kind of file: expected .jsonl, .json, .tsv or .xlsx`);
}

/**
 * Reads predictions for one dataset. Rows that name another dataset are left out, with a note.
 * @throws DataError when the file cannot be read, lacks a column, or answers a row twice
 */
export async function readPredictionFile(path: string, dataset: string): Promise<PredictionFile> {
  const { rows, notes } = await readRows(path);
  const all = rows.map((row) => toPrediction(row, dataset));
  const own = all.filter((each) => each.dataset === dataset);
  if (own.length === 0 && all.length > 0) {
    const others = [...new Set(all.map((each) => each.dataset))];
    throw new DataError(`${path}: no predictions for ${dataset}: it holds ${listed(others)}`);
  }
  if (own.length === 0) throw new DataError(`${path}: no predictions: the file is empty`);
  const left = all.length - own.length;
  return {
    predictions: lastAnswers(path, own),
    notes: left > 0 ? [...notes, `${left} predictions are for other datasets and left out`] : notes,
  };
}
