/**
 * @module Cells as `pandas.read_csv` understands them: words that mean "missing", and columns that are numbers.
 *
 * Why it matters: VLMEvalKit's prompts and golds are built from what pandas made of the file. An option whose text is
 * `None` is no option there, and a column of `007`s is a column of 7s.
 */

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

/** A number as Python's `repr` prints a float: shortest, with a point or an exponent. */
export function floatText(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? "inf" : value < 0 ? "-inf" : "nan";
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const [mantissa = "", exponent = "0"] = value.toExponential().split("e");
  const power = Number(exponent);
  if (power < -4 || power >= 16) {
    const sign = power < 0 ? "-" : "+";
    return `${mantissa}e${sign}${String(Math.abs(power)).padStart(2, "0")}`;
  }
  const plain = value.toString(); // without an exponent from 1e-6 to 1e21
  return plain.includes(".") ? plain : `${plain}.0`;
}

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
