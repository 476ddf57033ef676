/**
 * @module Reads equations and inequalities; an inequality of one letter and numbers is an interval.
 */
import { type Expression, lettersOf, substitute } from "../symbolic/expression.js";
import { realValue } from "../symbolic/probe.js";
import type { Answer, Group, Relation, Value } from "./answer.js";
import { readExpression } from "./readExpression.js";
import { readValue } from "./readValue.js";
import { positions } from "./split.js";
import type { Token } from "./tokens.js";

const OPERATORS = new Set(["=", "<", ">", "≤", "≥", "≠"]);

/** Left to right, as written. */
interface Link {
  readonly operator: string;
  readonly left: Expression;
  readonly right: Expression;
}

/** ">" turned round. */
function relationOf({ operator, left, right }: Link): Relation {
  if (operator === ">") return { kind: "relation", operator: "<", left: right, right: left };
  if (operator === "≥") return { kind: "relation", operator: "≤", left: right, right: left };
  return {
    kind: "relation",
    operator: operator === "<" || operator === "≤" || operator === "≠" ? operator : "=",
    left,
    right,
  };
}

/**
 * An equation or inequality, or an interval for a chain such as 1 < x ≤ 2; null when there is no relation sign.
 * @throws UnsupportedExpression when a side cannot be read
 */
export function readRelation(tokens: readonly Token[]): Answer | null {
  const marks = positions(tokens, ({ kind, text }) => kind === "mark" && OPERATORS.has(text));
  if (marks.length === 0 || marks.length > 2) return null;
  const [first = 0, second] = marks;
  if (second === undefined) return relationOf(linkOf(tokens, first, tokens.length));
  const left = relationOf(linkOf(tokens.slice(0, second), first, second));
  const right = relationOf(linkOf(tokens.slice(first + 1), second - first - 1, tokens.length - first - 1));
  return chainOf(left, right);
}

function linkOf(tokens: readonly Token[], at: number, end: number): Link {
  return {
    operator: tokens[at]?.text ?? "=",
    left: applied(tokens.slice(0, at)) ?? readExpression(tokens.slice(0, at)),
    right: applied(tokens.slice(at + 1, end)) ?? side(tokens.slice(at + 1, end)),
  };
}

/** g(x) as one letter: what is bounded is the function's value. */
function applied(tokens: readonly Token[]): Expression | null {
  const [name, open] = tokens;
  const isCall = name?.kind === "word" && /^\p{L}$/u.test(name.text) && open?.text === "(";
  const argument = tokens[2];
  if (!isCall || tokens.length !== 4 || argument?.kind !== "word" || tokens[3]?.text !== ")") return null;
  return { kind: "name", name: `${name.text}(${argument.text})` };
}

/** A side may carry a unit, which is dropped: x < 5 cm. */
function side(tokens: readonly Token[]): Expression {
  return readValue(tokens).expression;
}

function isLetter(expression: Expression): boolean {
  return expression.kind === "name" && expression.name !== "pi" && expression.name !== "infinity";
}

function isNumber(expression: Expression): boolean {
  return lettersOf(expression).every((name) => name === "infinity");
}

function asValue(expression: Expression): Value {
  return { kind: "value", expression, unit: null, unitTokens: [] };
}

const INFINITY: Expression = { kind: "name", name: "infinity" };

/** A bound of an interval: where it is, and whether it belongs to it. */
interface Bound {
  readonly at: Expression;
  readonly isClosed: boolean;
}

function interval(low: Bound, high: Bound): Group {
  return {
    kind: "group",
    open: low.isClosed ? "[" : "(",
    close: high.isClosed ? "]" : ")",
    elements: [asValue(low.at), asValue(high.at)],
  };
}

