/**
 * @module Cells as `pandas.read_csv` understands them: words that mean "missing", and columns that are numbers.
 *
 * Why it matters: VLMEvalKit's prompts and golds are built from what pandas made of the file. An option whose text is
 * `None` is no option there, and a column of `007`s is a column of 7s.
 */
import { floatText } from "../../src/core/pythonLiteral.js";

/** Missing in every column, quoted or not (pandas 2). */
const MISSING = new Set([
  "",
  "NA",
  "N/A",
  "n/a",
  "nan",
  "NaN",
  "-nan",
  "-NaN",
  "null",
  "NULL",
  "None",
  "<NA>",
  "#N/A",
  "#NA",
  "#N/A N/A",
  "1.#IND",
  "1.#QNAN",
  "-1.#IND",
  "-1.#QNAN",
]);

/** Whether a cell holds one of the words that pandas takes for "no value". */
export function isMissing(cell: string): boolean {
  return MISSING.has(cell);
}

const INTEGER = /^\s*[+-]?\d+\s*$/;
const FLOAT = /^\s*[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf(?:inity)?)\s*$/i;
const BOOLEAN = /^(?:True|TRUE|true|False|FALSE|false)$/;
/** Beyond this an integer column stays text: it would not fit 64 bits. */
const MOST_DIGITS = 18;

function parseFloatCell(cell: string): number {
  const text = cell.trim().toLowerCase();
  return text.includes("inf") ? (text.startsWith("-") ? -Infinity : Infinity) : Number(text);
}

/**
 * A column's cells as Python would print them.
 * @param cells undefined: missing
 */
export function readColumn(cells: readonly (string | undefined)[]): readonly (string | undefined)[] {
  const present = cells.filter((cell) => cell !== undefined);
  if (present.length === 0) return cells;
  if (present.every((cell) => BOOLEAN.test(cell))) {
    return cells.map((cell) => cell && cell.charAt(0).toUpperCase() + cell.slice(1).toLowerCase());
  }
  if (!present.every((cell) => FLOAT.test(cell))) return cells;
  const isWhole = present.length === cells.length && present.every((cell) => INTEGER.test(cell));
  if (isWhole && present.some((cell) => cell.replace(/\D/g, "").length > MOST_DIGITS)) return cells;
  return cells.map((cell) => {
    if (cell === undefined) return undefined;
    return isWhole ? String(BigInt(cell.trim().replace("+", ""))) : floatText(parseFloatCell(cell));
  });
}
