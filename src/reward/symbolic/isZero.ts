/**
 * @module The symbolic test: does an expression vanish identically? Bounded in size and time; never throws.
 */
import { evaluate, newEvaluation, settled } from "./exact.js";
import { parseExpression } from "./parse.js";
import { constantOf } from "./polynomial.js";
import { vanishes } from "./probe.js";
import { UnsupportedExpression } from "./unsupported.js";

/** Products of terms that one test may take. */
const MOST_PRODUCTS = 1_500;

/** Whether the expression is 0; when it cannot be told, `false` with the reason. */
export function isZero(text: string): { readonly zero: boolean; readonly reason: string } {
  const run = newEvaluation(MOST_PRODUCTS);
  try {
    const expression = parseExpression(text);
    const { top } = settled(run, () => evaluate(expression, run));
    if (top.size === 0) return { zero: true, reason: "equal expressions" };
    if (run.opaque && !run.decimal && constantOf(top) === null && vanishes(expression)) {
      return { zero: true, reason: "equal expressions (at complex points)" };
    }
    return { zero: false, reason: "different expressions" };
  } catch (error) {
    if (error instanceof UnsupportedExpression)
      return { zero: false, reason: `not comparable: ${error.message}` };
    throw error;
  }
}
