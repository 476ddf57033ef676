/**
 * @module Reads tokens as one mathematical expression. Recursive descent, one token of look-ahead, depth bounded.
 *
 * Conventions where writing is ambiguous
 * 1. Division and products side by side read from left to right: 1/2x is (1/2)·x.
 * 2. A whole number before a proper fraction of two whole numbers is a mixed number: 3\frac12 = 3½, but 3\frac{x}{2} = 3·x/2.
 * 3. A function without parentheses takes the factors right behind it: sin 2x cos x = sin(2x)·cos(x); sin x/2 = (sin x)/2.
 * 4. `^10` is the power 10, as in plain typing.
 * 5. Two or three letters side by side are a product, but three capitals are one name (a triangle's, not A·B·C); more
 *    letters are a word, and words are no expression.
 * 6. log is the logarithm to base 10, i the imaginary unit, e Euler's number.
 */
import { own } from "../../core/own.js";
import type { Expression } from "../symbolic/expression.js";
import { UnsupportedExpression } from "../symbolic/unsupported.js";
import { call, FUNCTIONS, integer, logarithm, ONE, over, times } from "./functions.js";
import { NO_PRODUCTS } from "./latexNames.js";
import { literalOf } from "./numbers.js";
import type { Token } from "./tokens.js";
import { OF_MANY } from "./wholeNumbers.js";

const DEEPEST = 60;
const LARGEST_INDEX = 30;

interface Cursor {
  tokens: readonly Token[];
  at: number;
  depth: number;
  /** The innermost open bracket is a bar, so that the next bar closes it. */
  isInBars?: boolean;
}

/** What f^{-1} is. */
const INVERSES: Readonly<Record<string, string>> = { sin: "arcsin", cos: "arccos", tan: "arctan" };

/** "xsinx", "lnx": a function's name with at most one letter before it and two behind. */
const GLUED = /^(\p{L}?)(sin|cos|tan|cot|sec|csc|ln|log|sqrt)(\p{L}{0,2})$/u;

function peek(cursor: Cursor): string | undefined {
  return cursor.tokens[cursor.at]?.text;
}

function take(cursor: Cursor, text: string): boolean {
  if (peek(cursor) !== text) return false;
  cursor.at++;
  return true;
}

function expect(cursor: Cursor, text: string): void {
  if (!take(cursor, text)) throw new UnsupportedExpression(`${text} expected`);
}

/** What stands between brackets. */
function inside<Result>(cursor: Cursor, opener: string, read: (cursor: Cursor) => Result): Result {
  const before = cursor.isInBars === true;
  cursor.isInBars = opener === "|";
  const result = read(cursor);
  cursor.isInBars = before;
  return result;
}

/** Runs a reader one level deeper. */
function deeper<Result>(cursor: Cursor, read: (cursor: Cursor) => Result): Result {
  if (++cursor.depth > DEEPEST) throw new UnsupportedExpression("nested too deep");
  const result = read(cursor);
  cursor.depth--;
  return result;
}

function readSum(cursor: Cursor): Expression {
  let left = readProduct(cursor);
  for (;;) {
    if (take(cursor, "+")) left = { kind: "+", left, right: readProduct(cursor) };
    else if (take(cursor, "-")) left = { kind: "-", left, right: readProduct(cursor) };
    else return left;
  }
}

const OPENERS = new Set(["(", "{", "[", "\\frac", "\\sqrt", "√", "\\binom", "⌊", "⌈"]);

/** Whether the next token starts a factor that may stand right behind another. */
function startsFactor(cursor: Cursor): boolean {
  const token = cursor.tokens[cursor.at];
  if (!token) return false;
  if (token.kind === "number") return ![undefined, "number"].includes(cursor.tokens[cursor.at - 1]?.kind);
  if (token.text === "|") return cursor.isInBars !== true;
  return token.kind === "word" || OPENERS.has(token.text);
}

function readProduct(cursor: Cursor): Expression {
  let left = readSigned(cursor);
  for (;;) {
    if (take(cursor, "*")) left = times(left, readSigned(cursor));
    else if (take(cursor, "/")) left = over(left, readSigned(cursor));
    else if (startsFactor(cursor)) left = times(left, readPower(cursor));
    else return left;
  }
}

