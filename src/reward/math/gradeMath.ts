/**
 * @module The recommended grader: reads both answers into what they mean and compares that. Never throws; the work of
 * one verdict is bounded by counts, so that it is the same on every machine.
 *
 * It differs from `mathruler` (../mathruler) on purpose; `benchmarks/measured/results/grader.md` lists each difference.
 */

import { UnsupportedExpression } from "../symbolic/unsupported.js";
import type { Verdict } from "../verdict.js";
import { compareAnswers } from "./compareAnswers.js";
import { newAllowance } from "./equalExpressions.js";
import { readAnswer } from "./readAnswer.js";
import { canonicalText, type Token, type TokenOptions, tokensOf } from "./tokens.js";

/** Longer answers are compared as text only. */
const LONGEST = 4000;

/** Commas between groups of three digits: one number or several. */
const MAYBE_GROUPED = /\d,\d{3}(?!\d)/;

/** Words without the spaces between them, in lower case; null when there is anything else. */
function lettersOnly(tokens: readonly Token[]): string | null {
  if (tokens.some(({ kind }) => kind !== "word")) return null;
  return tokens
    .map(({ text }) => text)
    .join("")
    .toLowerCase();
}

function compareRead(given: string, truth: string, options: TokenOptions): Verdict {
  const [givenTokens, truthTokens] = [tokensOf(given, options), tokensOf(truth, options)];
  if (givenTokens.length === 0) return { correct: false, reason: "empty answer" };
  if (canonicalText(givenTokens) === canonicalText(truthTokens)) {
    return { correct: true, reason: "same after clean-up" };
  }
  const [givenWords, truthWords] = [lettersOnly(givenTokens), lettersOnly(truthTokens)];
  if (givenWords !== null && givenWords === truthWords) return { correct: true, reason: "the same words" };
  const [one, other] = [readAnswer(givenTokens), readAnswer(truthTokens)];
  const { correct, reason } = compareAnswers(one, other, newAllowance());
  const isUnread = [one, other].some((answer) => answer.kind === "text" && answer.isUnread);
  return !correct && isUnread ? { correct, reason, isUnread } : { correct, reason };
}

function compareSafely(given: string, truth: string, options: TokenOptions = {}): Verdict {
  try {
    return compareRead(given, truth, options);
  } catch (error) {
    if (error instanceof UnsupportedExpression) {
      return { correct: false, reason: `not comparable: ${error.message}`, isUnread: true };
    }
    throw error;
  }
}

/** Whether `given` answers what `truth` answers. Never throws. */
export function gradeMath(given: string, truth: string): Verdict {
  const [one, other] = [given.trim(), truth.trim()];
  if (one === other) return { correct: true, reason: "same text" };
  if (one === "") return { correct: false, reason: "empty answer" };
  if (one.length > LONGEST || other.length > LONGEST) {
    return { correct: false, reason: `longer than ${LONGEST} characters` };
  }
  const verdict = compareSafely(one, other);
  if (verdict.correct || MAYBE_GROUPED.test(one) === MAYBE_GROUPED.test(other)) return verdict;
  const separated = compareSafely(one, other, { commasSeparate: true });
  return separated.correct ? separated : verdict;
}
