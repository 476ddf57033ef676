/**
 * @module Plain arithmetic written in TeX, as the LaTeX reader that VLMEvalKit's MathVision comparison goes through
 * computes it: numbers, fractions, powers, ratios, percent. Names, roots and π have no value there.
 *
 * Two readers: `latex2sympy2` (rule sets of 2025) and `latex2sympy2_extended` (2026-08), which also reads degrees,
 * `\text{14}` as Python does, spaces of all kinds and mixed numbers, and groups of digits (`1,000`) only where they are all
 * there is. Of a text with boxes (`\boxed{8}`, `\fbox{8}`, `\boxed 8`) it
 * reads their contents alone, joined by commas. The older one stops without a word where it cannot read on, and keeps
 * what it has (`8. and` is 8, `1_000` is 1), and gives an assignment to one letter its value (`x=5` is 5). To the newer
 * one a value in braces of its own is a set with one element, which has no value (`{5}`, `(\{5\})`); within an operation
 * they group (`{5}+1`).
 *
 * Departure: a square root written as the power ½ has a value.
 */
import type { RuleSet } from "../records.js";
import { pythonValue, type Variables } from "./arithmetic.js";
import { boxContents } from "./latexBoxes.js";
import {
  add,
  divide,
  fraction,
  isWhole,
  multiply,
  negate,
  power,
  type Real,
  signOf,
  toNumber,
} from "./real.js";

export type LatexReader = "latex2sympy2" | "latex2sympy2_extended";

/** Which reader a rule set used. */
export function latexReader(rules: RuleSet): LatexReader {
  return rules === "2026-08" ? "latex2sympy2_extended" : "latex2sympy2";
}

const LONGEST = 2000;
const DEEPEST = 50;

