/**
 * @module Grades whole responses: reads the answer out of each text, then compares as the `math` grader does.
 */
import type { Extracted } from "../../records.js";
import { gradeMath } from "../math/gradeMath.js";
import type { Verdict } from "../verdict.js";
import { readResponse } from "./readResponse.js";

/** A verdict, and what was read. */
export interface ResponseVerdict extends Verdict {
  readonly extracted: Extracted;
}

/** One number with a comma for its decimal point, as much of Europe writes it: 2,74. */
const DECIMAL_COMMA = /^([^\d,]*\d+),(\d+[^\d,]*)$/;

function withPoint(text: string): string {
  return text.replace(DECIMAL_COMMA, "$1.$2");
}

/**
 * Whether a response gives the gold answer. Never throws.
 * @param truth the gold answer, or a solution that gives it
 */
export function gradeResponse(response: string, truth: string): ResponseVerdict {
  const extracted = readResponse(response);
  if (extracted.kind === "none") return { correct: false, reason: extracted.reason, extracted };
  const gold = readResponse(truth);
  const goldText = gold.kind === "answer" ? gold.text : truth;
  const verdict = gradeMath(extracted.text, goldText);
  if (verdict.correct) return { ...verdict, extracted };
  const [one, other] = [withPoint(extracted.text), withPoint(goldText)];
  const isSame = one === extracted.text && other === goldText;
  const pointed = isSame ? verdict : gradeMath(one, other);
  return { ...(pointed.correct ? pointed : verdict), extracted };
}
