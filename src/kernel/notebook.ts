/**
 * @module Notebook files (nbformat 4.5): the parts that are read and written, kept as they are where not touched.
 */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { DataError, messageOf } from "../core/errors.js";
import { writeFileAtomic } from "../core/files/atomic.js";
import { canonicalJson, sha256 } from "../core/files/digest.js";

const text = z.union([z.string(), z.array(z.string())]);
const bundle = z.record(z.string(), z.json());

const streamOutput = z.object({
  output_type: z.literal("stream"),
  name: z.enum(["stdout", "stderr"]),
  text,
});
const displayOutput = z.object({
  output_type: z.literal("display_data"),
  data: bundle,
  metadata: bundle,
});
const resultOutput = z.object({
  output_type: z.literal("execute_result"),
  execution_count: z.number().nullable(),
  data: bundle,
  metadata: bundle,
});
const errorOutput = z.object({
  output_type: z.literal("error"),
  ename: z.string(),
  evalue: z.string(),
  traceback: z.array(z.string()),
});
const output = z.discriminatedUnion("output_type", [streamOutput, displayOutput, resultOutput, errorOutput]);

const cell = z.looseObject({
  cell_type: z.enum(["code", "markdown", "raw"]),
  id: z.string().optional(),
  metadata: z.looseObject({ tags: z.array(z.string()).optional() }),
  source: text,
  execution_count: z.number().nullable().optional(),
  outputs: z.array(output).optional(),
});

const notebook = z.looseObject({
  cells: z.array(cell),
  metadata: z.looseObject({}),
  nbformat: z.literal(4),
  nbformat_minor: z.number(),
});

export type Output = z.infer<typeof output>;
export type Cell = z.infer<typeof cell>;
export type Notebook = z.infer<typeof notebook>;

/** Several lines of text, however the file splits them. */
export function joinText(value: string | readonly string[]): string {
  return typeof value === "string" ? value : value.join("");
}

/** One string a line, each but the last with its line feed: how notebooks are kept, for the sake of their diffs. */
export function splitText(value: string): string[] {
  return value === "" ? [] : value.split(/(?<=\n)/);
}

/** @throws DataError when the file cannot be read or is no notebook */
export async function readNotebook(path: string): Promise<Notebook> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new DataError(`${path}: invalid notebook: ${messageOf(error)}; name an .ipynb file`, {
      cause: error,
    });
  }
  const parsed = notebook.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new DataError(`${path}: no notebook of format 4: ${z.prettifyError(parsed.error)}`);
}

/** The file's text, with keys in order and one space of indentation, as Jupyter writes it. */
export function formatNotebook(value: Notebook): string {
  return `${JSON.stringify(JSON.parse(canonicalJson(value)), undefined, 1)}\n`;
}

/** Cells without an id get one that depends on their place and text only. */
export function withCellIds(value: Notebook): Notebook {
  const cells = value.cells.map((one, at) => ({
    ...one,
    id: one.id ?? sha256(`${at} ${joinText(one.source)}`).slice(0, 8),
  }));
  return { ...value, cells, nbformat_minor: Math.max(5, value.nbformat_minor) };
}

/** Writes the notebook whole or not at all. */
export async function writeNotebook(path: string, value: Notebook): Promise<void> {
  await writeFileAtomic(path, formatNotebook(value));
}