function readSigned(cursor: Cursor): Expression {
  let isNegative = false;
  let signs = 0;
  for (; peek(cursor) === "-" || peek(cursor) === "+"; cursor.at++) {
    if (peek(cursor) === "-") isNegative = !isNegative;
    if (++signs > DEEPEST) throw new UnsupportedExpression("too many signs");
  }
  const value = readPower(cursor);
  return isNegative ? { kind: "negate", argument: value } : value;
}

function readExponent(cursor: Cursor): Expression {
  return deeper(cursor, (inner) => (peek(inner) === "{" ? readFactor(inner) : readSigned(inner)));
}

function readPower(cursor: Cursor): Expression {
  let factor = readFactor(cursor);
  for (let marks = 0; ; marks++) {
    if (marks > 4) throw new UnsupportedExpression("too many signs");
    if (take(cursor, "!")) factor = factorial(cursor, factor);
    else if (take(cursor, "%")) factor = times(factor, { kind: "name", name: "%" });
    else if (take(cursor, "°")) factor = times(factor, { kind: "name", name: "°" });
    else if (take(cursor, "^")) factor = power(factor, readExponent(cursor));
    else return factor;
  }
}

/** n!, or n!! = n·(n−2)·(n−4)…; (n!)! has its parentheses. */
function factorial(cursor: Cursor, argument: Expression): Expression {
  const isDouble = take(cursor, "!");
  if (peek(cursor) === "!") throw new UnsupportedExpression("too many factorials");
  return call(isDouble ? "!!" : "!", argument);
}

function power(base: Expression, exponent: Expression): Expression {
  if (base.kind === "call" && base.name === "exp" && base.argument === ONE) return call("exp", exponent);
  return { kind: "**", left: base, right: exponent };
}

function readFactor(cursor: Cursor): Expression {
  const token = cursor.tokens[cursor.at];
  if (!token) throw new UnsupportedExpression("a value is missing");
  if (token.kind === "number") return readNumber(cursor, token);
  if (token.kind === "word") return readWord(cursor, token.text);
  cursor.at++;
  return deeper(cursor, (inner) => readStructure(inner, token.text));
}

const CLOSERS: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}", "|": "|" };

function readStructure(cursor: Cursor, opener: string): Expression {
  switch (opener) {
    case "(":
    case "[":
    case "{":
    case "|": {
      const value = inside(cursor, opener, (inner) => readChosen(inner, readSum(inner)));
      expect(cursor, CLOSERS[opener] as string);
      return opener === "|" ? call("abs", value) : value;
    }
    case "⌊":
    case "⌈": {
      const value = inside(cursor, opener, readSum);
      expect(cursor, opener === "⌊" ? "⌋" : "⌉");
      return call(opener === "⌊" ? "floor" : "ceil", value);
    }
    case "\\frac":
      return over(readArgument(cursor), readArgument(cursor));
    case "\\sqrt":
      return readRoot(cursor);
    case "√":
      return call("sqrt", readFactor(cursor));
    case "\\binom":
      return binomial(readArgument(cursor), readArgument(cursor));
    default:
      throw new UnsupportedExpression(`cannot read ${opener.slice(0, 20)}`);
  }
}

/** {9 \\choose 4}, {1 \\over 2}: the operator stands between its arguments. */
function readChosen(cursor: Cursor, first: Expression): Expression {
  if (take(cursor, "\\choose")) return binomial(first, readSum(cursor));
  return take(cursor, "\\over") ? over(first, readSum(cursor)) : first;
}

/** An argument in braces, or one token: \frac12 is 1/2, also when the 12 is one number. */
function readArgument(cursor: Cursor): Expression {
  const token = cursor.tokens[cursor.at];
  if (token?.kind !== "number" || token.text.length === 1) return readFactor(cursor);
  if (!/^\d+$/.test(token.text)) throw new UnsupportedExpression("braces expected");
  return shiftDigit(cursor, token);
}

/** Takes the first digit of a number token; the others stay, as what follows. */
function shiftDigit(cursor: Cursor, token: Token): Expression {
  const rest: Token = { ...token, text: token.text.slice(1), isSpaced: false };
  cursor.tokens = [...cursor.tokens.slice(0, cursor.at), rest, ...cursor.tokens.slice(cursor.at + 1)];
  return literalOf(token.text.slice(0, 1));
}

