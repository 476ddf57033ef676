/**
 * @module Reads an answer: which kind it is, and its parts. Whatever cannot be read is text, with the reason.
 *
 * The kinds are tried from the outside in: choice, list, relation, union, brackets, ratio, quantity.
 */
import { own } from "../../core/own.js";
import type { Expression } from "../symbolic/expression.js";
import { UnsupportedExpression } from "../symbolic/unsupported.js";
import type { Answer, Choice, Clock, Labelled, ReadPart, Relation, Text } from "./answer.js";
import { NO_PRODUCTS } from "./latexNames.js";
import { isFunctionName, isMeasure, isName, ofChain } from "./readChain.js";
import { groupOrMatrix, readMatrix, readMatrixSum } from "./readMatrix.js";
import { intervalOf, meeting, readRelation } from "./readRelation.js";
import { numberOfWords, readValue } from "./readValue.js";
import { isEnclosed, positions, split } from "./split.js";
import { canonicalText, type Token } from "./tokens.js";

/** Answers in answers: tuples of sets of … */
const DEEPEST = 8;

const ARTICLES = new Set(["a", "an", "the"]);
const SYNONYMS: Readonly<Record<string, string>> = {
  dne: "doesnotexist",
  nosolutions: "nosolution",
  emptyset: "∅",
  "\\{\\}": "∅",
};

/** A text answer: what distinguishes one from another, for people. Mathematics has neither articles nor punctuation. */
export function textOf(tokens: readonly Token[], reason: string): Text {
  const isUnread = tokens.some(({ text }) => /^\\[A-Za-z]/.test(text));
  const isLeftOut = (text: string) =>
    (ARTICLES.has(text) && tokens.length > 1) || /^[.,;:!?'’()-]$/.test(text);
  const words = tokens
    .map(({ text }) => text.toLowerCase())
    .filter((text) => isUnread || !isLeftOut(text))
    .join("");
  return { kind: "text", words: own(SYNONYMS, words) ?? words, reason, isUnread };
}

const LEAD_WORDS = new Set(
  "so thus therefore hence the final correct answer answers option choice is are".split(" "),
);

/** Drops "The answer is:" and the full stop behind the answer. */
function trimmed(tokens: readonly Token[]): readonly Token[] {
  let start = 0;
  while (LEAD_WORDS.has(tokens[start]?.text.toLowerCase() ?? "")) start++;
  const isLead = tokens.slice(0, start).some(({ text }) => /^(answers?|option|choice)$/i.test(text));
  if (!isLead || start === tokens.length) start = 0;
  else if ([":", "="].includes(tokens[start]?.text ?? "")) start++;
  const isApproximate = ["≈"].includes(tokens[start]?.text ?? "");
  let end = tokens.length;
  while (end > start && [".", ",", ";", "。"].includes(tokens[end - 1]?.text ?? "")) end--;
  return tokens.slice(start + (isApproximate ? 1 : 0), end);
}

const CHOICE_LETTER = /^[A-Ja-j]$/;

/** A word and no letters to multiply: "octagon", "red". */
const LONG_WORD = /^(?:\p{L}{4,}|(?!exp|sin|cos|tan|log)(?=\p{L}*[aeiou])[a-z]{3})$/u;

/** "E - octagon", "D -- none": a dash between spaces, and words that are no letters to subtract. */
function isDashed([letter, dash, ...rest]: readonly Token[]): boolean {
  const words = rest[0]?.text === "-" ? rest.slice(1) : rest;
  const isSet = dash?.text === "-" && dash.isSpaced && words[0]?.isSpaced === true;
  const isUpper = /^[A-J]$/.test(letter?.text ?? "");
  return isSet && isUpper && words.some(({ kind, text }) => kind === "word" && LONG_WORD.test(text));
}

/** "B、正方形": Chinese and Japanese set no space behind the mark. */
const WITHOUT_SPACES = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u;

/** "(A)", "A.", "B) 5", "C: red". A letter alone is a choice too. */
function readChoice(tokens: readonly Token[], read: ReadPart): Choice | null {
  const [first, second, third] = tokens;
  if (tokens.length === 1 && first?.kind === "word" && /^\p{L}$/u.test(first.text)) {
    return { kind: "choice", letter: first.text, content: null };
  }
  const isParenthesised = first?.text === "(" && third?.text === ")";
  const letter = isParenthesised ? second : first;
  if (letter?.kind !== "word" || !CHOICE_LETTER.test(letter.text)) return null;
  const mark = isParenthesised ? ")" : (second?.text ?? "");
  const rest = tokens.slice(isParenthesised ? 3 : 2);
  const isUpper = letter.text === letter.text.toUpperCase();
  if (!isParenthesised && isDashed(tokens))
    return { kind: "choice", letter: letter.text, content: read(rest) };
  const isWide = WITHOUT_SPACES.test(rest[0]?.text ?? "");
  if (!isParenthesised && !(/^[.)]$/.test(mark) || ((mark === ":" || (mark === "," && isWide)) && isUpper)))
    return null;
  if (rest.length === 0) return mark === ":" ? null : { kind: "choice", letter: letter.text, content: null };
  const isOption = isUpper && (rest[0]?.isSpaced === true || isWide);
  return isOption ? { kind: "choice", letter: letter.text, content: read(rest) } : null;
}

