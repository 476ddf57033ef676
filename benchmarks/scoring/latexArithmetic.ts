/**
 * @module Plain arithmetic written in TeX, as the LaTeX reader that VLMEvalKit's MathVision comparison goes through
 * computes it: numbers, fractions, powers, ratios, percent. Names, roots and π have no value there.
 *
 * Two readers: `latex2sympy2` (rule sets of 2025) and `latex2sympy2_extended` (2026-08), which also reads degrees,
 * `\text{14}`, spaces of all kinds and mixed numbers. Of a text with boxes (`\boxed{8}`, `\fbox{8}`, `\boxed 8`) it
 * reads their contents alone, joined by commas. The older one stops without a word where it cannot read on, and keeps
 * what it has (`8. and` is 8, `1_000` is 1), and gives an assignment to one letter its value (`x=5` is 5).
 *
 * Departure: a square root written as the power ½ has a value.
 */
import type { RuleSet } from "../records.js";
import type { Variables } from "./arithmetic.js";
import { boxContents } from "./latexBoxes.js";
import { add, divide, fraction, isWhole, multiply, negate, power, type Real, signOf } from "./real.js";

export type LatexReader = "latex2sympy2" | "latex2sympy2_extended";

/** Which reader a rule set used. */
export function latexReader(rules: RuleSet): LatexReader {
  return rules === "2026-08" ? "latex2sympy2_extended" : "latex2sympy2";
}

const LONGEST = 2000;
const DEEPEST = 50;

/** What is written but means nothing. */
const SKIPPED: Readonly<Record<LatexReader, RegExp>> = {
  latex2sympy2: /^(?:\s|\\,|\\quad|\\qquad|\\displaystyle|\\left|\\right|\\\\$|\$)+/,
  latex2sympy2_extended:
    /^(?:\s|\\[,;:! ]|\\quad|\\qquad|\\displaystyle|\\left|\\right|\\?\$|~|\\text\{\s*\})+/,
};
/** Commands whose braces change nothing. */
const WRAPPERS = /^\\(?:text|mathrm|mathbf|textbf)(?=\{)/;
const FRACTION = /^\\[dt]?frac/;
const NUMBER = /^(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)/;
/** Where the older reader stops and keeps what it has. */
const STOP = /^[.)\]}_&']/;
/** What may stand before the value: a letter that it is given to. */
const GIVEN: Readonly<Record<LatexReader, RegExp>> = {
  latex2sympy2: /^\s*[a-z](?:_(?:\w|\{\s*\w+\s*\}))?\s*=/,
  latex2sympy2_extended: /^\s*[a-z]\s*\\approx(?![a-z])/,
};
const TIMES = /^(?:\*(?!\*)|\\times|\\cdot|×|·)/;
const OVER = /^(?:\/|:|\\div)/;
const OVER_EXTENDED = /^(?:\/|:|\\div|÷)/;
const DEGREES = /^\^\s*(?:\\circ|\{\s*\\circ\s*\})/;
const HUNDREDTH: Real = { top: 1n, bottom: 100n };
const CLOSING: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}", "\\{": "\\}" };

/** Where reading stands. */
interface Cursor {
  readonly reader: LatexReader;
  readonly variables: Variables;
  /** What is left to read. */
  rest: string;
  depth: number;
}

