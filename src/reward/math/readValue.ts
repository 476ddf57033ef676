/**
 * @module Reads a quantity: an expression and the unit behind (or the currency before) it.
 */
import type { Expression } from "../symbolic/expression.js";
import { UnsupportedExpression } from "../symbolic/unsupported.js";
import type { Value } from "./answer.js";
import { isFunctionWord } from "./functions.js";
import { MULTIPLIERS, NUMBER_WORDS } from "./numbers.js";
import { readExpression } from "./readExpression.js";
import type { Token } from "./tokens.js";
import { isUnitWord, type Unit, unitOf } from "./units.js";

/** Tokens of the longest unit. */
const LONGEST_UNIT = 12;
const CURRENCIES = new Set(["$", "€", "£", "¥", "₹"]);

/** Whether a unit may stand behind this token: something has ended here. */
function endsValue(token: Token | undefined): boolean {
  if (!token || isFunctionWord(token.text)) return false;
  return token.kind !== "mark" || [")", "]", "}", "!", "|"].includes(token.text);
}

/** One letter is a unit only with a space before it: 5 m, but 5m is 5·m. Unless a power or slash makes it clear. */
function isUnitStart(token: Token): boolean {
  if (token.text === "°") return true;
  if (token.kind === "mark") return CURRENCIES.has(token.text) || token.text === "¢";
  return token.isSpaced || ([...token.text].length > 1 && isUnitWord(token.text));
}

/** sin² t, log₂ t: what follows is the argument. */
function isFunctionsPower(tokens: readonly Token[], end: number): boolean {
  const open =
    tokens[end - 1]?.text === "}"
      ? tokens.findLastIndex(({ text }, at) => at < end && text === "{")
      : end - 1;
  const isRaised = /^[\^_]$/.test(tokens[open - 1]?.text ?? "");
  return isRaised && isFunctionWord(tokens[open - 2]?.text ?? "");
}

/** Where the unit begins; the number of tokens when there is none. */
function unitStart(tokens: readonly Token[]): number {
  for (let at = Math.max(1, tokens.length - LONGEST_UNIT); at < tokens.length; at++) {
    const token = tokens[at] as Token;
    const next = tokens[at + 1]?.text;
    const isTemperature =
      token.text === "°" && next !== undefined && /^(C|F|celsius|fahrenheit)$/i.test(next);
    if (token.text === "°" && !isTemperature) continue;
    if (!isUnitStart(token) || !endsValue(tokens[at - 1]) || isFunctionsPower(tokens, at)) continue;
    if (unitOf(tokens.slice(at)) !== null) return at;
  }
  return tokens.length;
}

function timesPower(expression: Expression, factor: bigint): Expression {
  return { kind: "*", left: expression, right: { kind: "integer", value: factor } };
}

/** "five", "twenty five"; null for other words. */
export function numberOfWords(tokens: readonly Token[]): Expression | null {
  const words = tokens.flatMap(({ kind, text }) => (kind === "word" ? [text.toLowerCase()] : []));
  const values = words.map((word) => NUMBER_WORDS.get(word));
  const [first, second] = values;
  if (words.length === 0 || words.length !== tokens.length || values.length > 2 || first === undefined)
    return null;
  if (values.length === 1) return { kind: "integer", value: BigInt(first) };
  const isCompound = first >= 20 && second !== undefined && second < 10 && second > 0;
  return isCompound ? { kind: "integer", value: BigInt(first + second) } : null;
}

/** The expression without its unit: number words, "5 million", anything `readExpression` reads. */
function readNumberPart(tokens: readonly Token[]): Expression {
  const last = tokens.at(-1);
  const multiplier = last?.kind === "word" ? MULTIPLIERS.get(last.text.toLowerCase()) : undefined;
  if (multiplier !== undefined && tokens.length > 1) {
    return timesPower(readNumberPart(tokens.slice(0, -1)), multiplier);
  }
  return numberOfWords(tokens) ?? readExpression(withSigns(tokens));
}

/** "percent" and "degrees" as signs. */
function withSigns(tokens: readonly Token[]): readonly Token[] {
  return tokens.map((token, at): Token => {
    if (at === 0 || token.kind !== "word") return token;
    if (/^(percent|pct)$/i.test(token.text)) return { ...token, kind: "mark", text: "%" };
    return /^deg(ree)?s?$/i.test(token.text) ? { ...token, kind: "mark", text: "°" } : token;
  });
}