/** What is written but means nothing. */
const SKIPPED: Readonly<Record<LatexReader, RegExp>> = {
  latex2sympy2: /^(?:\s|\\,|\\quad|\\qquad|\\displaystyle|\\left(?!\.)|\\right(?!\.)|~|\$)+/,
  latex2sympy2_extended: /^(?:\s|\\[,;:() ]|\\quad|\\qquad|\\left|\\right)+/,
};
/** What the newer reader drops or spells alike before it reads (`math_normalization.py`). */
const RESPELT: readonly (readonly [spelling: RegExp, meaning: string])[] = [
  [/\\mathrm\{th\}|\\!\s*|\\text\s*\{\s*\}|\\?\$|(?<!\\)["']|\\displaystyle/g, ""],
  [/\\(?:math(?:rm|it|bf)|text(?:normal|bf|it|rm)|mbox)(?=\{)/g, "\\text"],
  [/\s*\{\s*,\s*\}/g, ","],
  [/~=/g, "\\approx"],
  [/\s*\b(?:percent(?:age)?|pct)\b/g, "\\%"],
];
/** Words in upright type: to the newer reader they are what Python takes them for. */
const WORDS = /^\\text\{[^{}]*\}/;
/** Larger ones have no value. */
const LARGEST_BINOMIAL = 1000;
const FRACTION: Readonly<Record<LatexReader, RegExp>> = {
  latex2sympy2: /^\\[dt]?frac/,
  latex2sympy2_extended: /^\\[dtc]?frac/,
};
const NUMBER: Readonly<Record<LatexReader, RegExp>> = {
  latex2sympy2: /^(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)/,
  latex2sympy2_extended: /^(?:\d+(?:\.\d+)?|\.\d+)/,
};
/** Groups of three digits are one number to the newer reader where they are all there is. */
const GROUPED = /^\s*-?\d{1,3}(?:,\d{3})+(?:\.\d+)?\s*$/;
/** An index says nothing of a number. */
const INDEX = /^_\s*(?:\w|\{[^{}]*\})/;
/** Where the older reader stops and keeps what it has. */
const STOP = /^(?:[.)\]}_&']|\\\\)/;
/** What may stand before the value: a letter that it is given to. */
const GIVEN: Readonly<Record<LatexReader, RegExp>> = {
  latex2sympy2: /^\s*[a-z](?:_(?:\w|\{\s*\w+\s*\}))?\s*=/,
  latex2sympy2_extended: /^\s*[a-z]\s*(?:\\approx(?![a-z])|≈)|(?:\\approx(?![a-z])|≈)\s*[a-z]\s*$/,
};
const TIMES: Readonly<Record<LatexReader, RegExp>> = {
  latex2sympy2: /^(?:\*(?!\*)|\\times|\\cdot)/,
  latex2sympy2_extended: /^(?:\*(?!\*)|\\times|\\cdot|×)/,
};
const OVER: Readonly<Record<LatexReader, RegExp>> = {
  latex2sympy2: /^(?:\/|:|\\div)/,
  latex2sympy2_extended: /^(?:\/|:|\\div|÷)/,
};
const PLUS_MINUS: Readonly<Record<LatexReader, RegExp>> = {
  latex2sympy2: /^[-+]/,
  latex2sympy2_extended: /^[-+−]/,
};
const PERCENT: Readonly<Record<LatexReader, RegExp>> = {
  latex2sympy2: /^\\%/,
  latex2sympy2_extended: /^\s*\\?%/,
};
/** Where another factor begins. */
const FACTOR = /^(?:[([{\d]|\.\d|\\[dtc]?frac|\\\{|\\lbrace|\\text\{)/;
const DEGREES = /^\^\s*(?:\\circ|\{\s*\\circ\s*\})/;
const HUNDREDTH: Real = { top: 1n, bottom: 100n };
const CLOSING: Readonly<Record<string, string>> = {
  "(": ")",
  "[": "]",
  "{": "}",
  "\\{": "\\}",
  "\\lbrace": "\\rbrace",
};
const OPENING = /^(?:[([{]|\\\{|\\lbrace(?![a-z]))/;

/** Where reading stands. */
interface Cursor {
  readonly reader: LatexReader;
  readonly variables: Variables;
  /** What is left to read. */
  rest: string;
  depth: number;
}

interface Value {
  readonly value: Real;
  /** Written as a number, not computed: only those make mixed numbers. */
  readonly isWritten: boolean;
  /** The one element of a set. */
  readonly isElement?: true;
}

function isExtended({ reader }: Cursor): boolean {
  return reader === "latex2sympy2_extended";
}

function skip(cursor: Cursor): void {
  cursor.rest = cursor.rest.replace(SKIPPED[cursor.reader], "");
}

/** Takes what matches at the cursor, spaces before it skipped. */
function take(cursor: Cursor, pattern: RegExp): string | undefined {
  skip(cursor);
  const found = pattern.exec(cursor.rest)?.[0];
  if (found !== undefined) cursor.rest = cursor.rest.slice(found.length);
  return found;
}

function readGroup(cursor: Cursor): Value | undefined {
  const opening = take(cursor, OPENING);
  const closing = opening === undefined ? undefined : CLOSING[opening];
  if (closing === undefined || cursor.depth >= DEEPEST) return undefined;
  cursor.depth++;
  const inner = readWhole(cursor);
  cursor.depth--;
  skip(cursor);
  if (inner === undefined || !cursor.rest.startsWith(closing)) return undefined;
  cursor.rest = cursor.rest.slice(closing.length);
  return isExtended(cursor) && /^\\?\{/.test(opening ?? "") ? { ...inner, isElement: true } : inner;
}

/** The braces of an argument, which are no set. */
function readBraces(cursor: Cursor): Value | undefined {
  skip(cursor);
  const read = cursor.rest.startsWith("{") ? readGroup(cursor) : undefined;
  return read && { value: read.value, isWritten: read.isWritten };
}

function readFraction(cursor: Cursor): Value | undefined {
  const upper = readBraces(cursor);
  const lower = upper && readBraces(cursor);
  if (!upper || !lower) return undefined;
  const value = divide(upper.value, lower.value);
  const isWritten = [upper, lower].every((part) => part.isWritten && isWhole(part.value));
  return value === undefined ? undefined : { value, isWritten };
}

function written(number: string): Real {
  return number.includes(".") ? Number(number) : fraction(BigInt(number));
}

/** A number as written, or a percentage of one: the sign belongs to digits only. */
function readNumber(cursor: Cursor): Value | undefined {
  const number = take(cursor, NUMBER[cursor.reader]);
  if (number === undefined) return undefined;
  const value = written(number.replaceAll(",", ""));
  const percent = PERCENT[cursor.reader].exec(cursor.rest)?.[0];
  if (percent === undefined) return { value, isWritten: true };
  cursor.rest = cursor.rest.slice(percent.length);
  return { value: multiply(value, HUNDREDTH), isWritten: false };
}

/** Of whole numbers, as far as a double counts. */
function binomial(above: Real, below: Real): Real | undefined {
  const [n, k] = [toNumber(above), toNumber(below)];
  if (![n, k].every(Number.isInteger) || k < 0 || k > n || n > LARGEST_BINOMIAL) return undefined;
  let value = 1n;
  for (let at = 1; at <= k; at++) value = (value * BigInt(n - k + at)) / BigInt(at);
  return fraction(value);
}

/** `\frac{…}{…}`, `\binom{…}{…}`, `\sqrt[3]{…}`; a square root has no value. */
function readCommand(cursor: Cursor): Value | undefined {
  if (take(cursor, FRACTION[cursor.reader]) !== undefined) return readFraction(cursor);
  if (take(cursor, /^\\binom(?![a-z])/) !== undefined) {
    const above = readBraces(cursor);
    const below = above && readBraces(cursor);
    const value = above && below && binomial(above.value, below.value);
    return value === undefined ? undefined : { value, isWritten: false };
  }
  const [, index] = /^\\sqrt\[(\d{1,2})\]/.exec(take(cursor, /^\\sqrt\[\d{1,2}\]/) ?? "") ?? [];
  if (index === undefined || index === "2") return undefined;
  const inner = readBraces(cursor);
  const value = inner && power(inner.value, fraction(1n, BigInt(index)));
  return value === undefined ? undefined : { value, isWritten: false };
}

/** A letter that the caller has a value for, or words as Python reads them. */
function readNamed(cursor: Cursor): Value | undefined {
  const words = take(cursor, WORDS)
    ?.slice("\\text{".length, -1)
    .replaceAll(/[\s()]/g, "");
  const name = words === undefined ? take(cursor, /^[a-z](?![a-z])/) : undefined;
  const value =
    words === undefined
      ? name !== undefined && Object.hasOwn(cursor.variables, name)
        ? cursor.variables[name]
        : undefined
      : pythonValue(words);
  return value === undefined ? undefined : { value, isWritten: false };
}

function readAtom(cursor: Cursor): Value | undefined {
  const number = readNumber(cursor);
  if (number) return number;
  if (/^\\(?:[dtc]?frac|binom|sqrt)/.test(cursor.rest)) return readCommand(cursor);
  if (isExtended(cursor) && /^(?:[a-z]|\\text\{)/.test(cursor.rest)) return readNamed(cursor);
  return readGroup(cursor);
}

/** An atom with what stands behind it and says nothing: an index, primes. */
function readPostfix(cursor: Cursor): Value | undefined {
  const base = readAtom(cursor);
  if (!base) return undefined;
  if (!isExtended(cursor)) {
    take(cursor, /^'+/);
    return base;
  }
  if (base.isWritten) take(cursor, INDEX);
  return base;
}

function readExponent(cursor: Cursor): Value | undefined {
  skip(cursor);
  return cursor.rest.startsWith("{") ? readGroup(cursor) : readAtom(cursor);
}

/** Powers from the left, as both readers take them; degrees are none. */
function readPower(cursor: Cursor): Value | undefined {
  let base = readPostfix(cursor);
  for (;;) {
    while (base && isExtended(cursor) && take(cursor, DEGREES) !== undefined)
      base = { value: base.value, isWritten: base.isWritten };
    if (!base || take(cursor, /^\^/) === undefined) return base;
    const exponent = readExponent(cursor);
    const value = exponent && power(base.value, exponent.value);
    base = value === undefined ? undefined : { value, isWritten: false };
  }
}

/** Two numbers side by side: a product, or to the newer reader a mixed number where a positive integer comes first. */
function sideBySide(cursor: Cursor, left: Value, right: Value): Value {
  const isMixed =
    isExtended(cursor) &&
    left.isWritten &&
    right.isWritten &&
    isWhole(left.value) &&
    typeof right.value !== "number" &&
    signOf(left.value) > 0 &&
    signOf(right.value) > 0;
  return { value: (isMixed ? add : multiply)(left.value, right.value), isWritten: isMixed };
}

function readFactors(cursor: Cursor): Value | undefined {
  let left = readPower(cursor);
  for (;;) {
    skip(cursor);
    if (!left || !FACTOR.test(cursor.rest)) return left;
    const right = readPower(cursor);
    left = right && sideBySide(cursor, left, right);
  }
}

function readSigned(cursor: Cursor): Value | undefined {
  const sign = take(cursor, PLUS_MINUS[cursor.reader]);
  if (sign === undefined) return readFactors(cursor);
  if (cursor.depth >= DEEPEST) return undefined;
  cursor.depth++;
  const value = readSigned(cursor);
  cursor.depth--;
  return value && { value: sign === "+" ? value.value : negate(value.value), isWritten: false };
}

function readProduct(cursor: Cursor): Value | undefined {
  let left = readSigned(cursor);
  for (;;) {
    const isTimes = left && take(cursor, TIMES[cursor.reader]) !== undefined;
    const isOver = left && !isTimes && take(cursor, OVER[cursor.reader]) !== undefined;
    if (!left || (!isTimes && !isOver)) return left;
    const right = readSigned(cursor);
    const value: Real | undefined = right && (isTimes ? multiply : divide)(left.value, right.value);
    const isQuotient = isOver === true && left.isWritten && right?.isWritten === true;
    left = value === undefined ? undefined : { value, isWritten: isQuotient };
  }
}

function readSum(cursor: Cursor): Value | undefined {
  let left = readProduct(cursor);
  for (;;) {
    const sign = left && take(cursor, PLUS_MINUS[cursor.reader]);
    if (!left || sign === undefined) return left;
    const right = readProduct(cursor);
    if (!right) return undefined;
    left = { value: add(left.value, sign === "+" ? right.value : negate(right.value)), isWritten: false };
  }
}

/** What a group, or the text, holds: a sum, or two with `\over` between them. */
function readWhole(cursor: Cursor): Value | undefined {
  const upper = readSum(cursor);
  if (!upper || take(cursor, /^\\over(?![a-z])/) === undefined) return upper;
  const lower = readSum(cursor);
  const value = lower && divide(upper.value, lower.value);
  return value === undefined ? undefined : { value, isWritten: false };
}

/** As the reader sees a text. */
function shownTo(reader: LatexReader, text: string): string {
  if (reader === "latex2sympy2") return text;
  const spelt = RESPELT.reduce(
    (shown, [spelling, meaning]) => shown.replaceAll(spelling, meaning),
    boxContents(text),
  );
  return GROUPED.test(spelt) ? spelt.replaceAll(",", "") : spelt;
}

/** The value of a text; undefined where the reader finds none or it is no plain arithmetic. */
export function latexValue(text: string, reader: LatexReader, variables: Variables = {}): Real | undefined {
  const isNewer = reader === "latex2sympy2_extended";
  const shown = shownTo(reader, text);
  if (shown.length > LONGEST) return undefined;
  const cursor: Cursor = { reader, variables, rest: shown.replace(GIVEN[reader], ""), depth: 0 };
  const read = readWhole(cursor);
  skip(cursor);
  const isRead = cursor.rest === "" || (!isNewer && STOP.test(cursor.rest));
  return isRead && !read?.isElement ? read?.value : undefined;
}
