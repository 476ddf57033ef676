/**
 * @module Compares two answers, kind by kind. Symmetric: neither is privileged.
 *
 * What one side may leave out: the unit, the percent or degree sign, the name ("x ="), the option's text behind its
 * letter, the braces of a set. What both sides state must agree.
 */
import { zip } from "../../core/zip.js";
import { type Expression, lettersOf, substitute } from "../symbolic/expression.js";
import { UnsupportedExpression } from "../symbolic/unsupported.js";
import type {
  Answer,
  Choice,
  Clock,
  Collection,
  Group,
  Labelled,
  Matrix,
  Ratio,
  Relation,
  Value,
} from "./answer.js";
import { type Allowance, equalExpressions, proportion } from "./equalExpressions.js";
import { NO_PRODUCTS } from "./latexNames.js";
import { readExpression } from "./readExpression.js";
import { isSameDimension, type Unit } from "./units.js";

/** Whether two answers agree, and why, in a few words. */
export interface Agreement {
  readonly correct: boolean;
  readonly reason: string;
}

function yes(reason: string): Agreement {
  return { correct: true, reason };
}

function no(reason: string): Agreement {
  return { correct: false, reason };
}

const ONE: Expression = { kind: "integer", value: 1n };
/** Signs that one side may leave out, and what they stand for. */
const SIGNS: readonly { readonly name: string; readonly size: Expression; readonly reason: string }[] = [
  { name: "%", size: { kind: "fraction", top: 1n, bottom: 100n }, reason: "percent" },
  {
    name: "°",
    size: { kind: "/", left: { kind: "name", name: "pi" }, right: { kind: "integer", value: 180n } },
    reason: "degrees",
  },
];

/** Degrees under a function are angles, not a unit: sin 30° = ½. */
function withAngles(expression: Expression): Expression {
  if (expression.kind === "call") {
    const size = SIGNS[1]?.size ?? ONE;
    return { ...expression, argument: substitute(withAngles(expression.argument), "°", size) };
  }
  if ("argument" in expression) return { ...expression, argument: withAngles(expression.argument) };
  if (!("left" in expression)) return expression;
  return { ...expression, left: withAngles(expression.left), right: withAngles(expression.right) };
}

/** Equal as they stand, or with a percent or degree sign on one side dropped or written out. */
function compareSigned(a: Expression, b: Expression, allowance: Allowance): Agreement {
  const [left, right] = [withAngles(a), withAngles(b)];
  for (const { name, size, reason } of SIGNS) {
    const [isLeft, isRight] = [lettersOf(left).includes(name), lettersOf(right).includes(name)];
    if (isLeft === isRight) continue;
    const [signed, plain] = isLeft ? [left, right] : [right, left];
    if (equalExpressions(substitute(signed, name, ONE), plain, allowance))
      return yes(`equal without the ${reason} sign`);
    return equalExpressions(substitute(signed, name, size), plain, allowance)
      ? yes(`equal, ${reason} written out`)
      : no("different values");
  }
  return equalExpressions(left, right, allowance) ? yes("equal values") : no("different values");
}

/** X for x on one side, as long as no side uses both. */
function foldCase(expression: Expression, letters: readonly string[]): Expression | null {
  const folded = letters.map((name) => name.toLowerCase());
  if (new Set(folded).size !== letters.length) return null;
  return letters.reduce(
    (result, name) => substitute(result, name, { kind: "name", name: name.toLowerCase() }),
    expression,
  );
}

function compareExpressions(a: Expression, b: Expression, allowance: Allowance): Agreement {
  const verdict = compareSigned(a, b, allowance);
  const [left, right] = [lettersOf(a), lettersOf(b)];
  if (verdict.correct || left.join() === right.join()) return verdict;
  if (left.join().toLowerCase() !== right.join().toLowerCase()) return verdict;
  const [foldedA, foldedB] = [foldCase(a, left), foldCase(b, right)];
  const isSame = foldedA && foldedB && equalExpressions(foldedA, foldedB, allowance);
  return isSame ? yes("equal, letters in other case") : verdict;
}

function scaled(expression: Expression, { top, bottom }: Unit): Expression {
  const up: Expression = { kind: "*", left: expression, right: { kind: "integer", value: top } };
  return { kind: "/", left: up, right: { kind: "integer", value: bottom } };
}

