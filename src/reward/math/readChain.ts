/**
 * @module Reads what answers call their values: x_1 = 4, |CD| = 7, AM : MB = 2 : 5, and chains of equal signs, whose last
 * exact member is the value.
 */
import { positions } from "./split.js";
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

/** A number behind `_` or `_{`. */
function isIndex(tokens: readonly Token[], at: number): boolean {
  const [before, last] = [tokens[at - 2]?.text, tokens[at - 1]?.text];
  return tokens[at]?.kind === "number" && (last === "_" || (last === "{" && before === "_"));
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
  return tokens.some(({ kind }) => kind === "word") && tokens.every(isPart);
}

/**
 * The first and the last exact member of a chain such as y = 1/4 ≈ 0.2, as "first = last"; null when it is no chain.
 */
export function ofChain(tokens: readonly Token[]): readonly Token[] | null {
  const marks = positions(tokens, ({ text }) => text === "=" || text === "≈");
  if (marks.length < 2) return null;
  const rounded = marks.findIndex((at, order) => order > 0 && tokens[at]?.text === "≈");
  const exact = rounded < 0 ? marks : marks.slice(0, rounded);
  const [first, last] = [exact[0], exact.at(-1)];
  if (first === undefined || last === undefined || tokens[first]?.text !== "=") return null;
  const end = rounded < 0 ? tokens.length : marks[rounded];
  return [...tokens.slice(0, first + 1), ...tokens.slice(last + 1, end)];
}
