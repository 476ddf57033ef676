/**
 * @module Plain arithmetic as Python's `eval` computes it, read by a grammar: model text is never run.
 *
 * Numbers (with `_`, exponents, hexadecimal), `+ - * / // % **`, the bitwise `^` that Python takes a caret for, signs,
 * parentheses, and the names that the caller gives. Everything else has no value, as where Python raises an error or
 * returns what has no difference to a number.
 *
 * Departures from `eval`: comparisons (`3<5` is 1 in Python), calls (`round(5.2)`), complex numbers, `& | ~ << >>`.
 */

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
  wholeOf,
} from "./real.js";

export type Variables = Readonly<Record<string, Real>>;

/** Longer texts, or more brackets within each other, have no value. */
const LONGEST = 2000;
const DEEPEST = 50;

type Operator = (left: Real, right: Real) => Real | undefined;

/** A zero divisor has no value; `/` gives a double, as in Python. */
const OPERATORS: Readonly<Record<string, { readonly level: number; readonly apply: Operator }>> = {
  "^": { level: 1, apply: exclusiveOr },
  "+": { level: 2, apply: add },
  "-": { level: 2, apply: (left, right) => add(left, negate(right)) },
  "*": { level: 3, apply: multiply },
  "/": { level: 3, apply: trueQuotient },
  "//": { level: 3, apply: floorQuotient },
  "%": { level: 3, apply: remainder },
};
const UNARY_LEVEL = 4;

function exclusiveOr(left: Real, right: Real): Real | undefined {
  return isWhole(left) && isWhole(right) ? fraction(wholeOf(left) ^ wholeOf(right)) : undefined;
}

function trueQuotient(left: Real, right: Real): Real | undefined {
  const quotient = divide(left, right);
  return quotient === undefined ? undefined : toNumber(quotient);
}

/** Python's floor division of doubles and its rest: the rest is exact, and the quotient is made of it. */
function floatDivision(x: number, y: number): { readonly quotient: number; readonly rest: number } {
  const cut = x % y;
  const isOver = cut !== 0 && cut < 0 !== y < 0;
  const quotient = (x - cut) / y - (isOver ? 1 : 0);
  const floor = Math.floor(quotient);
  return {
    quotient: quotient - floor > 0.5 ? floor + 1 : floor,
    rest: isOver ? cut + y : cut === 0 ? y * 0 : cut,
  };
}

function floorQuotient(left: Real, right: Real): Real | undefined {
  if (signOf(right) === 0) return undefined;
  if (!isWhole(left) || !isWhole(right)) return floatDivision(toNumber(left), toNumber(right)).quotient;
  const [a, b] = [wholeOf(left), wholeOf(right)];
  return fraction(a / b - (a % b !== 0n && a < 0n !== b < 0n ? 1n : 0n));
}

function remainder(left: Real, right: Real): Real | undefined {
  if (signOf(right) === 0) return undefined;
  if (!isWhole(left) || !isWhole(right)) return floatDivision(toNumber(left), toNumber(right)).rest;
  const rest = wholeOf(left) % wholeOf(right);
  return fraction(rest !== 0n && rest < 0n !== wholeOf(right) < 0n ? rest + wholeOf(right) : rest);
}

const TOKEN =
  /[ \t]*(?:(?<number>0[xX][0-9a-fA-F]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?)|(?<name>[A-Za-z]\w*)|(?<sign>\*\*|\/\/|[-+*/%^()]))/y;

interface Token {
  readonly kind: "number" | "name" | "sign";
  readonly text: string;
}

function tokensOf(text: string): Token[] | undefined {
  const tokens: Token[] = [];
  const source = text.trimEnd();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < source.length) {
    const groups = TOKEN.exec(source)?.groups;
    if (!groups) return undefined;
    const { number, name, sign } = groups;
    if (number !== undefined) tokens.push({ kind: "number", text: number });
    else if (name !== undefined) tokens.push({ kind: "name", text: name });
    else tokens.push({ kind: "sign", text: sign ?? "" });
  }
  return tokens;
}

/** An integer may not start with 0, underscores stand between digits. */
function numberOf(text: string): Real | undefined {
  if (/^0[0_]*[1-9][\d_]*$/.test(text) || /__|_(?!\d)|^_|\._/.test(text)) return undefined;
  const digits = text.replaceAll("_", "");
  return /^(?:\d+|0x[\da-f]+)$/i.test(digits) ? fraction(BigInt(digits)) : Number(digits);
}

/** Where reading stands. */
interface Cursor {
  readonly tokens: readonly Token[];
  readonly variables: Variables;
  at: number;
}

function isSign(cursor: Cursor, sign: string): boolean {
  const token = cursor.tokens[cursor.at];
  return token?.kind === "sign" && token.text === sign;
}

function readAtom(cursor: Cursor, depth: number): Real | undefined {
  const token = cursor.tokens[cursor.at++];
  if (token?.kind === "number") return numberOf(token.text);
  if (token?.kind === "name") {
    return Object.hasOwn(cursor.variables, token.text) ? cursor.variables[token.text] : undefined;
  }
  if (token?.text !== "(") return undefined;
  const value = readExpression(cursor, 0, depth + 1);
  if (!isSign(cursor, ")")) return undefined;
  cursor.at++;
  return value;
}

/** A power binds its base tighter than a sign, its exponent less tight: `-2**-1` is `-(2**(-1))`. */
function readPower(cursor: Cursor, depth: number): Real | undefined {
  const base = readAtom(cursor, depth);
  if (base === undefined || !isSign(cursor, "**")) return base;
  cursor.at++;
  const exponent = readExpression(cursor, UNARY_LEVEL, depth + 1);
  const value = exponent === undefined ? undefined : power(base, exponent);
  // What is below a whole number to a negative power is a double.
  return value !== undefined && exponent !== undefined && signOf(exponent) < 0 ? toNumber(value) : value;
}

function readUnary(cursor: Cursor, depth: number): Real | undefined {
  const isMinus = isSign(cursor, "-");
  if (!isMinus && !isSign(cursor, "+")) return readPower(cursor, depth);
  cursor.at++;
  const value = readExpression(cursor, UNARY_LEVEL, depth + 1);
  return value !== undefined && isMinus ? negate(value) : value;
}

/** Operators of at least `level`, from the left. */
function readExpression(cursor: Cursor, level: number, depth: number): Real | undefined {
  if (depth > DEEPEST) return undefined;
  let left = readUnary(cursor, depth);
  for (;;) {
    const token = cursor.tokens[cursor.at];
    const operator =
      token?.kind === "sign" && Object.hasOwn(OPERATORS, token.text) ? OPERATORS[token.text] : undefined;
    if (left === undefined || !operator || operator.level < level || level >= UNARY_LEVEL) return left;
    cursor.at++;
    const right = readExpression(cursor, operator.level + 1, depth + 1);
    left = right === undefined ? undefined : operator.apply(left, right);
  }
}

/** The value of `text`; undefined where Python has none or it is no number. */
export function pythonValue(text: string, variables: Variables = {}): Real | undefined {
  const tokens = text.length > LONGEST ? undefined : tokensOf(text);
  if (!tokens || tokens.length === 0) return undefined;
  const cursor: Cursor = { tokens, variables, at: 0 };
  const value = readExpression(cursor, 0, 0);
  return cursor.at === tokens.length ? value : undefined;
}