/** "4 h" read as 4·h, for the case that the other side has such a letter. */
function asProduct(value: Value): Expression | null {
  if (value.unitTokens.length === 0 || value.unitTokens.some(({ text }) => text.length > 3)) return null;
  try {
    return { kind: "*", left: value.expression, right: readExpression(value.unitTokens) };
  } catch (error) {
    if (error instanceof UnsupportedExpression) return null;
    throw error;
  }
}

/** Letters that name a variable more often than a unit, unless they stand in upright type. */
const LIKELY_LETTERS = new Set([..."ytdlABCFTK"]);

/** "3 t" is 3·t: who leaves the t out has left out a variable. */
function isLikelyLetter({ unitTokens: [letter, ...more] }: Value): boolean {
  return letter !== undefined && more.length === 0 && !letter.isUpright && LIKELY_LETTERS.has(letter.text);
}

function compareValues(a: Value, b: Value, allowance: Allowance): Agreement {
  const [unitA, unitB] = [a.unit, b.unit];
  if (unitA && unitB && unitA.dimension !== "" && unitB.dimension !== "") {
    if (!isSameDimension(unitA, unitB)) return no("different units");
    return compareExpressions(scaled(a.expression, unitA), scaled(b.expression, unitB), allowance);
  }
  const [withUnit, without] = unitA ? [a, b] : [b, a];
  const product = (unitA === null) !== (unitB === null) ? asProduct(withUnit) : null;
  if (product && (isLikelyLetter(withUnit) || lettersOf(without.expression).length > 0)) {
    return compareExpressions(product, without.expression, allowance);
  }
  const plain = compareExpressions(a.expression, b.expression, allowance);
  return plain.correct && unitA !== unitB ? yes("equal values, one without unit") : plain;
}

/** Pairs up elements of any order; every element has exactly one partner. */
function compareUnordered(a: readonly Answer[], b: readonly Answer[], allowance: Allowance): Agreement {
  if (a.length !== b.length) return no(`${a.length} answers against ${b.length}`);
  const left = [...b];
  for (const element of a) {
    const partner = left.findIndex((other) => compareAnswers(element, other, allowance).correct);
    if (partner < 0) return no("an answer without its counterpart");
    left.splice(partner, 1);
  }
  return yes("the same answers");
}

/** Each element once. */
function distinct(elements: readonly Answer[], allowance: Allowance): Answer[] {
  const kept: Answer[] = [];
  for (const element of elements) {
    if (!kept.some((other) => compareAnswers(element, other, allowance).correct)) kept.push(element);
  }
  return kept;
}

function compareCollections(a: Collection, b: Collection, allowance: Allowance): Agreement {
  const isRepeating =
    a.elements.length !== b.elements.length && Math.min(a.elements.length, b.elements.length) > 1;
  if (a.form === "list" && b.form === "list" && !isRepeating) {
    return compareUnordered(a.elements, b.elements, allowance);
  }
  return compareUnordered(distinct(a.elements, allowance), distinct(b.elements, allowance), allowance);
}

/** "A, C" and "AC". */
function compareChoices(list: Collection, word: string): Agreement | null {
  const letters = list.elements.map((element) =>
    element.kind === "choice" ? element.letter.toLowerCase() : "?",
  );
  if (letters.includes("?") || [...word].join() !== [...word].sort().join()) return null;
  return letters.sort().join("") === word ? yes("the same choices") : no("different choices");
}

function compareOrdered(a: readonly Answer[], b: readonly Answer[], allowance: Allowance): Agreement {
  if (a.length !== b.length) return no(`${a.length} elements against ${b.length}`);
  for (const [at, [left, right]] of zip(a, b).entries()) {
    const verdict = compareAnswers(left, right, allowance);
    if (!verdict.correct) return no(`element ${at + 1}: ${verdict.reason}`);
  }
  return yes("equal, element by element");
}

function compareGroups(a: Group, b: Group, allowance: Allowance): Agreement {
  if (a.open !== b.open || a.close !== b.close) return no("different brackets");
  return compareOrdered(a.elements, b.elements, allowance);
}

