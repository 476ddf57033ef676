/**
 * @module Reads the chosen option out of a response: by its letter, by the words "answer is X", or by its text.
 *
 * Source: specification of VLMEvalKit's `can_infer` (matching_util.py) at three points of its history.
 * `compatible` does what it does; `fixed` mends the quirks that `quirks.ts` lists under `choice-…`.
 */
import { asciiForms } from "../../src/core/asciiForms.js";
import { zip } from "../../src/core/zip.js";
import { gradeMath } from "../../src/reward/math/gradeMath.js";
import { LETTERS } from "../prompts/choice.js";
import type { RuleSet, ScoreMode } from "../records.js";
import { splitWords } from "./python.js";
import { afterThinking, markedAnswer, type Reading, RULE, shortResponse } from "./reading.js";

/** Option texts by letter, in alphabet order. */
export type Choices = ReadonlyMap<string, string>;

export interface ChoiceRules {
  readonly rules: RuleSet;
  readonly mode: ScoreMode;
}

/** VLMEvalKit writes this where a request failed for good. */
export const FAILED_TEXT = "Failed to obtain answer via API";
/** The letter for "none of them": a refusal, or a judge that finds no option alike. */
export const NO_OPTION = "Z";

const REFUSALS = [
  "Sorry, I can't help with images of people yet.",
  "I can't process this file.",
  "I'm sorry, but without the image provided",
  "Cannot determine the answer",
];
const SEPARATORS = /[.()[\],:;!*#{}]/g;
/** A letter counts only among the last so many words (from 2025-08). */
const LAST_WORDS = 4;
/** Texts are compared only while the response is at most so many times as long as all options (from 2025-08). */
const LONGEST_FACTOR = 2;
const ANSWER_IS = /(?:correct\s+)?answer\s+is\s+\**([ABCD])/i;
/** The same with the letter standing alone and, outside brackets, written as a capital. The last one counts. */
const ANSWER_IS_ALONE =
  /(?:(?:[Aa]nswer|ANSWER)(?:\s+is\b)?|答案(?:是|为|為)?|故?[选選](?:择|擇)?)\s*[:：]?\s*(?:[Oo]ption\s+|[Cc]hoice\s+)?[*_"'$]*(?:\(([A-Za-z])\)|([A-Z])(?![\p{L}\p{N}]|['’]|[ \t]+\p{Ll}))/gu;
/** "the correct option is B because …": no article stands there, so a small letter may follow. */
const OPTION_IS = /(?:[Oo]ption|[Cc]hoice)\s+is\s*:?\s*[*_"'$(]*([A-Z])(?![\p{L}\p{N}'’])/gu;
/** A capital standing alone, whatever signs are around it; "A" and "I" before a small letter are words, but "A or B". */
const LONE_LETTER =
  /(?<![\p{L}\p{N}'’])(?![AI][ \t]+(?!(?:and|or)[ \t]+[A-Z](?!\p{L}))\p{Ll})([A-Z])(?![\p{L}\p{N}'’])/gu;

function has2025August(rules: RuleSet): boolean {
  return rules !== "2025-05";
}

/** The only option letter of a response and how many words follow it; `several` when there are more. */
type OnlyLetter = { readonly letter: string; readonly wordsBehind: number } | "several" | "none";

function onlyOf(found: readonly { readonly letter: string; readonly wordsBehind: number }[]): OnlyLetter {
  const [first] = found;
  if (!first) return "none";
  return new Set(found.map(({ letter }) => letter)).size > 1 ? "several" : first;
}

/** As a whole word once separators are spaces; where it comes first counts. */
function onlyWord(words: readonly string[], choices: Choices): OnlyLetter {
  return onlyOf(
    [...choices.keys()]
      .map((letter) => ({ letter, at: words.indexOf(letter) }))
      .filter(({ at }) => at >= 0)
      .map(({ letter, at }) => ({ letter, wordsBehind: words.length - 1 - at })),
  );
}

/** As a capital standing alone; where it comes last counts. */
function onlyLoneLetter(response: string, choices: Choices): OnlyLetter {
  const found = [...response.matchAll(LONE_LETTER)].map(({ 1: letter = "", index }) => ({
    letter,
    wordsBehind: splitWords(response.slice(index + 1).replaceAll(/[^\p{L}\p{N}]/gu, " ")).length,
  }));
  return onlyOf(found.filter(({ letter }) => choices.has(letter)).reverse());
}

function letterAfterAnswerIs(response: string, choices: Choices, mode: ScoreMode): string | undefined {
  if (mode === "compatible") {
    const letter = ANSWER_IS.exec(response)?.[1]?.toUpperCase();
    return letter !== undefined && choices.has(letter) ? letter : undefined;
  }
  const said = [...response.matchAll(ANSWER_IS_ALONE), ...response.matchAll(OPTION_IS)];
  const last = said.sort((one, other) => one.index - other.index).at(-1);
  const letter = (last?.[1] ?? last?.[2])?.toUpperCase();
  return letter !== undefined && choices.has(letter) ? letter : undefined;
}

function readLetter(response: string, choices: Choices, { rules, mode }: ChoiceRules): Reading | undefined {
  if (response.includes(FAILED_TEXT)) return undefined;
  if (REFUSALS.some((refusal) => response.includes(refusal))) return { text: NO_OPTION, rule: RULE.refusal };
  const words = splitWords(response.replaceAll(SEPARATORS, " "));
  const only = mode === "fixed" ? onlyLoneLetter(response, choices) : onlyWord(words, choices);
  if (typeof only === "object" && (!has2025August(rules) || only.wordsBehind < LAST_WORDS)) {
    return { text: only.letter, rule: RULE.optionLetter };
  }
  if (only === "none" && words.includes(NO_OPTION)) return { text: NO_OPTION, rule: RULE.optionLetter };
  if (rules !== "2026-08" && mode === "compatible") return undefined;
  const letter = letterAfterAnswerIs(response, choices, mode);
  return letter === undefined ? undefined : { text: letter, rule: RULE.answerPhrase };
}

/** Length in code points, as Python counts. */
function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length++;
  return length;
}

function isTooLong(response: string, texts: readonly string[]): boolean {
  const options = texts.reduce((sum, text) => sum + lengthOf(text), 0);
  return lengthOf(response) > LONGEST_FACTOR * options;
}

/** Whether `text` occurs in `response` as words of its own. */
function hasWords(response: string, text: string): boolean {
  const isPart = (sign: string | undefined) => sign !== undefined && /[\p{L}\p{N}]/u.test(sign);
  for (let at = response.indexOf(text); at >= 0; at = response.indexOf(text, at + 1)) {
    const opens = !isPart(text[0]) || !isPart(response[at - 1]);
    const closes = !isPart(text.at(-1)) || !isPart(response[at + text.length]);
    if (opens && closes) return true;
  }
  return false;
}

/** Option texts found in the response as words; an option that is part of another found one does not count. */
function optionsAsWords(response: string, options: readonly (readonly [string, string])[]): string[] {
  const found = options.filter(([letter, text]) => {
    const trimmed = text.trim();
    return trimmed !== "" && trimmed !== letter.toLowerCase() && hasWords(response, trimmed);
  });
  return found
    .filter(([letter, text]) => !found.some(([other, longer]) => other !== letter && longer.includes(text)))
    .map(([letter]) => letter);
}

function readText(response: string, choices: Choices, { rules, mode }: ChoiceRules): Reading | undefined {
  const lower = response.toLowerCase();
  const options = [...choices].map(([letter, text]): [string, string] => [letter, text.toLowerCase()]);
  // The limit is taken on the texts as written, before they are put in lower case.
  if (has2025August(rules) && isTooLong(lower, [...choices.values()])) return undefined;
  const found =
    mode === "fixed"
      ? optionsAsWords(lower, options)
      : options.filter(([, text]) => lower.includes(text)).map(([letter]) => letter);
  const [letter] = found;
  return found.length === 1 && letter !== undefined ? { text: letter, rule: RULE.optionText } : undefined;
}

/** What stands around a letter in a box: `\text{(B) left}`, `B. left`, `**B**`. */
const LEADING_LETTER =
  /^[\s*_$"'`({[]*(?:\\(?:text|textbf|mathrm|mathbf)\s*\{\s*)?[\s*_$"'`({[]*([A-Z])(?:\s*$|\s*[^\p{L}\p{N}\s+\-=^/])/u;

/** More than one answer is none: `A, B`, `A and C`. */
const SEVERAL_LETTERS = /^[\s(]*[A-Z][\s)]*(?:(?:,|;|&|\/|\\&|and|or|、)[\s(]*[A-Z][\s).]*)+$/;
const SOLE_LETTER = /^[\s*_$"'`({[]*([A-Za-z])[\s*_$"'`)}\].:]*$/;

/** The option that a marked answer names: by letter, by value, by text. */
function readMarked({ text, rule }: Reading, choices: Choices, rules: ChoiceRules): Reading | undefined {
  if (SEVERAL_LETTERS.test(text.replace(/\\(?:text|textbf|mathrm|mathbf)\s*\{([^{}]*)\}/g, "$1")))
    return undefined;
  const letter = LEADING_LETTER.exec(text)?.[1];
  if (letter !== undefined && choices.has(letter)) return { text: letter, rule };
  const equal = [...choices].filter(([, option]) => gradeMath(text, option).correct);
  const [only] = equal;
  if (equal.length === 1 && only) return { text: only[0], rule };
  const sole = soleLetter(text, choices);
  const found = sole ?? readLetter(text, choices, rules) ?? readText(text, choices, rules);
  return found && { text: found.text, rule };
}

/** A letter that is all there is, small ones too: `b`, `(b)`. */
function soleLetter(text: string, choices: Choices): Reading | undefined {
  const letter = SOLE_LETTER.exec(text)?.[1]?.toUpperCase();
  return letter !== undefined && choices.has(letter) ? { text: letter, rule: RULE.optionLetter } : undefined;
}

/** A letter in the first line and words below it that name no other. */
function letterAbove(text: string, choices: Choices): Reading | undefined {
  const [line = ""] = text.trim().split(/\r?\n/, 1);
  const sole = soleLetter(line, choices);
  const only = sole && onlyLoneLetter(text, choices);
  return typeof only === "object" && only.letter === sole?.text ? sole : undefined;
}

/** A short answer in other words than its option, where exactly one option has that value: `1/2` for `0.5`. */
function readEqual(response: string, choices: Choices): Reading | undefined {
  const short = shortResponse(response);
  const equal = short ? [...choices].filter(([, option]) => gradeMath(short.text, option).correct) : [];
  const [only] = equal;
  return equal.length === 1 && only ? { text: only[0], rule: RULE.equalAnswer } : undefined;
}

/**
 * The chosen letter (or `Z`) and the rule that found it; undefined when none does.
 *
 * `compatible` looks at the whole response. `fixed` looks at the answer the response marks, if it marks one, else at
 * what follows its reasoning.
 */
export function readChoice(text: string, choices: Choices, rules: ChoiceRules): Reading | undefined {
  const response = rules.mode === "fixed" ? asciiForms(text) : text;
  const marked = rules.mode === "fixed" ? markedAnswer(response) : undefined;
  if (marked) return readMarked(marked, choices, rules);
  if (rules.mode === "compatible") {
    return readLetter(response, choices, rules) ?? readText(response, choices, rules);
  }
  const answer = afterThinking(response);
  return (
    soleLetter(answer, choices) ??
    letterAbove(answer, choices) ??
    readLetter(answer, choices, rules) ??
    readText(answer, choices, rules) ??
    readEqual(answer, choices)
  );
}

/** Texts lettered from A. */
export function lettered(texts: readonly string[]): Choices {
  return new Map(zip(LETTERS.slice(0, texts.length), texts.slice(0, LETTERS.length)));
}
