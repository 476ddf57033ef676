/**
 * @module Reads an expression the way the reference's parser does: `^` is a power, factors may stand side by side
 * ("2x", "(x+1)(x-1)"), and an unknown name is split into its letters ("1/xy" = 1/x·y, "x2" = x·2).
 *
 * It builds a tree of numbers, names and the functions sqrt and ln; nothing is executed.
 */
import type { Expression } from "./expression.js";
import { UnsupportedExpression } from "./unsupported.js";

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
  "oo zoo gff rf ff re im li jn yn hn1 hn2 fft ntt fu eye all id as if in is or nan frac sqrt ln".split(" "),
);

/** Digits with single underscores between them, as Python writes numbers. */
const DIGITS = "\\d(?:_?\\d)*";
const EXPONENT = `e[+-]?${DIGITS}`;
const NUMBER = `${DIGITS}\\.(?:${DIGITS})?(?:${EXPONENT})?|\\.${DIGITS}(?:${EXPONENT})?|${DIGITS}${EXPONENT}|0(?:_?0)*|[1-9](?:_?\\d)*`;
const NAME = "[\\p{L}_][\\p{L}\\p{N}\\p{M}_]*";

function nameTokens(name: string, isCalled: boolean): Token[] {
  if ((name === "sqrt" || name === "ln") && isCalled) return [{ kind: "name", text: name }];
  if (RESERVED.has(name)) throw new UnsupportedExpression(`${name} has another meaning`);
  if (name.includes("_") || WHOLE_NAMES.has(name)) return [{ kind: "name", text: name }];
  const parts = name.match(/\d+|[^\d]/gu) ?? [];
  return parts.map((text) => ({ kind: /^\d/.test(text) ? "number" : "name", text }));
}

function endsFactor(token: Token | undefined): boolean {
  return token !== undefined && (token.kind !== "mark" || [")", "!", "!!"].includes(token.text));
}

/** Other white space than the reference's tokenizer skips is an error there: 2 and x with a no-break space between. */
function tokenise(text: string): Token[] {
  if (text.length > LONGEST) throw new UnsupportedExpression("expression too long");
  const tokens: Token[] = [];
  const pattern = new RegExp(`([ \\t\\f\\r\\n]*)(?:(${NUMBER})|(${NAME})|(\\*\\*|!!|[-+*/()^!]))`, "uy");
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex;
    const [, space = "", number, name, mark] = pattern.exec(text) ?? [];
    const next = text[pattern.lastIndex];
    const isFactor = number !== undefined || name !== undefined || mark === "(";
    if (isFactor && /[\r\n]/.test(space) && endsFactor(tokens.at(-1))) {
      throw new UnsupportedExpression("factors on two lines");
    }
    if (number !== undefined) {
      if (next === "j") throw new UnsupportedExpression("imaginary number");
      tokens.push({ kind: "number", text: number.replaceAll("_", "") });
    } else if (name !== undefined) tokens.push(...nameTokens(name, next === "("));
    else if (mark !== undefined) tokens.push({ kind: "mark", text: mark === "^" ? "**" : mark });
    else throw new UnsupportedExpression(`cannot read ${JSON.stringify(text.slice(at, at + 10))}`);
  }
  return tokens;
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
    } else if (startsFactor(cursor)) left = { kind: "*", left, right: readPower(cursor, depth) };
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

function readPower(cursor: Cursor, depth: number): Expression {
  let factor = readFactor(cursor, depth);
  if (isMark(cursor, "!", "!!")) {
    factor = { kind: "call", name: isMark(cursor, "!") ? "!" : "!!", argument: factor };
    cursor.at++;
    if (isMark(cursor, "!", "!!")) throw new UnsupportedExpression("too many factorials");
  }
  if (!isMark(cursor, "**")) return factor;
  cursor.at++;
  return { kind: "**", left: factor, right: readSigned(cursor, depth + 1) };
}

function readFactor(cursor: Cursor, depth: number): Expression {
  const token = cursor.tokens[cursor.at];
  if (token === undefined || token.kind === "mark") return readParenthesis(cursor, depth);
  cursor.at++;
  if (token.kind === "number") {
    return /^\d+$/.test(token.text)
      ? { kind: "integer", value: BigInt(token.text) }
      : { kind: "decimal", value: Number(token.text) };
  }
  if (token.text === "sqrt" || token.text === "ln") {
    return { kind: "call", name: token.text, argument: readParenthesis(cursor, depth) };
  }
  return { kind: "name", name: token.text };
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
