/**
 * @module A dataset file as benchmark rows, by VLMEvalKit's rules.
 *
 * Rows without an image are dropped; an `image` cell of 64 characters or fewer is the index of the row whose image is
 * meant (one step); `index` is unique. Images of the wanted rows are kept as files under their digest where a folder is
 * given; everything else is read past.
 */
import { join } from "node:path";
import { DataError } from "../../src/core/errors.js";
import { given } from "../../src/core/given.js";
import { listed } from "../../src/core/listed.js";
import type { ImageSource } from "../../src/records.js";
import type { BenchmarkRow } from "../records.js";
import { isMissing, readColumn } from "./cells.js";
import { decodeBase64, imageFiles, keepImage, readImageCell } from "./images.js";
import { type RawRow, readTsv, type TsvDigest } from "./tsv.js";

export interface ReadOptions {
  /** Columns without which the file is refused, besides `index` and `image` or `image_path`. */
  readonly columns: readonly string[];
  /** `skip`: rows without images, for scoring. `memory` or a folder: where decoded images go. */
  readonly images: "skip" | "memory" | { readonly folder: string };
  /** Folder that `image_path` names files in; needed only by files without an `image` column. */
  readonly imageRoot?: string;
  /** The first rows only; all are read past, so that digest and columns are the whole file's. */
  readonly limit?: number;
  readonly onBytes?: (bytes: number) => void;
  readonly signal?: AbortSignal;
}

export interface Dataset extends TsvDigest {
  readonly path: string;
  readonly columns: readonly string[];
  readonly rows: readonly BenchmarkRow[];
  /** Rows of the whole file that have an image. */
  readonly total: number;
  /** Rows of the whole file that have none and are left out. */
  readonly withoutImage: number;
}

/** Images of a row: known, those of another row, or why there are none. */
type RowImages =
  | { readonly kind: "known"; readonly images: readonly ImageSource[] }
  | { readonly kind: "reference"; readonly index: string }
  | { readonly kind: "problem"; readonly problem: string };

/** What reading gathers. */
interface Gathered {
  readonly path: string;
  readonly options: ReadOptions;
  /** Cells that are read as columns at the end, every row of the file, images left out. */
  readonly raw: RawRow[];
  /** Position in `raw` of each row that has an image. */
  readonly kept: number[];
  readonly images: Map<string, RowImages>;
  /** Indices whose images wanted rows refer to. */
  readonly wanted: Set<string>;
  readonly seen: Map<string, number>;
  readonly duplicates: string[];
}

const NO_IMAGES = { kind: "known", images: [] } as const satisfies RowImages;

/** "7.0" and " 7" are index 7; anything else stays as written. */
export function readIndex(cell: string): string {
  const text = cell.trim();
  const whole = /^([+-]?\d+)(?:\.0+)?$/.exec(text)?.[1];
  return whole === undefined ? text : String(BigInt(whole.replace("+", "")));
}

function checkHeader(path: string, columns: readonly string[], required: readonly string[]): void {
  const missing = ["index", ...required].filter((name) => !columns.includes(name));
  const hasImages = columns.includes("image") || columns.includes("image_path");
  const lacking = hasImages ? missing : [...missing, "image"];
  if (lacking.length === 0) return;
  const found = columns.slice(0, 20).join(", ");
  throw new DataError(`${path}: missing columns: ${lacking.join(", ")}; it has ${found}`);
}

async function decodeImages(row: RawRow, where: string, options: ReadOptions): Promise<RowImages> {
  try {
    return await decodeCell(row, where, options);
  } catch (error) {
    if (error instanceof DataError) return { kind: "problem", problem: error.message };
    throw error;
  }
}

async function decodeCell(row: RawRow, where: string, options: ReadOptions): Promise<RowImages> {
  const cell = row["image"];
  if (cell !== undefined && !isMissing(cell)) {
    const content = readImageCell(cell, where);
    if (content.kind === "reference") return content;
    if (options.images === "skip") return NO_IMAGES;
    const folder = options.images === "memory" ? undefined : options.images.folder;
    const images: ImageSource[] = [];
    for (const text of content.texts) images.push(await keepImage(decodeBase64(text, where), folder));
    return { kind: "known", images };
  }
  const path = row["image_path"];
  if (path === undefined || options.images === "skip") return NO_IMAGES;
  return { kind: "known", images: imageFiles(path, options.imageRoot ?? ".", where) };
}

