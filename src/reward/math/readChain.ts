/**
 * @module Reads what answers call their values: x_1 = 4, |CD| = 7, AM : MB = 2 : 5, and chains of equal signs, whose last
 * exact member is the value.
 */
import { isEnclosed, positions } from "./split.js";
import type { Token } from "./tokens.js";

/** A name: words, primes, signs of figures; numbers as indices only. */
export function isName(tokens: readonly Token[]): boolean {
  return (
    tokens.some(({ kind }) => kind === "word") &&
    tokens.every((token, at) => isNamePart(token) || isIndex(tokens, at))
  );
}

function isNamePart({ kind, text }: Token): boolean {
  return kind === "word" || /^[_'∠△{}°]$/.test(text);
}

/** A number behind `_` or `_{`, and others behind it: x_1, x_{1,2}. */
function isIndex(tokens: readonly Token[], at: number): boolean {
  const [before, last, token] = [tokens[at - 2]?.text, tokens[at - 1]?.text, tokens[at]];
  if (token?.text === ",") return isIndex(tokens, at - 1);
  if (token?.kind !== "number") return false;
  return last === "_" || (last === "{" && before === "_") || (last === "," && isIndex(tokens, at - 1));
}

/** f(x), P(A), f'(x), f^{-1}(x): a function's name. */
export function isFunctionName([name, ...rest]: readonly Token[]): boolean {
  const at = rest.findIndex(({ text }) => text === "(");
  const between = rest
    .slice(0, Math.max(at, 0))
    .map(({ text }) => text)
    .join("");
  const call = rest.slice(at);
  const isNamed = name?.kind === "word" && at >= 0 && /^(?:'*|\^\{?-1\}?)$/.test(between);
  return isNamed && call.length > 2 && isEnclosed(call);
}

/** dy/dx, and a ratio of two letters: \frac{a}{b}, a : b. */
const QUOTIENT = /^(?:\\frac\{(\p{L}|d\p{L})\}\{(\p{L}|d\p{L})\}|(\p{L}|d\p{L})[:/](\p{L}|d\p{L}))$/u;

/** What an equation may call its value, on the left of it. */
function isQuotientOfNames(tokens: readonly Token[]): boolean {
  return QUOTIENT.test(tokens.map(({ text }) => text).join(""));
}

const MEASURE_WORD = /^(?:[A-Z]{1,5}|sin|cos|tan|cot)$/;
const MEASURE_MARKS = new Set(["|", "{", "}", "\\frac", ":", "/", "∠", "△", "_", "'", "°", "(", ")"]);

/**
 * What is measured, on the left of an equation: |CD|, S_1 : S_2, \frac{AM}{MB}, sin∠A. Its letters are capitals, so that
 * an equation of unknowns is none.
 */
export function isMeasure(tokens: readonly Token[]): boolean {
  const isPart = (token: Token, at: number) =>
    token.kind === "word"
      ? MEASURE_WORD.test(token.text)
      : MEASURE_MARKS.has(token.text) || isIndex(tokens, at);
  return (tokens.some(({ kind }) => kind === "word") && tokens.every(isPart)) || isQuotientOfNames(tokens);
}

/**
 * The first and the last exact member of a chain such as y = 1/4 ≈ 0.2, as "first = last", or 1/4 of 1/4 ≈ 0.2; null when
 * it is no chain.
 */
export function ofChain(tokens: readonly Token[]): readonly Token[] | null {
  const marks = positions(tokens, ({ text }) => text === "=" || text === "≈");
  const [only = 0] = marks;
  if (marks.length === 1 && only > 0 && tokens[only]?.text === "≈") {
    const exact = tokens.slice(0, only);
    const isConstant = exact.length === 1 && /^(?:pi|e)$/.test(exact[0]?.text ?? "");
    return (isName(exact) && !isConstant) ||
      exact.some(({ kind, text }) => kind === "word" && text.length > 3)
      ? null
      : exact;
  }
  if (marks.length < 2) return null;
  const rounded = marks.findIndex((at, order) => order > 0 && tokens[at]?.text === "≈");
  const exact = rounded < 0 ? marks : marks.slice(0, rounded);
  const [first, last] = [exact[0], exact.at(-1)];
  if (first === undefined || last === undefined || tokens[first]?.text !== "=") return null;
  const end = rounded < 0 ? tokens.length : marks[rounded];
  return [...tokens.slice(0, first + 1), ...tokens.slice(last + 1, end)];
}