/** x < 3 as (−∞, 3), |x| < 3 as (−3, 3); null when it is not a letter against a number. */
export function intervalOf({ operator, left, right }: Relation): Group | null {
  if (operator !== "<" && operator !== "≤") return null;
  const isClosed = operator === "≤";
  if (isLetter(left) && isNumber(right)) {
    return interval({ at: { kind: "negate", argument: INFINITY }, isClosed: false }, { at: right, isClosed });
  }
  if (left.kind === "call" && left.name === "abs" && isLetter(left.argument) && isNumber(right)) {
    return interval({ at: { kind: "negate", argument: right }, isClosed }, { at: right, isClosed });
  }
  if (isLetter(right) && isNumber(left)) {
    return interval({ at: left, isClosed }, { at: INFINITY, isClosed: false });
  }
  return solved({ kind: "-", left, right }, isClosed);
}

/** −2x − 8 < 0 as x > −4: linear in its one letter; null otherwise. */
function solved(difference: Expression, isClosed: boolean): Group | null {
  const [letter, ...more] = lettersOf(difference);
  if (letter === undefined || more.length > 0 || letter === "infinity" || /^[%°]$/.test(letter)) return null;
  const valueAt = (at: number): Expression =>
    substitute(difference, letter, { kind: "integer", value: BigInt(at) });
  const [at0, at1, ...others] = [0, 1, 2, 5, 11].map((at) => realValue(valueAt(at)));
  if (at0 == null || at1 == null || at0 === at1) return null;
  const isLinear = [2, 5, 11].every((at, order) => {
    const [value, line] = [others[order], at0 + at * (at1 - at0)];
    return value != null && Math.abs(value - line) <= 1e-9 * Math.max(1, Math.abs(line));
  });
  if (!isLinear) return null;
  const slope: Expression = { kind: "-", left: valueAt(1), right: valueAt(0) };
  const bound: Expression = { kind: "negate", argument: { kind: "/", left: valueAt(0), right: slope } };
  const [closed, open] = [
    { at: bound, isClosed },
    { at: INFINITY, isClosed: false },
  ];
  return at1 > at0
    ? interval({ at: { kind: "negate", argument: INFINITY }, isClosed: false }, closed)
    : interval(closed, open);
}

/** −∞ or ∞ for a bound that is written so, a double for a number, null for anything else. */
function boundOf(answer: Answer | undefined): number | null {
  if (answer?.kind !== "value") return null;
  const { expression } = answer;
  const isNegative = expression.kind === "negate";
  const bare = isNegative ? expression.argument : expression;
  if (bare.kind !== "name" || bare.name !== "infinity") return realValue(expression);
  return isNegative ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** The interval that both of two rays hold, one from below and one from above; null for anything else. */
function between(rays: readonly (Answer | null)[]): Group | null {
  const groups = rays.flatMap((ray) => (ray?.kind === "group" && ray.elements.length === 2 ? [ray] : []));
  const [one, other] = groups;
  if (groups.length !== 2 || !one || !other) return null;
  const isPair = (low: Group, high: Group) =>
    boundOf(low.elements[1]) === Number.POSITIVE_INFINITY &&
    boundOf(high.elements[0]) === Number.NEGATIVE_INFINITY;
  const pair = isPair(one, other) ? [one, other] : isPair(other, one) ? [other, one] : [];
  const [low, high] = pair;
  const [from, to] = [low?.elements[0], high?.elements[1]];
  return low && high && from && to
    ? { kind: "group", open: low.open, close: high.close, elements: [from, to] }
    : null;
}

/** x > 1 and x < 3: where both hold; null where that is nowhere, as whoever says "and" then means "or". */
export function meeting(rays: readonly Answer[]): Group | null {
  const group = between(rays);
  const [low, high] = (group?.elements ?? []).map(boundOf);
  return group && low != null && high != null && low < high ? group : null;
}

/** 1 < x ≤ 2 as (1, 2], 1 < 2x < 6 as (½, 3); null for other chains. */
function chainOf(first: Relation, second: Relation): Group | null {
  return between([intervalOf(first), intervalOf(second)]);
}