function hasImage(row: RawRow): boolean {
  const cell = row["image"] ?? row["image_path"];
  return cell !== undefined && !isMissing(cell);
}

async function gather(gathered: Gathered, row: RawRow, number: number): Promise<void> {
  const { path, options, raw, kept, images, wanted, seen, duplicates } = gathered;
  const cell = row["index"] ?? "";
  if (isMissing(cell)) throw new DataError(`${path}: row ${number}: missing index`);
  const index = readIndex(cell);
  const before = seen.get(index);
  if (before !== undefined) duplicates.push(`${index} (rows ${before} and ${number})`);
  seen.set(index, number);
  const { image: _image, ...cells } = row;
  raw.push(cells);
  if (!hasImage(row)) return;
  const isWanted = kept.length < (options.limit ?? Number.POSITIVE_INFINITY);
  kept.push(raw.length - 1);
  if (!isWanted && !wanted.has(index)) return;
  const found = await decodeImages(row, `${path}: row ${number}, index ${index}`, options);
  images.set(index, found);
  if (found.kind === "reference") wanted.add(found.index);
}

/** A row's images once references are followed (one step only, as in VLMEvalKit). */
function resolveImages({ path, images }: Gathered, index: string): Exclude<RowImages, { kind: "reference" }> {
  const own = images.get(index) ?? NO_IMAGES;
  if (own.kind !== "reference") return own;
  const target = images.get(own.index);
  if (target && target.kind !== "reference") return target;
  const fault = target ? "and that row refers on to another" : "and no row with an image has it";
  const problem = `${path}: index ${index}: invalid image: "${own.index}" is short, so it is an index, ${fault}`;
  return { kind: "problem", problem };
}

function columnsOf(
  raw: readonly RawRow[],
  names: readonly string[],
): Map<string, readonly (string | undefined)[]> {
  return new Map(
    names.map((name) => {
      const cells = raw.map((row) => (isMissing(row[name] ?? "") ? undefined : row[name]));
      return [name, name === "index" || name === "image_path" ? cells : readColumn(cells)];
    }),
  );
}

function rowsOf(gathered: Gathered, names: readonly string[]): BenchmarkRow[] {
  const { raw, kept, options } = gathered;
  const columns = columnsOf(
    raw,
    names.filter((name) => name !== "image"),
  );
  return kept.slice(0, options.limit).map((at) => {
    const index = readIndex(columns.get("index")?.[at] ?? "");
    const cells: Record<string, string> = {};
    for (const [name, values] of columns) {
      const cell = values[at];
      if (name !== "index" && cell !== undefined) cells[name] = cell;
    }
    const found = resolveImages(gathered, index);
    if (found.kind === "problem") return { index, cells, images: [], problem: found.problem };
    return { index, cells, images: found.images };
  });
}

/**
 * Reads a dataset file.
 * @throws DataError naming the missing columns or duplicate indices; a row whose image cannot be read has a `problem`
 */
export async function readDataset(path: string, options: ReadOptions): Promise<Dataset> {
  let columns: readonly string[] = [];
  const gathered: Gathered = {
    path,
    options,
    raw: [],
    kept: [],
    images: new Map(),
    wanted: new Set(),
    seen: new Map(),
    duplicates: [],
  };
  const digest = await readTsv(path, {
    onHeader(header) {
      checkHeader(path, header, options.columns);
      columns = header;
    },
    onRow: (row, number) => gather(gathered, row, number),
    ...given({ onBytes: options.onBytes, signal: options.signal }),
  });
  const { duplicates, raw, kept } = gathered;
  if (duplicates.length > 0) throw new DataError(`${path}: duplicate index: ${listed(duplicates)}`);
  const rows = rowsOf(gathered, columns);
  return { ...digest, path, columns, rows, total: kept.length, withoutImage: raw.length - kept.length };
}

/** Where `image_path` names files: VLMEvalKit's layout. */
export function imageFolder(root: string, dataset: string): string {
  return join(root, "images", dataset);
}
