/**
 * @module Reads an expression the way the reference's parser does: `^` is a power, factors may stand side by side
 * ("2x", "(x+1)(x-1)"), and an unknown name is split into its letters ("xy" = x·y, "x2" = x·2).
 *
 * It builds a tree of numbers, names and the functions sqrt and ln; nothing is executed.
 */
import { UnsupportedExpression } from "./unsupported.js";

export type Expression =
  | { readonly kind: "integer"; readonly value: bigint }
  | { readonly kind: "decimal"; readonly value: number }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "call"; readonly name: "sqrt" | "ln" | "!"; readonly argument: Expression }
  | { readonly kind: "negate"; readonly argument: Expression }
  | {
      readonly kind: "+" | "-" | "*" | "/" | "**";
      readonly left: Expression;
      readonly right: Expression;
    };

type Token =
  | { readonly kind: "number"; readonly text: string }
  | { readonly kind: "name"; readonly text: string }
  | { readonly kind: "mark"; readonly text: string };

/** Longest expression that is read. */
const LONGEST = 1000;
/** Deepest nesting of parentheses, signs and powers that is read. */
const DEEPEST = 60;
/** Names that are one symbol although they have two letters. */
const WHOLE_NAMES = new Set(["pi", "mu", "nu", "xi"]);
/** Names of at most two different letters that mean something in the reference's language; it fails on them here. */
const RESERVED = new Set(
  "oo zoo gff rf ff re im li jn yn hn1 hn2 fft ntt fu eye all id as if in is or nan frac".split(" "),
);

const TOKEN =
  /\s*(?:(\d+\.\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|\d+e[+-]?\d+|0+|[1-9]\d*)|([\p{L}_][\p{L}\p{N}\p{M}_]*)|(\*\*|[-+*/()^!]))/uy;

function tokenise(text: string): Token[] {
  if (text.length > LONGEST) throw new UnsupportedExpression("expression too long");
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) throw new UnsupportedExpression(`cannot read ${JSON.stringify(text.slice(at, at + 10))}`);
    if (match[1] !== undefined && text[TOKEN.lastIndex] === "j") {
      throw new UnsupportedExpression("imaginary number");
    }
    if (match[1] !== undefined) tokens.push({ kind: "number", text: match[1] });
    else if (match[2] !== undefined) tokens.push({ kind: "name", text: match[2] });
    else tokens.push({ kind: "mark", text: match[3] === "^" ? "**" : (match[3] as string) });
  }
  return tokens;
}

function times(left: Expression, right: Expression): Expression {
  return { kind: "*", left, right };
}

/** The letters and digit runs of an unknown name, multiplied. */
function splitName(name: string): Expression[] {
  if (RESERVED.has(name) || name === "sqrt" || name === "ln") {
    throw new UnsupportedExpression(`${name} has another meaning`);
  }
  if (name.includes("_") || WHOLE_NAMES.has(name)) return [{ kind: "name", name }];
  const parts = name.match(/\d+|[^\d]/gu) ?? [];
  return parts.map((part) =>
    /^\d/.test(part) ? { kind: "integer", value: BigInt(part) } : { kind: "name", name: part },
  );
}

/** Tokens and how many are read; every reading function moves `at`. */
interface Cursor {
  readonly tokens: readonly Token[];
  at: number;
}

function isMark(cursor: Cursor, ...marks: string[]): boolean {
  const token = cursor.tokens[cursor.at];
  return token?.kind === "mark" && marks.includes(token.text);
}

function expect(cursor: Cursor, mark: string): void {
  if (!isMark(cursor, mark)) throw new UnsupportedExpression(`${mark} expected`);
  cursor.at++;
}

function readSum(cursor: Cursor, depth: number): Expression {
  if (depth > DEEPEST) throw new UnsupportedExpression("nested too deep");
  let left = readProduct(cursor, depth);
  while (isMark(cursor, "+", "-")) {
    const kind = cursor.tokens[cursor.at++]?.text === "+" ? "+" : "-";
    left = { kind, left, right: readProduct(cursor, depth) };
  }
  return left;
}

/** Whether the next token starts a factor that stands beside the one before it. */
function startsFactor(cursor: Cursor): boolean {
  const token = cursor.tokens[cursor.at];
  return token !== undefined && (token.kind !== "mark" || token.text === "(");
}

function readProduct(cursor: Cursor, depth: number): Expression {
  let left = readSigned(cursor, depth);
  for (;;) {
    if (isMark(cursor, "*", "/")) {
      const kind = cursor.tokens[cursor.at++]?.text === "*" ? "*" : "/";
      left = { kind, left, right: readSigned(cursor, depth) };
    } else if (startsFactor(cursor)) left = times(left, readPower(cursor, depth));
    else return left;
  }
}

function readSigned(cursor: Cursor, depth: number): Expression {
  if (depth > DEEPEST) throw new UnsupportedExpression("nested too deep");
  if (isMark(cursor, "-")) {
    cursor.at++;
    return { kind: "negate", argument: readSigned(cursor, depth + 1) };
  }
  if (isMark(cursor, "+")) {
    cursor.at++;
    return readSigned(cursor, depth + 1);
  }
  return readPower(cursor, depth);
}

/** One factor with its power. Of a split name only the last letter is raised: "xy^2" = x·y². */
function readPower(cursor: Cursor, depth: number): Expression {
  const factors = readFactors(cursor, depth);
  let last = factors.pop() as Expression;
  while (isMark(cursor, "!")) {
    cursor.at++;
    last = { kind: "call", name: "!", argument: last };
  }
  if (isMark(cursor, "**")) {
    cursor.at++;
    last = { kind: "**", left: last, right: readSigned(cursor, depth + 1) };
  }
  return factors.length === 0 ? last : times(factors.reduce(times), last);
}

function readNumber(text: string): Expression {
  return /^\d+$/.test(text)
    ? { kind: "integer", value: BigInt(text) }
    : { kind: "decimal", value: Number(text) };
}

function readFactors(cursor: Cursor, depth: number): Expression[] {
  const token = cursor.tokens[cursor.at];
  if (token?.kind === "number") {
    cursor.at++;
    return [readNumber(token.text)];
  }
  if (token?.kind === "name") {
    cursor.at++;
    if ((token.text === "sqrt" || token.text === "ln") && isMark(cursor, "(")) {
      return [{ kind: "call", name: token.text, argument: readParenthesis(cursor, depth) }];
    }
    return splitName(token.text);
  }
  return [readParenthesis(cursor, depth)];
}

function readParenthesis(cursor: Cursor, depth: number): Expression {
  expect(cursor, "(");
  const inner = readSum(cursor, depth + 1);
  expect(cursor, ")");
  return inner;
}

/** @throws UnsupportedExpression when the text is not an expression, or too long or too deep */
export function parseExpression(text: string): Expression {
  const cursor: Cursor = { tokens: tokenise(text), at: 0 };
  const expression = readSum(cursor, 0);
  if (cursor.at < cursor.tokens.length) throw new UnsupportedExpression("text after the expression");
  return expression;
}
