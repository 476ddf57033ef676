/**
 * @module Python literals as data files hold them in cells: lists, tuples and dicts of strings, numbers, None,
 * True and False. Read, never run.
 */

export type PythonValue =
  | string
  | number
  | boolean
  | null
  | readonly PythonValue[]
  | { readonly [key: string]: PythonValue };

/** Where reading stands. */
interface Cursor {
  readonly text: string;
  at: number;
  /** What a number becomes. */
  readonly numberOf: (digits: string, isFloat: boolean) => string | number;
}

// Digits with single underscores between them; whole numbers begin with 0 only where they are 0.
const DIGITS = "\\d(?:_?\\d)*";
const EXPONENT = `[eE][+-]?${DIGITS}`;
const FLOAT = new RegExp(
  `[+-]?(?:(?:${DIGITS})?\\.${DIGITS}(?:${EXPONENT})?|${DIGITS}\\.(?:${EXPONENT})?|${DIGITS}${EXPONENT})`,
  "y",
);
const INTEGER = /[+-]?(?:[1-9](?:_?\d)*|0(?:_?0)*)/y;
const WORD = /[A-Za-z]+/y;
const WORDS: Readonly<Record<string, PythonValue>> = { None: null, True: true, False: false };
const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\",
  "'": "'",
  '"': '"',
  a: "\u0007",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\n": "",
};
/** Digits of `\x41`, `\u0041`, `\U00000041`. */
const HEX_DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };
const MAX_DEPTH = 64;

/**
 * Reads one literal. Dict keys become strings. A `{}` is a dict; sets, byte strings, f-strings and anything that would
 * have to be computed are refused.
 * @returns the value, or why there is none
 */
export function parsePythonLiteral(
  text: string,
): { readonly value: PythonValue } | { readonly problem: string } {
  return parse({ text, at: 0, numberOf: Number });
}

function parse(cursor: Cursor): { readonly value: PythonValue } | { readonly problem: string } {
  try {
    const value = readValue(cursor, 0);
    skipSpace(cursor);
    if (cursor.at < cursor.text.length) return { problem: problemAt(cursor, "end of text") };
    return { value };
  } catch (error) {
    if (error instanceof LiteralError) return { problem: error.message };
    throw error;
  }
}

/** A list literal of strings, numbers among them as Python's `str` would show them; undefined for anything else. */
export function parsePythonStrings(text: string): readonly string[] | undefined {
  const parsed = parse({ text, at: 0, numberOf: shownNumber });
  if (!("value" in parsed) || !Array.isArray(parsed.value)) return undefined;
  const items = parsed.value as readonly PythonValue[];
  return items.every((item) => typeof item === "string") ? items : undefined;
}

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

/** `str` of a number. */
function shownNumber(digits: string, isFloat: boolean): string {
  return isFloat ? floatText(Number(digits)) : String(BigInt(digits));
}

class LiteralError extends Error {}

function problemAt({ text, at }: Cursor, expected: string): string {
  const found = at < text.length ? `"${text.slice(at, at + 12)}"` : "the end";
  return `expected ${expected} at character ${at + 1}, found ${found}`;
}

function skipSpace(cursor: Cursor): void {
  while (/\s/.test(cursor.text.charAt(cursor.at))) cursor.at++;
}

function readValue(cursor: Cursor, depth: number): PythonValue {
  if (depth > MAX_DEPTH) throw new LiteralError(problemAt(cursor, `at most ${MAX_DEPTH} levels`));
  skipSpace(cursor);
  const sign = cursor.text.charAt(cursor.at);
  if (sign === "[") return readItems(cursor, "]", depth);
  if (sign === "(") return readItems(cursor, ")", depth);
  if (sign === "{") return readDict(cursor, depth);
  if (sign === "'" || sign === '"') return readStrings(cursor);
  return readNumberOrWord(cursor);
}

function match(cursor: Cursor, pattern: RegExp): string | undefined {
  pattern.lastIndex = cursor.at;
  const found = pattern.exec(cursor.text)?.[0];
  if (found !== undefined) cursor.at += found.length;
  return found;
}