function isListMark({ kind, text }: Token): boolean {
  return kind === "mark"
    ? text === "," || text === ";" || text === "&"
    : kind === "word" && /^(and|or)$/i.test(text);
}

function readList(tokens: readonly Token[], read: ReadPart): Answer | null {
  const parts = split(tokens, isListMark).filter((part) => part.length > 0);
  if (tokens.some(({ text }) => text === "&") && tokens.some(({ text }) => text.startsWith("\\begin")))
    return null;
  if (parts.length < 2) return null;
  const elements = parts.map(read).flatMap(flatten);
  const [first] = elements;
  if (first?.kind === "labelled" && elements.every((element) => hasLabel(element, first.label))) {
    const values = elements.flatMap((element) => (element.kind === "labelled" ? flatten(element.value) : []));
    return { ...first, value: { kind: "collection", form: "list", elements: values }, relation: null };
  }
  const both =
    parts.every(isBound) && tokens.some(({ text }) => /^and$/i.test(text)) ? meeting(elements) : null;
  if (both) return both;
  const unions = elements.every((element) => element.kind === "group" || element.kind === "collection");
  const hasOr = positions(tokens, ({ text }) => /^or$/i.test(text)).length > 0;
  return {
    kind: "collection",
    form: unions && hasOr ? "union" : "list",
    elements: elements.flatMap(flatten),
  };
}

/** x > 1: an inequality. */
function isBound(tokens: readonly Token[]): boolean {
  return tokens.some(({ text }) => /^[<>≤≥]$/.test(text));
}

function hasLabel(answer: Answer, label: string): boolean {
  return answer.kind === "labelled" && answer.label === label;
}

/** A list in a list is one list: "1, ±2". */
function flatten(answer: Answer): readonly Answer[] {
  return answer.kind === "collection" && answer.form === "list" ? answer.elements : [answer];
}

/** x = ±3 and 2 ± √3: both signs. */
function readPlusMinus(tokens: readonly Token[], read: ReadPart): Answer | null {
  if (!tokens.some(({ text }) => text === "±")) return null;
  const signed = (plus: string, minus: string) =>
    tokens.map((token): Token => {
      if (token.text === "±") return { ...token, text: plus };
      return token.text === "∓" ? { ...token, text: minus } : token;
    });
  return {
    kind: "collection",
    form: "list",
    elements: [read(signed("+", "-")), read(signed("-", "+"))].flatMap(flatten),
  };
}

function readTupleOfNames(left: readonly Token[], right: Answer): boolean {
  return left[0]?.text === "(" && isEnclosed(left) && right.kind === "group";
}

/** y = 1/4 ≈ 0.2 is y = 1/4. */
function readChained(tokens: readonly Token[], read: ReadPart): Answer | null {
  const ends = ofChain(tokens);
  return ends && read(ends);
}

/** |CD| = 7, AM : MB = 2 : 5: a measure and its value. */
function readMeasured(tokens: readonly Token[], read: ReadPart): Labelled | null {
  const marks = positions(tokens, ({ text }) => text === "=");
  const [at = 0] = marks;
  const [name, content] = [tokens.slice(0, at), tokens.slice(at + 1)];
  if (marks.length !== 1 || isName(name) || !isMeasure(name) || content.length === 0) return null;
  const value = read(content);
  const isNumber = value.kind === "ratio" || value.kind === "clock" || value.kind === "value";
  return isNumber
    ? { kind: "labelled", label: canonicalText(name), value, relation: equationOf(tokens) }
    : null;
}