/** A number and whether it was written as one (not computed): only those make mixed numbers. */
interface Value {
  readonly value: Real;
  readonly isWritten: boolean;
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
  const opening = take(cursor, isExtended(cursor) ? /^[([{]/ : /^(?:[([{]|\\\{)/);
  const closing = opening === undefined ? undefined : CLOSING[opening];
  if (closing === undefined || cursor.depth >= DEEPEST) return undefined;
  cursor.depth++;
  const inner = readSum(cursor);
  cursor.depth--;
  skip(cursor);
  if (inner === undefined || !cursor.rest.startsWith(closing)) return undefined;
  cursor.rest = cursor.rest.slice(closing.length);
  return inner;
}

function readBraces(cursor: Cursor): Value | undefined {
  skip(cursor);
  return cursor.rest.startsWith("{") ? readGroup(cursor) : undefined;
}

function readFraction(cursor: Cursor): Value | undefined {
  const upper = readBraces(cursor);
  const lower = upper && readBraces(cursor);
  if (!upper || !lower) return undefined;
  const value = divide(upper.value, lower.value);
  return value === undefined ? undefined : { value, isWritten: upper.isWritten && lower.isWritten };
}

function written(number: string): Real {
  return number.includes(".") ? Number(number) : fraction(BigInt(number));
}

function readAtom(cursor: Cursor): Value | undefined {
  const number = take(cursor, NUMBER);
  if (number !== undefined) return { value: written(number.replaceAll(",", "")), isWritten: true };
  if (take(cursor, FRACTION) !== undefined) return readFraction(cursor);
  if (isExtended(cursor)) {
    if (take(cursor, WRAPPERS) !== undefined) return readBraces(cursor);
    const name = take(cursor, /^[a-z](?![a-z])/);
    if (name !== undefined) {
      const value = Object.hasOwn(cursor.variables, name) ? cursor.variables[name] : undefined;
      return value === undefined ? undefined : { value, isWritten: false };
    }
  }
  return readGroup(cursor);
}

/** An atom with what stands behind it: percent, degrees. */
function readPostfix(cursor: Cursor): Value | undefined {
  const base = readAtom(cursor);
  if (!base) return undefined;
  if (isExtended(cursor)) {
    if (take(cursor, /^\\?%/) !== undefined)
      return { value: multiply(base.value, HUNDREDTH), isWritten: false };
    if (take(cursor, DEGREES) !== undefined) return { value: base.value, isWritten: false };
    return base;
  }
  if (!cursor.rest.startsWith("\\%")) return base;
  cursor.rest = cursor.rest.slice(2);
  return { value: multiply(base.value, HUNDREDTH), isWritten: false };
}

function readExponent(cursor: Cursor): Value | undefined {
  skip(cursor);
  return cursor.rest.startsWith("{") ? readGroup(cursor) : readAtom(cursor);
}

/** Powers from the left, as both readers take them. */
function readPower(cursor: Cursor): Value | undefined {
  let base = readPostfix(cursor);
  while (base && take(cursor, /^\^/) !== undefined) {
    const exponent = readExponent(cursor);
    const value = exponent && power(base.value, exponent.value);
    base = value === undefined ? undefined : { value, isWritten: false };
  }
  return base;
}

/** Two numbers side by side: a product, or to the newer reader a mixed number where a positive integer comes first. */
function sideBySide(cursor: Cursor, left: Value, right: Value): Value {
  const isMixed =
    isExtended(cursor) &&
    left.isWritten &&
    right.isWritten &&
    isWhole(left.value) &&
    signOf(left.value) > 0 &&
    signOf(right.value) > 0;
  return { value: (isMixed ? add : multiply)(left.value, right.value), isWritten: isMixed };
}

function readFactors(cursor: Cursor): Value | undefined {
  let left = readPower(cursor);
  for (;;) {
    skip(cursor);
    if (!left || !/^(?:[([{\d]|\.\d|\\[dt]?frac|\\\{)/.test(cursor.rest)) return left;
    const right = readPower(cursor);
    left = right && sideBySide(cursor, left, right);
  }
}

function readSigned(cursor: Cursor): Value | undefined {
  const sign = take(cursor, isExtended(cursor) ? /^[-+−]/ : /^[-+]/);
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
    const isTimes = left && take(cursor, TIMES) !== undefined;
    const isOver = left && !isTimes && take(cursor, isExtended(cursor) ? OVER_EXTENDED : OVER) !== undefined;
    if (!left || (!isTimes && !isOver)) return left;
    const right = readSigned(cursor);
    const value: Real | undefined = right && (isTimes ? multiply : divide)(left.value, right.value);
    left = value === undefined ? undefined : { value, isWritten: false };
  }
}

function readSum(cursor: Cursor): Value | undefined {
  let left = readProduct(cursor);
  for (;;) {
    const sign = left && take(cursor, isExtended(cursor) ? /^[-+−]/ : /^[-+]/);
    if (!left || sign === undefined) return left;
    const right = readProduct(cursor);
    if (!right) return undefined;
    left = { value: add(left.value, sign === "+" ? right.value : negate(right.value)), isWritten: false };
  }
}

/** The value of a text; undefined where the reader finds none or it is no plain arithmetic. */
export function latexValue(text: string, reader: LatexReader, variables: Variables = {}): Real | undefined {
  const isNewer = reader === "latex2sympy2_extended";
  const shown = isNewer ? boxContents(text) : text;
  if (shown.length > LONGEST) return undefined;
  const cursor: Cursor = { reader, variables, rest: shown.replace(GIVEN[reader], ""), depth: 0 };
  const value = readSum(cursor)?.value;
  skip(cursor);
  return cursor.rest === "" || (!isNewer && STOP.test(cursor.rest)) ? value : undefined;
}
