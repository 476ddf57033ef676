/**
 * @module Is a rewrite still the same question? Rules that need no model; each refusal has a kind and a sentence that
 * can be shown to people and to the model that wrote it.
 *
 * The paper says only that scripts drop incomplete or inconsistent rewrites (spec §2.1); these rules are our own. They
 * would rather refuse a good rewrite than let a changed question pass.
 */
import { countMarkers } from "../model/prompt.js";
import { hasSymbol, numbersOf, numberWordsOf, plain, symbolsOf } from "./givens.js";
import { splitOptions } from "./options.js";

export const REJECTIONS = [
  "not a list",
  "empty",
  "too long",
  "image markers",
  "identical",
  "options changed",
  "number missing",
  "number added",
  "symbol missing",
  "answer leaked",
  "not answerable",
] as const;
export type RejectionKind = (typeof REJECTIONS)[number];

export interface Rejection {
  readonly kind: RejectionKind;
  /** One sentence without a full stop. */
  readonly why: string;
}

/** What a rewrite is compared with. */
export interface RewriteTask {
  /** The question with its markers. */
  readonly text: string;
  readonly gold: string;
}

/** A rewrite may be this many times as long as the question, and this many letters longer still. */
const LENGTH_FACTOR = 3;
const LENGTH_SPARE = 200;

type Rule = (rewrite: string, task: RewriteTask) => Rejection | undefined;

const list = (values: Iterable<string | number>): string => [...values].join(", ");

const sized: Rule = (rewrite, { text }) => {
  if (plain(rewrite) === "") return { kind: "empty", why: "it has no words" };
  const most = LENGTH_FACTOR * text.length + LENGTH_SPARE;
  if (rewrite.length <= most) return undefined;
  return { kind: "too long", why: `it has ${rewrite.length} letters, the question ${text.length}` };
};

const marked: Rule = (rewrite, { text }) => {
  const [got, expected] = [countMarkers(rewrite), countMarkers(text)];
  if (got === expected) return undefined;
  return { kind: "image markers", why: `it has ${got} <image> markers, the question ${expected}` };
};

const optionsKept: Rule = (rewrite, { text }) => {
  const [got, expected] = [splitOptions(rewrite).options, splitOptions(text).options];
  if (expected.size === 0) return undefined;
  const changed = [...expected].filter(([letter, words]) => plain(got.get(letter) ?? "") !== plain(words));
  if (changed.length > 0) {
    const letters = changed.map(([letter]) => letter);
    return { kind: "options changed", why: `option ${list(letters)} is not as given` };
  }
  return got.size === expected.size ? undefined : { kind: "options changed", why: "it has more options" };
};

const stemOf = (text: string): string => splitOptions(text).stem;

const numbersKept: Rule = (rewrite, { text }) => {
  const [got, expected] = [numbersOf(stemOf(rewrite)), numbersOf(stemOf(text))];
  const words = { got: numberWordsOf(rewrite), expected: numberWordsOf(text) };
  const missing = [...expected].filter((number) => !got.has(number) && !words.got.has(number));
  if (missing.length > 0) return { kind: "number missing", why: `${list(missing)} is not in it` };
  const added = [...got].filter((number) => !expected.has(number) && !words.expected.has(number));
  return added.length > 0
    ? { kind: "number added", why: `${list(added)} is not in the question` }
    : undefined;
};

const symbolsKept: Rule = (rewrite, { text }) => {
  const missing = [...symbolsOf(stemOf(text))].filter((symbol) => !hasSymbol(rewrite, symbol));
  return missing.length > 0 ? { kind: "symbol missing", why: `${list(missing)} is not in it` } : undefined;
};

/** Occurrences of the gold answer as words of their own. */
function mentions(text: string, gold: string): number {
  const words = plain(gold);
  return words === "" ? 0 : ` ${plain(text)} `.split(` ${words} `).length - 1;
}

/** Answers that questions contain without giving them away. */
const COMMON = /^(?:[a-j]|yes|no|true|false)$/;

const notLeaked: Rule = (rewrite, { text, gold }) => {
  const isNew = (found: RegExp) => found.test(rewrite) && !found.test(text);
  if (isNew(/\\boxed|<\/?think>|\b(?:correct |right |final )?answer\s*(?:is|:|=)/i)) {
    return { kind: "answer leaked", why: "it speaks of the answer" };
  }
  if (COMMON.test(plain(gold)) || mentions(stemOf(rewrite), gold) <= mentions(stemOf(text), gold)) {
    return undefined;
  }
  return { kind: "answer leaked", why: "it states the answer" };
};

const RULES: readonly Rule[] = [sized, marked, optionsKept, notLeaked, numbersKept, symbolsKept];

/**
 * The first rule a rewrite breaks; undefined when it may be used.
 * @param others rewrites that are in use already
 */
export function checkRewrite(
  rewrite: string,
  task: RewriteTask,
  others: readonly string[] = [],
): Rejection | undefined {
  for (const rule of RULES) {
    const rejection = rule(rewrite, task);
    if (rejection) return rejection;
  }
  const words = plain(rewrite);
  if (words === plain(task.text)) return { kind: "identical", why: "it is the question itself" };
  if (others.some((other) => plain(other) === words)) {
    return { kind: "identical", why: "it is the same as another version" };
  }
  return undefined;
}