/** "x = 5", "x ∈ (1, 2)": the side without a name is the answer. */
function readLabelled(tokens: readonly Token[], read: ReadPart): Labelled | null {
  const marks = positions(tokens, ({ text }) => text === "=" || text === "∈" || text === "≈" || text === ":");
  const at = marks[0];
  if (at === undefined || marks.length > 1) return null;
  const [left, right] = [tokens.slice(0, at), tokens.slice(at + 1)];
  const isColon = tokens[at]?.text === ":";
  if (right.length === 0 || (isColon && !left.some(({ kind, text }) => kind === "word" && text.length > 2))) {
    return null;
  }
  const isTurned = !isLabel(left) && isName(right) && tokens[at]?.text === "=";
  const [name, content] = isTurned ? [right, left] : [left, right];
  const value = isLabel(name) || name[0]?.text === "(" ? read(content) : null;
  if (value === null || !(isLabel(name) || readTupleOfNames(name, value))) return null;
  return {
    kind: "labelled",
    label: canonicalText(name.filter(({ text }) => text !== "m" || name.length === 1)),
    value,
    relation: tokens[at]?.text === "=" ? equationOf(tokens) : null,
  };
}

/** The equation, where its sides are expressions: "x = 5", but not "area = 5". */
function equationOf(tokens: readonly Token[]): Relation | null {
  try {
    const relation = readRelation(tokens);
    return relation?.kind === "relation" ? relation : null;
  } catch (error) {
    if (error instanceof UnsupportedExpression) return null;
    throw error;
  }
}

function isLabel(tokens: readonly Token[]): boolean {
  return isName(tokens) || isFunctionName(tokens);
}

const BRACKETS: Readonly<Record<string, "(" | "[">> = { "(": "(", "⟨": "(", "[": "[" };
const CLOSINGS: Readonly<Record<string, ")" | "]">> = { ")": ")", "⟩": ")", "]": "]" };

function elementsOf(inside: readonly Token[], read: ReadPart): Answer[] {
  return split(inside, ({ text }) => text === "," || text === ";").map(read);
}

/** {x | x > 2}, {x ∈ R : x = 2}: what is said of the letter. */
function readCondition(inside: readonly Token[], read: ReadPart): Answer | null {
  const at = inside.findIndex(({ text }) => text === "|" || text === ":");
  const [letter, member] = inside;
  const isLetter =
    letter?.kind === "word" && /^\p{L}$/u.test(letter.text) && (at === 1 || member?.text === "∈");
  const condition = isLetter && at > 0 ? inside.slice(at + 1) : [];
  return condition.some(({ text }) => /^[=<>≤≥≠]$/.test(text)) ? read(condition) : null;
}

/** Tuple, interval, vector, set; null for plain parentheses. */
function readBrackets(tokens: readonly Token[], read: ReadPart): Answer | null {
  if (!isEnclosed(tokens)) return null;
  const [first, last] = [tokens[0]?.text ?? "", tokens.at(-1)?.text ?? ""];
  const inside = tokens.slice(1, -1);
  const hasComma = positions(inside, ({ text }) => text === "," || text === ";").length > 0;
  const isSet = first === "\\{" && last === "\\}";
  if (isSet || (first === "{" && hasComma)) {
    if (inside.length === 0) return { kind: "text", words: "∅", reason: "the empty set", isUnread: false };
    return (
      readCondition(inside, read) ?? { kind: "collection", form: "set", elements: elementsOf(inside, read) }
    );
  }
  if (first === "{" && last === "}") return read(inside);
  if (inside[0]?.text === "\\begin" && isEnclosed(inside)) return readMatrix(inside, read);
  const [open, close] = [BRACKETS[first], CLOSINGS[last]];
  if (open === undefined || close === undefined) return null;
  const isNested = inside[0]?.text === "[" && first === "[";
  if (!hasComma && !isNested) return open === "(" && close === ")" && isWhole(inside) ? read(inside) : null;
  return groupOrMatrix({ kind: "group", open, close, elements: elementsOf(inside, read) });
}

/** What parentheses may enclose without changing it: something that is no plain expression. */
function isWhole(inside: readonly Token[]): boolean {
  return positions(inside, ({ text }) => text === ":" || text === "=").length === 0;
}

function readUnion(tokens: readonly Token[], read: ReadPart): Answer | null {
  const parts = split(tokens, ({ text }) => text === "∪");
  return parts.length < 2 ? null : { kind: "collection", form: "union", elements: parts.map(read) };
}