/** $5, €3.20: the sign moves behind the number. */
function currencyLast(tokens: readonly Token[]): readonly Token[] {
  const at = tokens[0]?.text === "-" ? 1 : 0;
  const sign = tokens[at];
  if (!sign || !CURRENCIES.has(sign.text) || tokens.length < 2) return tokens;
  return [...tokens.slice(0, at), ...tokens.slice(at + 1), sign];
}

/** "2 days 3 h 5 min 7 s". */
const MOST_PARTS = 4;

/** Where a second quantity begins: "1 hour 30 minutes", 5 ft 3 in. */
function secondQuantity(tokens: readonly Token[]): number {
  return tokens.findIndex(
    ({ kind, isSpaced }, at) => at > 1 && kind === "number" && isSpaced && tokens[at - 1]?.kind === "word",
  );
}

function scaled(expression: Expression, { top, bottom }: Unit): Expression {
  const up = timesPower(expression, top);
  return bottom === 1n ? up : { kind: "/", left: up, right: { kind: "integer", value: bottom } };
}

const DURATION = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/;
const SHORT_TIMES: readonly (readonly [RegExp, string])[] = [
  [/^(?:d|days?)$/i, "d"],
  [/^(?:h|hrs?|hours?)$/i, "h"],
  [/^(?:m|mins?|minutes?)$/i, "m"],
  [/^(?:s|secs?|seconds?)$/i, "s"],
];
const SECONDS = [86400n, 3600n, 60n, 1n];

/** 1h30m, 2h 5min: an m behind hours is minutes. Null for anything else. */
function readDuration(tokens: readonly Token[]): Value | null {
  if (tokens.length < 4) return null;
  const shown = tokens.map(({ text }) => SHORT_TIMES.find(([word]) => word.test(text))?.[1] ?? text).join("");
  const parts = DURATION.exec(shown)?.slice(1) ?? [];
  if (parts.filter((part) => part !== undefined).length < 2) return null;
  const value = SECONDS.reduce((sum, size, at) => sum + size * BigInt(parts[at] ?? 0), 0n);
  const unit = { top: 1n, bottom: 1n, dimension: "s^1" };
  return { kind: "value", expression: { kind: "integer", value }, unit, unitTokens: [] };
}

/** 6{kg} is 6 kg: braces around a unit alone are layout. */
function unbraced(tokens: readonly Token[]): readonly Token[] {
  const open = tokens.findLastIndex(({ text }) => text === "{");
  const [before, first] = [tokens[open - 1], tokens[open + 1]];
  const inside = tokens.slice(open + 1, -1);
  if (tokens.at(-1)?.text !== "}" || before?.kind !== "number" || !first || unitOf(inside) === null)
    return tokens;
  return [...tokens.slice(0, open), { ...first, isSpaced: true, isUpright: true }, ...inside.slice(1)];
}

/** Both parts in base units, added; null when they are not two quantities of one dimension. */
function readCompound(tokens: readonly Token[], parts: number): Value | null {
  const at = secondQuantity(tokens);
  if (at < 0 || parts >= MOST_PARTS || unitStart(tokens.slice(0, at)) === at) return null;
  const [first, second] = [readPart(tokens.slice(0, at), MOST_PARTS), readPart(tokens.slice(at), parts + 1)];
  const isSame = first.unit !== null && first.unit.dimension === second.unit?.dimension;
  if (!first.unit || !second.unit || !isSame || first.unit.dimension.startsWith("#")) return null;
  return {
    kind: "value",
    expression: {
      kind: "+",
      left: scaled(first.expression, first.unit),
      right: scaled(second.expression, second.unit),
    },
    unit: { top: 1n, bottom: 1n, dimension: first.unit.dimension },
    unitTokens: [],
  };
}

/** @throws UnsupportedExpression when this is no quantity */
export function readValue(tokens: readonly Token[]): Value {
  return readPart(tokens, 1);
}

function readPart(tokens: readonly Token[], parts: number): Value {
  if (tokens.length === 0) throw new UnsupportedExpression("nothing");
  const compound = readDuration(tokens) ?? readCompound(tokens, parts);
  if (compound) return compound;
  const ordered = currencyLast(unbraced(tokens));
  const at = unitStart(ordered);
  const unitTokens = ordered.slice(at);
  const expression = readNumberPart(ordered.slice(0, at));
  return { kind: "value", expression, unit: unitOf(unitTokens), unitTokens };
}