function readNumberOrWord(cursor: Cursor): PythonValue {
  const float = match(cursor, FLOAT);
  const number = float ?? match(cursor, INTEGER);
  if (number !== undefined) return cursor.numberOf(number.replaceAll("_", ""), float !== undefined);
  const start = cursor.at;
  const word = match(cursor, WORD);
  if (word !== undefined && Object.hasOwn(WORDS, word)) return WORDS[word] as PythonValue;
  cursor.at = start;
  throw new LiteralError(problemAt(cursor, "a Python literal"));
}

/** Whether the closing sign comes next; steps over it. */
function isClosed(cursor: Cursor, sign: string): boolean {
  skipSpace(cursor);
  if (cursor.text.charAt(cursor.at) !== sign) return false;
  cursor.at++;
  return true;
}

/** A list or tuple; brackets around one value without a comma are that value. */
function readItems(cursor: Cursor, close: "]" | ")", depth: number): PythonValue {
  cursor.at++;
  const items: PythonValue[] = [];
  let commas = 0;
  while (!isClosed(cursor, close)) {
    if (items.length > commas) {
      expect(cursor, ",");
      commas++;
    } else items.push(readValue(cursor, depth + 1));
  }
  return close === ")" && items.length === 1 && commas === 0 ? (items[0] as PythonValue) : items;
}

function readDict(cursor: Cursor, depth: number): PythonValue {
  cursor.at++;
  const entries: [string, PythonValue][] = [];
  while (!isClosed(cursor, "}")) {
    if (entries.length > 0) expect(cursor, ",");
    if (entries.length > 0 && isClosed(cursor, "}")) break;
    const key = String(readValue(cursor, depth + 1));
    expect(cursor, ":");
    entries.push([key, readValue(cursor, depth + 1)]);
  }
  return Object.fromEntries(entries);
}

function expect(cursor: Cursor, sign: string): void {
  if (!isClosed(cursor, sign)) throw new LiteralError(problemAt(cursor, `"${sign}"`));
}

/** Strings side by side are one string, as in Python. */
function readStrings(cursor: Cursor): string {
  let text = readString(cursor);
  for (;;) {
    const end = cursor.at;
    skipSpace(cursor);
    const next = cursor.text.charAt(cursor.at);
    if (next !== "'" && next !== '"') {
      cursor.at = end;
      return text;
    }
    text += readString(cursor);
  }
}

function readString(cursor: Cursor): string {
  const quote = cursor.text.charAt(cursor.at);
  cursor.at++;
  const start = cursor.at;
  // Image lists hold megabytes without a backslash: find the end in one go.
  const end = cursor.text.indexOf(quote, start);
  const plain = end < 0 ? "" : cursor.text.slice(start, end);
  if (end >= 0 && !/[\\\n]/.test(plain)) {
    cursor.at = end + 1;
    return plain;
  }
  return readEscaped(cursor, quote);
}

function readEscaped(cursor: Cursor, quote: string): string {
  const parts: string[] = [];
  for (;;) {
    const sign = cursor.text.charAt(cursor.at);
    if (sign === "" || sign === "\n") throw new LiteralError(problemAt(cursor, `closing ${quote}`));
    cursor.at++;
    if (sign === quote) return parts.join("");
    parts.push(sign === "\\" ? readEscape(cursor) : sign);
  }
}

function readEscape(cursor: Cursor): string {
  const sign = cursor.text.charAt(cursor.at);
  const digits = HEX_DIGITS[sign];
  if (digits !== undefined) {
    const hex = cursor.text.slice(cursor.at + 1, cursor.at + 1 + digits);
    const code = /^[0-9a-fA-F]+$/.test(hex) && hex.length === digits ? Number.parseInt(hex, 16) : -1;
    if (code < 0 || code > 0x10ffff) throw new LiteralError(problemAt(cursor, `${digits} hex digits`));
    cursor.at += 1 + digits;
    return String.fromCodePoint(code);
  }
  const octal = match(cursor, /[0-7]{1,3}/y);
  if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
  cursor.at++;
  return ESCAPES[sign] ?? `\\${sign}`;
}
