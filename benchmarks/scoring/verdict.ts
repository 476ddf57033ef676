/**
 * @module From what was read out of a response to a verdict.
 */
import { BenchmarkError } from "../../src/core/errors.js";
import type { BenchmarkRow, Verdict } from "../records.js";
import { type Reading, RULE } from "./reading.js";

export function decided({ text, rule }: Reading, isCorrect: boolean): Verdict {
  return { outcome: isCorrect ? "correct" : "wrong", extracted: text, rule };
}

export function unparsed(rule: string = RULE.none): Verdict {
  return { outcome: "unparsed", extracted: null, rule };
}

/** A cell that scoring needs. @throws BenchmarkError when the row lacks it */
export function cellOf({ index, cells }: BenchmarkRow, column: string): string {
  const text = cells[column];
  if (text !== undefined) return text;
  const advice = column === "answer" ? "; a test set without answers cannot be scored here" : "";
  throw new BenchmarkError(`index ${index}: missing ${column}: the row cannot be scored${advice}`);
}

/** Whether VLMEvalKit's rules found the answer without asking a judge ("prefetch" in its tables). */
export function isPrefetched({ outcome, rule }: Verdict): boolean {
  const others: readonly string[] = [RULE.judge, RULE.guess, RULE.otherAnswer];
  return (outcome === "correct" || outcome === "wrong") && !others.includes(rule);
}