function readRoot(cursor: Cursor): Expression {
  if (!take(cursor, "["))
    return call("sqrt", peek(cursor) === "(" ? readFactor(cursor) : readArgument(cursor));
  const index = readSum(cursor);
  expect(cursor, "]");
  const argument = readArgument(cursor);
  if (index.kind !== "integer") return { kind: "**", left: argument, right: over(ONE, index) };
  if (index.value === 2n) return call("sqrt", argument);
  if (index.value < 3n || index.value > LARGEST_INDEX) throw new UnsupportedExpression("root of large index");
  return { kind: "root", index: Number(index.value), argument };
}

/** n! / (k!·(n − k)!). */
function binomial(n: Expression, k: Expression): Expression {
  const rest: Expression = { kind: "-", left: n, right: k };
  return over(call("!", n), times(call("!", k), call("!", rest)));
}

/** The proper fraction of whole numbers that starts here, and how many tokens it has. */
function properFraction(cursor: Cursor): { readonly value: Expression; readonly length: number } | null {
  const texts = cursor.tokens.slice(cursor.at, cursor.at + 7).map(({ text }) => text);
  const shown = texts.join(" ");
  const latex = /^\\frac (?:\{ (\d+) \} \{ (\d+) \}|(\d) (\d)(?= |$)|(\d)(\d)(?= |$))/.exec(shown);
  const isPlain = cursor.tokens[cursor.at]?.isSpaced === true && texts[1] === "/";
  const plain = isPlain ? /^(\d+) \/ (\d+)(?= |$)/.exec(shown) : null;
  const match = latex ?? plain;
  if (!match) return null;
  const [top = "", bottom = ""] = match.slice(1).filter((group) => group !== undefined);
  if (BigInt(top) >= BigInt(bottom)) return null;
  return {
    value: over(literalOf(top), literalOf(bottom)),
    length: match[0].split(" ").length,
  };
}

function readNumber(cursor: Cursor, token: Token): Expression {
  cursor.at++;
  const expression = literalOf(token.text);
  if (peek(cursor) === "_") throw new UnsupportedExpression("number with an index");
  if (expression.kind !== "integer" || cursor.tokens[cursor.at - 2]?.text === "^") return expression;
  const fraction = properFraction(cursor);
  if (!fraction) return expression;
  cursor.at += fraction.length;
  return { kind: "+", left: expression, right: fraction.value };
}

/** A name with an index, `x_1`, `a_{n+1}`: one name, however the index is written. */
function readIndex(cursor: Cursor, name: string): Expression {
  const shown: string[] = [];
  if (take(cursor, "{")) {
    for (; peek(cursor) !== "}"; cursor.at++) {
      if (peek(cursor) === undefined || shown.length > 20) throw new UnsupportedExpression("} expected");
      shown.push(peek(cursor) as string);
    }
    cursor.at++;
  } else shown.push(cursor.tokens[cursor.at++]?.text ?? "");
  return { kind: "name", name: `${name}_${shown.join("")}` };
}

/** A letter with its index and primes. */
function readLetter(cursor: Cursor, letter: string): Expression {
  if (take(cursor, "_")) return readIndex(cursor, letter);
  let name = letter;
  while (take(cursor, "'")) name += "'";
  if (name === "e") return call("exp", ONE);
  return name === "i" ? call("sqrt", integer(-1)) : { kind: "name", name };
}

