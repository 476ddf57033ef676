/**
 * @module Cuts an answer into numbers, words and marks: LaTeX, Unicode and plain typing give the same tokens, and
 * layout gives none. One pass, linear in the length.
 */
import { asciiForms } from "../../core/asciiForms.js";
import { UnsupportedExpression } from "../symbolic/unsupported.js";
import {
  COLOURED,
  LAYOUT,
  MARK_OF,
  SUBSCRIPTS,
  SUPERSCRIPTS,
  UNSHOWN,
  UPRIGHT,
  VULGAR,
  WORD_OF,
  WRAPPERS,
} from "./latexNames.js";

export interface Token {
  readonly kind: "number" | "word" | "mark";
  /**
   * A number: digits with an optional point, repeating digits in parentheses and exponent, no separators (`1234.5`,
   * `0.(3)`, `2e-4`). A word: letters. A mark: one sign of `latexNames.ts`, or a command that means something.
   */
  readonly text: string;
  /** White space stands before it. */
  readonly isSpaced: boolean;
  /** It stands in upright type, as units and words do and variables do not. */
  readonly isUpright?: true;
}

export interface TokenOptions {
  /** `1,234` is two numbers. Otherwise it is one, outside of brackets. */
  readonly commasSeparate?: boolean;
}

const MOST_TOKENS = 1200;

