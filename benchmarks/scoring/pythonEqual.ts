/**
 * @module Whether two answers are equal by the comparison that VLMEvalKit's MathVision runs: the same text, the same
 * value as Python expressions, or the same value through a LaTeX reader.
 */
import type { RuleSet, ScoreMode } from "../records.js";
import { pythonValue, type Variables } from "./arithmetic.js";
import { latexReader, latexValue } from "./latexArithmetic.js";
import { strip } from "./python.js";
import { isWithin, type Real } from "./real.js";

function isSame(one: Real | undefined, other: Real | undefined): boolean {
  return one !== undefined && other !== undefined && isWithin(one, other);
}

/**
 * The reference evaluates the answer where a variable `a` holds the gold value, so that an answer `a` or `A` equals any
 * number: reproduced by `compatible`, not by `fixed`.
 */
function scope(gold: Real | undefined, mode: ScoreMode): Variables {
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
  if (isSame(value, pythonValue(given, scope(value, mode)))) return true;
  const reader = latexReader(rules);
  const inLatex = latexValue(truth, reader);
  return isSame(inLatex, latexValue(given, reader, scope(inLatex, mode)));
}
