/**
 * @module The `mathruler` grader: is the given answer the true one? Three stages: equal in form H, equal in form N, or
 * equal element by element (as numbers, as fractions, or as expressions).
 *
 * Source: specification of MathRuler 0.1.0, `grader.py`; its quirks are kept (an integer must be written as one,
 * fractions must be reduced, more than two letters are not compared).
 *
 * Departures
 * 1. The reference runs sympy without a time limit; here expressions are compared by exact arithmetic of bounded
 *    size, and what exceeds it is wrong with a reason.
 * 2. What only sympy reads is not read: relations inside an expression, further arguments of a root (sympy takes them
 *    for switches), factorials of fractions. Of 8,000 random pairs (`benchmarks/measured/parity/grader.py 8000 77`) 4 verdicts
 *    differ, all of this kind.
 * 3. Answers longer than 4,000 characters are right only if they are the same text.
 */
import { zip } from "../../core/zip.js";
import { isZero } from "../symbolic/isZero.js";
import type { Verdict } from "../verdict.js";
import { hendrycksForm } from "./hendrycks.js";
import { prmForm } from "./prm.js";
import { integerWithCommas, stripThousandsCommas } from "./pythonNumber.js";
import { stripAsPython } from "./pythonSpace.js";

/** Longer answers are compared as text only. */
const LONGEST = 4000;

/** The elements of a tuple or interval, or the whole answer as one element; none for an empty answer. */
function splitElements(answer: string): string[] {
  const text = stripThousandsCommas(answer);
  if (text === "") return [];
  const isTuple = text.length > 2 && /^[()[\]][^()[\]]*[()[\]]$/.test(text);
  return isTuple
    ? text
        .slice(1, -1)
        .split(",")
        .map((element) => stripAsPython(element))
    : [text];
}

function isSimpleFraction(text: string): boolean {
  return /^-?[0-9]+.?\/0*[1-9][0-9]*.?$/.test(text);
}

/** Whether the difference is worth reading: at most two different letters, and no long or chained exponents. */
function isReadable(difference: string): boolean {
  const letters = difference.replaceAll("sqrt", "").replaceAll("frac", "").match(/\p{L}/gu) ?? [];
  return new Set(letters).size <= 2 && !/\^[{(]|\^\d\d|\^\d+\^/.test(difference);
}

function compareElements(given: string, truth: string): Verdict {
  if (isSimpleFraction(truth) && isSimpleFraction(given)) {
    return given === truth
      ? { correct: true, reason: "same fraction" }
      : { correct: false, reason: "fractions written differently" };
  }
  if ((integerWithCommas(truth) === null) !== (integerWithCommas(given) === null)) {
    return { correct: false, reason: "one is written as an integer, the other is not" };
  }
  const difference = `(${truth})-(${given})`;
  if (!isReadable(difference))
    return { correct: false, reason: "not the same text, and too many letters or exponents" };
  const { zero, reason } = isZero(difference);
  return { correct: zero, reason };
}

function compareForms(given: string, truth: string): Verdict {
  const givenElements = splitElements(given);
  const truthElements = splitElements(truth);
  const sameBrackets = truth[0] === given[0] && truth.at(-1) === given.at(-1);
  if (truthElements.length > 1 && !sameBrackets) return { correct: false, reason: "different brackets" };
  if (truthElements.length !== givenElements.length) {
    return { correct: false, reason: `${givenElements.length} elements, expected ${truthElements.length}` };
  }
  let verdict: Verdict = { correct: true, reason: "no elements" };
  for (const [one, other] of zip(givenElements, truthElements)) {
    verdict = compareElements(one, other);
    if (!verdict.correct) break;
  }
  return verdict;
}

/** Whether `given` answers what `truth` answers. Never throws. */
export function gradeMathruler(given: string, truth: string): Verdict {
  if (given.length > LONGEST || truth.length > LONGEST) {
    return stripAsPython(given) === stripAsPython(truth)
      ? { correct: true, reason: "same text" }
      : { correct: false, reason: `longer than ${LONGEST} characters` };
  }
  if (hendrycksForm(given) === hendrycksForm(truth)) return { correct: true, reason: "same after clean-up" };
  const givenForm = prmForm(given);
  const truthForm = prmForm(truth);
  if (givenForm === truthForm) return { correct: true, reason: "same after units, LaTeX and case" };
  if (givenForm === "") return { correct: false, reason: "empty answer" };
  return compareForms(givenForm, truthForm);
}