const SPACE = /[\s~\u200b]+/uy;
/** In `\quadx` a space has lost the one behind it. */
const COMMAND = /\\(?:q?quad(?=[A-Za-z])|[A-Za-z]+\*?|[\s\S])/uy;
const WORD = /[\p{L}\p{M}]+/uy;
const ENVIRONMENT = /\\(begin|end)\s*\{([A-Za-z]+)\*?\}(?:\{[lcr| ]*\})?/uy;
const MATRICES = new Set(
  "matrix pmatrix bmatrix Bmatrix smallmatrix array cases dcases aligned align gathered split".split(" "),
);
const INTEGER = /\d+/y;
/** Groups of three digits after at most three: 1,234 · 1{,}234 · 1,\!234 · 1,\! 234 · 1\,234 · 1 234 · 1_234. */
const SEPARATOR = "(?: ?\\{, ?\\}|,\\\\[!,] ?|\\\\[,! ]|[ \\u00a0\\u2009\\u202f_])";
const ANY_GROUPS = new RegExp(`(?:(?:,|${SEPARATOR})\\d{3})+(?![\\d/]| */)`, "uy");
/** Between brackets a plain comma separates, unless the group begins with 0, as no number does: (1,000, 2). */
const SAFE_GROUPS = new RegExp(`(?:(?:,(?=0)|${SEPARATOR})\\d{3})+(?![\\d/]| */)`, "uy");
/** A bar, brackets, or dots over the first and the last repeating digit: `0.\overline{3}`, `0.(3)`, `0.\dot{1}\dot{2}`. */
const DECIMALS =
  /(?:\.|\{,\})(?:(?=\()\((\d+)\)|(\d*)(?:\\(?:overline|bar|widehat)\s*(?:\{(\d+)\}|(\d))|(\\dot\s*\{?\d\}?(?:\d*\\dot\s*\{?\d\}?)?))?)/y;
/** `0.333…`, `0.1666...`, `0.1212…`: one digit three times, more of them twice. */
const GOES_ON = /\.(\d{0,40}?)(?:(\d)\2{2,}|(\d{2,9}?)\3+)\s*(?:…|\.{3}|\\[lc]?dots(?![A-Za-z]))/y;
/** A digit under a bar of its own character: 3̄, 3̅. */
const BARRED = /(\d)[\u0304\u0305]/g;
/** The argument of a command and, before it, one in square brackets. */
const ARGUMENT = /\s*(?:\[[^[\]]*\])?\s*\{[^{}]*\}/y;
const EXPONENT = /[eE]([+-]?\d{1,6})(?![\p{L}\d])/uy;
const TIMES_TEN = /\s*10\s*(?:\^|\*\*|[⁰¹²³⁴⁵⁶⁷⁸⁹⁻])/uy;
const DIGRAPHS: readonly (readonly [string, string])[] = [
  ["+/-", "±"],
  ["**", "^"],
  [">=", "≥"],
  ["<=", "≤"],
  ["=/=", "≠"],
  ["==", "="],
  ["->", "→"],
  [":=", "="],
  ["!=", "≠"],
  ["<>", "≠"],
  ["=<", "≤"],
  ["...", "…"],
];

/** What is read so far. Reading functions move `at` and add to `tokens`. */
interface Lexer {
  readonly text: string;
  readonly tokens: Token[];
  readonly options: TokenOptions;
  /** Unescaped dollar signs come in pairs and are delimiters. */
  readonly hasMathDollars: boolean;
  at: number;
  isSpaced: boolean;
  /** What each open brace is: shown, or layout. */
  readonly braces: boolean[];
  /** Whether upright type begins at each open brace. */
  readonly uprights: boolean[];
  /** Open brackets around the current place. */
  depth: number;
}

function matchAt(lexer: Lexer, pattern: RegExp): RegExpExecArray | null {
  pattern.lastIndex = lexer.at;
  const match = pattern.exec(lexer.text);
  if (match) lexer.at += match[0].length;
  return match;
}

function push(lexer: Lexer, kind: Token["kind"], text: string): void {
  if (lexer.tokens.length >= MOST_TOKENS) throw new UnsupportedExpression("too many parts");
  const style = lexer.uprights.includes(true) ? { isUpright: true as const } : {};
  lexer.tokens.push({ kind, text, isSpaced: lexer.isSpaced, ...style });
  lexer.isSpaced = false;
}

function pushMark(lexer: Lexer, mark: string): void {
  if (mark === "°") unraise(lexer);
  if (["(", "[", "\\{", "⟨", "{"].includes(mark)) lexer.depth++;
  if ([")", "]", "\\}", "⟩", "}"].includes(mark)) lexer.depth--;
  push(lexer, "mark", mark);
}

/** A degree sign is not a power: drops the `^` or `^{` before it. */
function unraise(lexer: Lexer): void {
  const { tokens, braces } = lexer;
  const [before, last] = tokens.slice(-2);
  if (last?.text === "^") tokens.pop();
  else if (last?.text === "{" && before?.text === "^") {
    tokens.splice(-2);
    lexer.depth--;
    braces[braces.length - 1] = false;
  }
}

/** `½`, `⁻³`, `₂` as the marks that LaTeX has for them. */
function pushShifted(lexer: Lexer, mark: "^" | "_", table: ReadonlyMap<string, string>): void {
  let run = "";
  for (;;) {
    const digit = table.get(lexer.text[lexer.at] ?? "");
    if (digit === undefined) break;
    run += digit;
    lexer.at++;
  }
  pushMark(lexer, mark);
  pushMark(lexer, "{");
  if (run.startsWith("-")) pushMark(lexer, "-");
  const digits = run.replaceAll("-", "");
  if (digits !== "") push(lexer, "number", digits);
  pushMark(lexer, "}");
}

function pushVulgar(lexer: Lexer, [top, bottom]: readonly [string, string]): void {
  push(lexer, "mark", "\\frac");
  for (const part of [top, bottom]) {
    push(lexer, "mark", "{");
    push(lexer, "number", part);
    push(lexer, "mark", "}");
  }
}

function readNumber(lexer: Lexer): void {
  const whole = matchAt(lexer, INTEGER)?.[0] ?? "";
  let text = whole;
  if (whole.length >= 1 && whole.length <= 3 && !whole.startsWith("0")) {
    const isComma = lexer.depth <= 0 && !lexer.options.commasSeparate;
    text += (matchAt(lexer, isComma ? ANY_GROUPS : SAFE_GROUPS)?.[0] ?? "").replace(/[^\d]/g, "");
  }
  const mark = lexer.text[lexer.at];
  if (mark === "." || mark === "{") {
    const start = lexer.at;
    const goesOn = matchAt(lexer, GOES_ON);
    if (goesOn) {
      push(lexer, "number", `${text}.${goesOn[1]}(${goesOn[2] ?? goesOn[3]})`);
      return;
    }
    const [match = "", bracketed, digits = "", barred, underBar, dotted] = matchAt(lexer, DECIMALS) ?? [];
    const repeating = bracketed ?? barred ?? underBar ?? dotted?.replace(/\\dot|\D/g, "");
    if (digits === "" && repeating === undefined) lexer.at = start;
    else text += `.${digits}${repeating === undefined ? "" : `(${repeating})`}`;
    if (match === "") lexer.at = start;
  }
  const exponent = matchAt(lexer, EXPONENT);
  push(lexer, "number", exponent ? `${text}e${exponent[1]}` : text);
}

/** Opens the argument of a command that only changes the type. Raised or lowered, its braces group as well. */
function openWrapper(lexer: Lexer, isUpright = false): void {
  matchAt(lexer, SPACE);
  if (lexer.text[lexer.at] !== "{") return;
  lexer.at++;
  const isRaised = ["^", "_"].includes(lexer.tokens.at(-1)?.text ?? "");
  if (isRaised) pushMark(lexer, "{");
  lexer.braces.push(isRaised);
  lexer.uprights.push(isUpright);
  lexer.isSpaced = true;
}

function readCommand(lexer: Lexer): void {
  const environment = matchAt(lexer, ENVIRONMENT);
  if (environment) {
    const [, edge, name = ""] = environment;
    push(lexer, "mark", MATRICES.has(name) ? `\\${edge}` : `\\${edge}{${name}}`);
    return;
  }
  const command = matchAt(lexer, COMMAND)?.[0] ?? "\\";
  if (command === "\\") lexer.at++;
  else if (COLOURED.has(command)) {
    for (let left = COLOURED.get(command) ?? 0; left > 0; left--) matchAt(lexer, ARGUMENT);
    openWrapper(lexer);
  } else if (UNSHOWN.has(command)) matchAt(lexer, ARGUMENT);
  else if (command === "\\not" && matchAt(lexer, /\s*=/y)) pushMark(lexer, "≠");
  else if (WRAPPERS.has(command)) openWrapper(lexer, UPRIGHT.has(command));
  else if (LAYOUT.has(command)) {
    if (/^\\(left|right)$/.test(command) && lexer.text[lexer.at] === ".") lexer.at++;
    lexer.isSpaced ||= command !== "\\!";
  } else if (/^\\\s$/.test(command)) lexer.isSpaced = true;
  else if (WORD_OF.has(command)) push(lexer, "word", WORD_OF.get(command) as string);
  else pushMark(lexer, MARK_OF.get(command) ?? (/^\\[$%&#]$/.test(command) ? command.slice(1) : command));
}

function readBrace(lexer: Lexer, brace: string): void {
  lexer.at++;
  if (brace === "{") {
    lexer.braces.push(true);
    lexer.uprights.push(false);
    pushMark(lexer, "{");
    return;
  }
  lexer.uprights.pop();
  if (lexer.braces.pop() !== false) pushMark(lexer, "}");
  else lexer.isSpaced = true;
}

/** Signs of a degree and a scale in one. */
const TEMPERATURES: ReadonlyMap<string, string> = new Map([
  ["℃", "C"],
  ["℉", "F"],
]);

/** 5!=120 is an equation, y != 4 is none. */
function isFactorial({ tokens, isSpaced }: Lexer): boolean {
  const before = tokens.at(-1);
  return !isSpaced && (before?.kind === "number" || before?.text === ")");
}

/** One token of anything that is neither number, word, command nor brace. */
function readSign(lexer: Lexer, sign: string): void {
  const found = DIGRAPHS.find(([spelling]) => lexer.text.startsWith(spelling, lexer.at));
  const digraph = found?.[0] === "!=" && isFactorial(lexer) ? undefined : found;
  const temperature = TEMPERATURES.get(sign);
  const vulgar = VULGAR.get(sign);
  if (SUPERSCRIPTS.has(sign)) pushShifted(lexer, "^", SUPERSCRIPTS);
  else if (SUBSCRIPTS.has(sign)) pushShifted(lexer, "_", SUBSCRIPTS);
  else if (temperature !== undefined) {
    lexer.at++;
    pushMark(lexer, "°");
    push(lexer, "word", temperature);
  } else if (vulgar) {
    lexer.at++;
    pushVulgar(lexer, vulgar);
  } else if (sign === "$" && lexer.hasMathDollars) lexer.at++;
  else if (/["“”`]/.test(sign)) lexer.at++;
  else {
    const [spelling, mark] = digraph ?? [sign, MARK_OF.get(sign) ?? sign];
    lexer.at += spelling.length;
    pushMark(lexer, mark);
  }
}

/** "2 x 10^5" has a times sign. */
function isTimes(lexer: Lexer, word: string): boolean {
  if (word !== "x" || lexer.tokens.at(-1)?.kind !== "number") return false;
  TIMES_TEN.lastIndex = lexer.at;
  return TIMES_TEN.test(lexer.text);
}

function readWord(lexer: Lexer, word: string): void {
  if (isTimes(lexer, word)) pushMark(lexer, "*");
  else push(lexer, "word", word);
}

function step(lexer: Lexer): void {
  const { text } = lexer;
  const unit = String.fromCodePoint(text.codePointAt(lexer.at) as number);
  if (matchAt(lexer, SPACE)) lexer.isSpaced = true;
  else if (/\d/.test(unit) || (unit === "." && /\d/.test(text[lexer.at + 1] ?? ""))) readNumber(lexer);
  else if (unit === "\\") readCommand(lexer);
  else if (unit === "{" || unit === "}") readBrace(lexer, unit);
  else if (WORD_OF.has(unit)) {
    lexer.at += unit.length;
    push(lexer, "word", WORD_OF.get(unit) as string);
  } else if (MARK_OF.has(unit) || SUPERSCRIPTS.has(unit)) readSign(lexer, unit);
  else {
    const word = matchAt(lexer, WORD);
    if (word) readWord(lexer, word[0]);
    else readSign(lexer, unit);
  }
}

/** `**B.** square`: signs of a power have no space before and none but one behind. */
const EMPHASIS = /(^|\s)\*\*([^\s*](?:[^*\n]{0,200}[^\s*])?)\*\*(?=[\s.,;:]|$)/g;

/** Undoes what JSON and Markdown add: doubled backslashes, emphasis. */
function unwrapped(answer: string): string {
  const trimmed = answer
    .trim()
    .replace(/^(\*{1,3}|_{1,3}|`)(.+)\1$/s, "$2")
    .replace(EMPHASIS, "$1$2")
    .replace(BARRED, "\\overline{$1}");
  const isDoubled = /\\\\[A-Za-z]/.test(trimmed) && !trimmed.includes("\\begin");
  const single = isDoubled ? trimmed.replace(/\\\\(?=[A-Za-z,;!{}%$ ])/g, "\\") : trimmed;
  return asciiForms(single);
}

/** @throws UnsupportedExpression when the answer has too many tokens */
export function tokensOf(answer: string, options: TokenOptions = {}): Token[] {
  const text = unwrapped(answer);
  const dollars = text.replace(/\\./gs, "").split("$").length - 1;
  const lexer: Lexer = {
    text,
    tokens: [],
    options,
    hasMathDollars: dollars % 2 === 0,
    at: 0,
    isSpaced: false,
    braces: [],
    uprights: [],
    depth: 0,
  };
  while (lexer.at < text.length) step(lexer);
  return lexer.tokens;
}

/** The tokens as one text: equal for answers that differ in layout only. */
export function canonicalText(tokens: readonly Token[]): string {
  return tokens.map(({ text }) => text).join("\u0001");
}