/** am, p.m. */
function isHalf(tokens: readonly Token[]): boolean {
  return tokens.length <= 4 && /^[ap]\.?m\.?$/i.test(tokens.map(({ text }) => text).join(""));
}

/** Two-digit minutes: a time of day, or else a ratio. */
function readRatio(tokens: readonly Token[]): Answer | null {
  const halfAt = tokens.findIndex((_, at) => at > 0 && isHalf(tokens.slice(at)));
  const half = /^a/i.test(tokens[halfAt]?.text ?? "") ? "am" : "pm";
  const body = halfAt < 0 ? tokens : tokens.slice(0, halfAt);
  const parts = split(body, ({ text }) => text === ":");
  const clock = readClock(body, halfAt < 0 ? null : half);
  if (halfAt >= 0) return clock;
  if (parts.length < 2) return null;
  const ratio = { kind: "ratio", parts: parts.map(plainExpression) } as const;
  return clock ? { ...clock, ratio } : ratio;
}

function readClock(tokens: readonly Token[], half: Clock["half"]): Clock | null {
  const shown = tokens.map(({ text }) => text).join("");
  const [match = "", hours = "", minutes] = /^(\d{1,2})(?::(\d\d))?$/.exec(shown) ?? [];
  if (match === "" || (minutes === undefined && half === null)) return null;
  const time = { hours: Number(hours), minutes: Number(minutes ?? 0) };
  return time.hours > 24 || time.minutes > 59 ? null : { kind: "clock", ...time, half, ratio: null };
}

function plainExpression(tokens: readonly Token[]): Expression {
  const value = readValue(tokens);
  if (value.unit !== null) throw new UnsupportedExpression("a ratio with units");
  return value.expression;
}

/** The readers, in the order in which they are tried; the first that knows the answer reads it. */
const READERS: readonly ((tokens: readonly Token[], read: ReadPart) => Answer | null)[] = [
  readChoice,
  readMatrix,
  readMatrixSum,
  readBrackets,
  readList,
  readChained,
  readMeasured,
  readLabelled,
  (tokens) => {
    const relation = readRelation(tokens);
    return relation === null || relation.kind !== "relation" ? relation : (intervalOf(relation) ?? relation);
  },
  readUnion,
  readPlusMinus,
  readRatio,
];

/** Corners alone or behind a sign: text. A segment may be named from either end: AB is BA. */
function readCorners(tokens: readonly Token[]): Text | null {
  const [first] = tokens;
  const sign = first?.text === "∠" || first?.text === "△" ? first.text : "";
  const [name, ...more] = sign === "" ? tokens : tokens.slice(1);
  if (more.length > 0 || name?.kind !== "word" || !/^[A-Z]{2,}$/.test(name.text)) return null;
  const letters = name.text.toLowerCase();
  if (own(SYNONYMS, letters) !== undefined) return null;
  const isSegment = letters.length === 2 && !NO_PRODUCTS.has(letters);
  return {
    kind: "text",
    words: sign + (isSegment ? [...letters].sort().join("") : letters),
    reason: "a name",
    isUnread: false,
  };
}

function readAt(tokens: readonly Token[], depth: number): Answer {
  if (depth > DEEPEST) return textOf(tokens, "nested too deep");
  const inner = trimmed(tokens);
  const read: ReadPart = (part) => readAt(part, depth + 1);
  try {
    for (const reader of READERS) {
      const answer = reader(inner, read);
      if (answer !== null) return answer;
    }
    return readCorners(inner) ?? readQuantity(inner);
  } catch (error) {
    if (error instanceof UnsupportedExpression) return textOf(inner, error.message);
    throw error;
  }
}

function readQuantity(tokens: readonly Token[]): Answer {
  const isNumber = numberOfWords(tokens) !== null;
  return isWords(tokens) && !isNumber ? textOf(tokens, "words") : readValue(tokens);
}

/** Words alone are no product of letters: "dog" is not "god". Greek letters and constants are. */
function isWords(tokens: readonly Token[]): boolean {
  const isPlain = ({ kind, text }: Token) => kind === "word" && /^\p{Script=Latin}{2,}$/u.test(text);
  return tokens.length > 0 && tokens.every(isPlain) && !tokens.some(({ text }) => isConstant(text));
}

function isConstant(text: string): boolean {
  return text === "pi" || text === "infinity" || text === "inf";
}

/** Never throws. */
export function readAnswer(tokens: readonly Token[]): Answer {
  return readAt(tokens, 0);
}