function readWord(cursor: Cursor, word: string): Expression {
  cursor.at++;
  const ofMany = /^(?:\(|\\\{)$/.test(peek(cursor) ?? "") ? own(OF_MANY, word.toLowerCase()) : undefined;
  if (ofMany) return readOfMany(cursor, ofMany);
  if (word === "pi" || word === "infinity") return { kind: "name", name: word };
  if (word === "inf" || word === "oo") return { kind: "name", name: "infinity" };
  if (/^(percent|pct)$/i.test(word) || /^deg(rees?)?$/i.test(word)) {
    throw new UnsupportedExpression(`${word} without a number`);
  }
  const name = Object.hasOwn(FUNCTIONS, word) ? word : word.toLowerCase();
  if (Object.hasOwn(FUNCTIONS, name)) return deeper(cursor, (inner) => readCall(inner, name));
  const [, before, glued, behind] = GLUED.exec(word) ?? [];
  if (glued !== undefined && (behind !== "" || before !== ""))
    return readGlued(cursor, { before, name: glued, behind });
  const letters = [...word];
  if (letters.length > 3 || NO_PRODUCTS.has(word.toLowerCase())) throw new UnsupportedExpression("words");
  if (letters.length === 3 && word === word.toUpperCase()) return { kind: "name", name: word };
  return letters.length === 1 ? readLetter(cursor, word) : shiftLetter(cursor, letters);
}

/** Takes the first letter of a word; the others stay, as factors of their own: in ab^2 only b is squared. */
function shiftLetter(cursor: Cursor, letters: readonly string[]): Expression {
  const tokens = letters.map((text): Token => ({ kind: "word", text, isSpaced: false }));
  cursor.tokens = [...cursor.tokens.slice(0, cursor.at - 1), ...tokens, ...cursor.tokens.slice(cursor.at)];
  return readLetter({ tokens: [], at: 0, depth: 0 }, letters[0] ?? "");
}

/** gcd(12, 18), min{3, 5} of whole numbers. @throws UnsupportedExpression for anything else */
function readOfMany(cursor: Cursor, of: (a: bigint, b: bigint) => bigint): Expression {
  const close = take(cursor, "(") ? ")" : "\\}";
  if (close === "\\}") expect(cursor, "\\{");
  const values: bigint[] = [];
  do {
    const value = deeper(cursor, readSum);
    if (value.kind !== "integer") throw new UnsupportedExpression("whole numbers expected");
    values.push(value.value);
  } while (take(cursor, ","));
  expect(cursor, close);
  return integer(values.reduce(of));
}

interface Glued {
  readonly before: string | undefined;
  readonly name: string;
  readonly behind: string | undefined;
}

function readGlued(cursor: Cursor, { before = "", name, behind = "" }: Glued): Expression {
  const letters = [...behind].map((letter): Token => ({ kind: "word", text: letter, isSpaced: false }));
  const value =
    letters.length === 0
      ? deeper(cursor, (inner) => readCall(inner, name))
      : (FUNCTIONS[name]?.(readAll(letters)) ?? ONE);
  return before === "" ? value : times(readLetter({ tokens: [], at: 0, depth: 0 }, before), value);
}

/** A function's power, base and argument. */
function readCall(cursor: Cursor, name: string): Expression {
  const isLogarithm = name === "log" && take(cursor, "_");
  const base = isLogarithm ? readArgumentOfLog(cursor) : null;
  const exponent = take(cursor, "^") ? readExponent(cursor) : null;
  const argument = readCallArgument(cursor);
  const isInverse =
    exponent?.kind === "negate" && exponent.argument.kind === "integer" && exponent.argument.value === 1n;
  const inverse = INVERSES[name];
  if (isInverse && inverse !== undefined) return FUNCTIONS[inverse]?.(argument) ?? ONE;
  const value = base ? logarithm(argument, base) : (FUNCTIONS[name]?.(argument) ?? ONE);
  return exponent ? { kind: "**", left: value, right: exponent } : value;
}

/** The base stands in braces, or is one number or letter. */
function readArgumentOfLog(cursor: Cursor): Expression {
  const token = cursor.tokens[cursor.at];
  if (token?.kind === "number" && token.text !== "10") return readArgument(cursor);
  return readFactor(cursor);
}

function readCallArgument(cursor: Cursor): Expression {
  if (peek(cursor) === "(") return readFactor(cursor);
  if (peek(cursor) === "-") return readSigned(cursor);
  let argument = readPower(cursor);
  while (startsFactor(cursor) && !startsFunction(cursor)) argument = times(argument, readPower(cursor));
  return argument;
}

function startsFunction(cursor: Cursor): boolean {
  const word = peek(cursor) ?? "";
  return Object.hasOwn(FUNCTIONS, word) || GLUED.test(word);
}

function readAll(tokens: readonly Token[]): Expression {
  const cursor: Cursor = { tokens, at: 0, depth: 0 };
  const value = readChosen(cursor, readSum(cursor));
  if (cursor.at < tokens.length) throw new UnsupportedExpression("text after the expression");
  return value;
}

/** @throws UnsupportedExpression when the tokens are not one expression, or nest too deep */
export function readExpression(tokens: readonly Token[]): Expression {
  if (tokens.length === 0) throw new UnsupportedExpression("a value is missing");
  return readAll(tokens);
}