function compareMatrices(a: Matrix, b: Matrix, allowance: Allowance): Agreement {
  if (a.rows.map((row) => row.length).join() !== b.rows.map((row) => row.length).join())
    return no("different shapes");
  return compareOrdered(a.rows.flat(), b.rows.flat(), allowance);
}

/** A column or row vector against a tuple. */
function compareVector({ rows }: Matrix, group: Group, allowance: Allowance): Agreement {
  const isVector = rows.length === 1 || rows.every((row) => row.length === 1);
  return isVector ? compareOrdered(rows.flat(), group.elements, allowance) : no("a matrix against a tuple");
}

function difference({ left, right }: Relation): Expression {
  return { kind: "-", left, right };
}

function compareRelations(a: Relation, b: Relation, allowance: Allowance): Agreement {
  if (a.operator !== b.operator) return no("different relations");
  const sign = proportion(difference(a), difference(b), allowance);
  const isDirected = a.operator === "<" || a.operator === "≤";
  const isSame = sign === 1 || (sign === -1 && !isDirected);
  return isSame ? yes("equivalent relations") : no("different relations");
}

function compareLabelled(a: Labelled, b: Labelled, allowance: Allowance): Agreement {
  if (a.label.toLowerCase() === b.label.toLowerCase()) return compareAnswers(a.value, b.value, allowance);
  if (a.relation && b.relation) return compareRelations(a.relation, b.relation, allowance);
  return no("answers with different names");
}

function compareRatios(a: Ratio, b: Ratio, allowance: Allowance): Agreement {
  if (a.parts.length !== b.parts.length) return no("ratios of different length");
  const [a0, b0] = [a.parts[0] ?? ONE, b.parts[0] ?? ONE];
  const isSame = zip(a.parts, b.parts).every(([x, y]) =>
    equalExpressions({ kind: "*", left: x, right: b0 }, { kind: "*", left: y, right: a0 }, allowance),
  );
  return isSame ? yes("equal ratios") : no("different ratios");
}

function minutesOf({ hours, minutes, half }: Clock): number {
  if (half === null) return 60 * hours + minutes;
  return 60 * ((hours % 12) + (half === "pm" ? 12 : 0)) + minutes;
}

/** The half of the day that a time states, by its hour at least: 13:00 is in the second, 0:30 in the first. */
function halfOf({ hours, half }: Clock): Clock["half"] {
  if (half !== null || (hours >= 1 && hours <= 12)) return half;
  return hours % 24 < 12 ? "am" : "pm";
}

/** Where one does not say which half of the day, either will do. */
function compareClocks(a: Clock, b: Clock): Agreement {
  const day = halfOf(a) !== null && halfOf(b) !== null ? 1440 : 720;
  const isSame =
    a.half === b.half ? minutesOf(a) === minutesOf(b) : (minutesOf(a) - minutesOf(b)) % day === 0;
  return isSame ? yes("the same time") : no("different times");
}

function asValue(expression: Expression): Value {
  return { kind: "value", expression, unit: null, unitTokens: [] };
}

function compareSameKind(a: Answer, b: Answer, allowance: Allowance): Agreement | null {
  if (a.kind === "value" && b.kind === "value") return compareValues(a, b, allowance);
  if (a.kind === "text" && b.kind === "text") return compareTexts(a.words, b.words);
  if (a.kind === "choice" && b.kind === "choice") {
    const isSame = a.letter.toLowerCase() === b.letter.toLowerCase();
    return isSame ? yes("the same choice") : no("different choices");
  }
  if (a.kind === "collection" && b.kind === "collection") return compareCollections(a, b, allowance);
  if (a.kind === "group" && b.kind === "group") return compareGroups(a, b, allowance);
  if (a.kind === "matrix" && b.kind === "matrix") return compareMatrices(a, b, allowance);
  if (a.kind === "labelled" && b.kind === "labelled") return compareLabelled(a, b, allowance);
  if (a.kind === "relation" && b.kind === "relation") return compareRelations(a, b, allowance);
  if (a.kind === "ratio" && b.kind === "ratio") return compareRatios(a, b, allowance);
  return a.kind === "clock" && b.kind === "clock" ? compareClocks(a, b) : null;
}

