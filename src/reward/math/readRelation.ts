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

/** x < 3 as (−∞, 3); null when it is not a letter against a number. */
export function intervalOf({ operator, left, right }: Relation): Group | null {
  if (operator !== "<" && operator !== "≤") return null;
  const isClosed = operator === "≤";
  if (isLetter(left) && isNumber(right)) {
    return interval({ at: { kind: "negate", argument: INFINITY }, isClosed: false }, { at: right, isClosed });
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

/** 1 < x ≤ 2 as (1, 2]; null for other chains. */
function chainOf(first: Relation, second: Relation): Group | null {
  const [one, other] = [intervalOf(first), intervalOf(second)];
  if (!one || !other) return null;
  const isLow = isLetter(first.right);
  if (isLow === isLetter(second.right)) return null;
  const [low, high] = isLow ? [one, other] : [other, one];
  return {
    kind: "group",
    open: low.open,
    close: high.close,
    elements: [low.elements[0], high.elements[1]].flatMap((bound) => bound ?? []),
  };
}
