/**
 * @module Whether two expressions are equal: exact arithmetic first (rationals, roots, π, polynomials and quotients of
 * them), and where that cannot see through (functions, nested roots, powers), values at points.
 *
 * A verdict costs a counted amount of work, so that it does not depend on the machine.
 */
import { type Evaluation, evaluate } from "../symbolic/exact.js";
import { type Expression, lettersOf } from "../symbolic/expression.js";
import { ratioOf } from "../symbolic/polynomial.js";
import { realValue, vanishes } from "../symbolic/probe.js";
import { toNumber } from "../symbolic/scalar.js";
import { UnsupportedExpression } from "../symbolic/unsupported.js";

/** Work that one verdict may still do. Counted down. */
export interface Allowance {
  /** Products of terms. */
  products: number;
  /** Comparisons of expressions. */
  comparisons: number;
}

/** Enough for what people write; reached, the answer is wrong with that reason. */
export function newAllowance(): Allowance {
  return { products: 3000, comparisons: 400 };
}

/** Decimals of this many significant digits were rounded by a machine: 0.3333333333 stands for 1/3. */
const ROUNDED_DIGITS = 10;
const ROUNDED_WITHIN = 1e-9;

/** An expression and how many digits it was rounded to; 0 for exact ones. */
export interface Operand {
  readonly expression: Expression;
  readonly digits: number;
}

/** top / bottom. */
interface Fraction {
  readonly top: bigint;
  readonly bottom: bigint;
}

/** The value of what is visibly a number, without any machinery: 3, −0.5, 3/4. */
function plainNumber(expression: Expression): Fraction | null {
  switch (expression.kind) {
    case "integer":
      return { top: expression.value, bottom: 1n };
    case "fraction":
      return expression;
    case "negate": {
      const inner = plainNumber(expression.argument);
      return inner && { top: -inner.top, bottom: inner.bottom };
    }
    case "/": {
      const [left, right] = [plainNumber(expression.left), plainNumber(expression.right)];
      if (!left || !right || right.top === 0n) return null;
      return { top: left.top * right.bottom, bottom: left.bottom * right.top };
    }
    default:
      return null;
  }
}

/** Runs exact arithmetic at the allowance's expense. @throws UnsupportedExpression when that is used up */
function spend<Result>(allowance: Allowance, work: (evaluation: Evaluation) => Result): Result {
  if (--allowance.comparisons < 0) throw new UnsupportedExpression("too many comparisons");
  const evaluation: Evaluation = { products: allowance.products, opaque: false, decimal: false };
  try {
    return work(evaluation);
  } finally {
    allowance.products = Math.max(0, evaluation.products);
  }
}

/**
 * Whether a = b for every value of their letters.
 * @throws UnsupportedExpression when it cannot be told, or the allowance is used up
 */
export function equalExpressions(a: Expression, b: Expression, allowance: Allowance): boolean {
  const [left, right] = [plainNumber(a), plainNumber(b)];
  if (left && right) return left.top * right.bottom === right.top * left.bottom;
  const difference: Expression = { kind: "-", left: a, right: b };
  return spend(allowance, (evaluation) => {
    if (evaluate(difference, evaluation).top.size === 0) return true;
    return evaluation.opaque && vanishes(difference);
  });
}

/**
 * Whether two numbers are equal where one is a decimal of so many digits that it must have been rounded.
 * @throws UnsupportedExpression when one has no value
 */
export function equalRounded(a: Operand, b: Operand): boolean {
  if (Math.max(a.digits, b.digits) < ROUNDED_DIGITS) return false;
  if (lettersOf(a.expression).length > 0 || lettersOf(b.expression).length > 0) return false;
  const [left, right] = [realValue(a.expression), realValue(b.expression)];
  if (left === null || right === null) return false;
  return Math.abs(left - right) <= ROUNDED_WITHIN * Math.max(Math.abs(left), Math.abs(right));
}

/**
 * The sign of the number c with a = c·b, and null when there is no such number: how equations (any c) and inequalities
 * (c > 0) are compared.
 * @throws UnsupportedExpression when it cannot be told, or the allowance is used up
 */
export function proportion(a: Expression, b: Expression, allowance: Allowance): 1 | -1 | null {
  return spend(allowance, (evaluation) => {
    const [left, right] = [evaluate(a, evaluation), evaluate(b, evaluation)];
    if (left.top.size === 0 || right.top.size === 0) return null;
    const ratio = ratioOf(left.top, right.top);
    if (ratio === null) return null;
    return toNumber(ratio) > 0 ? 1 : -1;
  });
}