/** xy, xyz: letters side by side that make no word. */
function isProduct(words: string): boolean {
  return /^(?:[a-z]{2}|[b-df-hj-np-tv-z]{3})$/.test(words) && !NO_PRODUCTS.has(words);
}

/** ∠ABC may be written without its sign, but is no triangle. */
function compareTexts(a: string, b: string): Agreement {
  if (a === b) return a === "" ? no("nothing to compare") : yes("the same words");
  if (isProduct(a) && isProduct(b) && [...a].sort().join() === [...b].sort().join())
    return yes("the same factors");
  const bare = (words: string) => words.replace(/^[∠△]/, "");
  const isBare = bare(a) === a || bare(b) === b;
  return isBare && bare(a) === bare(b) && /^[a-z]+$/.test(bare(a))
    ? yes("the same name")
    : no("different words");
}

/** `a` of a kind that gives way to others: what it amounts to beside `b`. Null when it stands for itself. */
function reduce(a: Answer, b: Answer, allowance: Allowance): Answer | null {
  if (a.kind === "labelled") return b.kind === "relation" ? (a.relation ?? null) : a.value;
  if (a.kind === "choice") return reduceChoice(a, b);
  if (a.kind === "collection") {
    const [only, ...more] = a.elements;
    const isOne = only && more.every((other) => compareAnswers(only, other, allowance).correct);
    return isOne ? only : null;
  }
  if (a.kind === "text" && b.kind === "value" && isProduct(a.words)) return productOf(a.words);
  if (a.kind === "clock") return a.ratio;
  if (a.kind === "ratio" && a.parts.length === 2 && b.kind === "value") {
    const [left = ONE, right = ONE] = a.parts;
    return asValue({ kind: "/", left, right });
  }
  return null;
}

/** xy as x·y. */
function productOf(words: string): Value {
  return asValue(readExpression([{ kind: "word", text: words, isSpaced: false }]));
}

/** 3 + 4 = 7 says 7, as long as it is true. */
function resultOf(a: Answer, b: Answer, allowance: Allowance): Answer | null {
  if (a.kind !== "relation" || a.operator !== "=" || b.kind !== "value") return null;
  if (lettersOf(a.left).length > 0 || lettersOf(a.right).length > 0) return null;
  return equalExpressions(a.left, a.right, allowance) ? asValue(a.right) : null;
}

function reduceChoice({ letter, content }: Choice, b: Answer): Answer | null {
  if (content !== null) return content;
  return b.kind === "value"
    ? asValue(readExpression([{ kind: "word", text: letter, isSpaced: false }]))
    : null;
}

/** x = 2, y = 5 as (2, 5): a point by its coordinates' names, in their order. */
function compareAssigned(list: Collection, group: Group, allowance: Allowance): Agreement | null {
  const labels = list.elements.flatMap((element) => (element.kind === "labelled" ? [element.label] : []));
  const isPoint = group.open === "(" && group.close === ")" && new Set(labels).size === list.elements.length;
  if (isPoint && list.elements.length > 1) return compareOrdered(list.elements, group.elements, allowance);
  const only = reduce(list, group, allowance);
  return only && compareAnswers(only, group, allowance);
}

function compareMixed(a: Answer, b: Answer, allowance: Allowance): Agreement | null {
  if (a.kind === "matrix" && b.kind === "group") return compareVector(a, b, allowance);
  if (a.kind === "collection" && b.kind === "text") return compareChoices(a, b.words);
  if (a.kind === "collection" && b.kind === "group") return compareAssigned(a, b, allowance);
  const reduced = reduce(a, b, allowance) ?? resultOf(a, b, allowance);
  return reduced ? compareAnswers(reduced, b, allowance) : null;
}

/** @throws UnsupportedExpression when it cannot be told, or the allowance is used up */
export function compareAnswers(a: Answer, b: Answer, allowance: Allowance): Agreement {
  return (
    compareSameKind(a, b, allowance) ??
    compareMixed(a, b, allowance) ??
    compareMixed(b, a, allowance) ??
    no(`${describe(a)} against ${describe(b)}`)
  );
}

function describe(answer: Answer): string {
  return answer.kind === "text" && answer.reason !== "words" ? `text (${answer.reason})` : answer.kind;
}
