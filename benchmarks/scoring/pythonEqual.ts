/**
 * @module Whether two answers are equal by the comparison that VLMEvalKit's MathVision runs: the same text, the same
 * value as Python expressions, or the same value through a LaTeX reader.
 */
import type { RuleSet, ScoreMode } from "../records.js";
import { pythonValue, type Variables } from "./arithmetic.js";
import { latexReader, latexValue } from "./latexArithmetic.js";
import { strip } from "./python.js";

const WITHIN = 1e-6;

function isWithin(one: number | undefined, other: number | undefined): boolean {
  return one !== undefined && other !== undefined && Math.abs(one - other) < WITHIN;
}

/**
 * The reference evaluates the answer where a variable `a` holds the gold value, so that an answer `a` or `A` equals any
 * number: reproduced by `compatible`, not by `fixed`.
 */
function scope(gold: number | undefined, mode: ScoreMode): Variables {
  return mode === "compatible" && gold !== undefined ? { a: gold } : {};
}

export function pythonEqual(
  answer: string,
  gold: string,
  { rules, mode }: { readonly rules: RuleSet; readonly mode: ScoreMode },
): boolean {
  const given = strip(answer.toLowerCase());
  const truth = strip(gold.toLowerCase());
  if (given === truth) return true;
  const value = pythonValue(truth);
  if (isWithin(value, pythonValue(given, scope(value, mode)))) return true;
  const reader = latexReader(rules);
  const inLatex = latexValue(truth, reader);
  return isWithin(inLatex, latexValue(given, reader, scope(inLatex, mode)));
}
