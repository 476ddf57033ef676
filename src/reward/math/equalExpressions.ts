/**
 * @module Whether two expressions are equal: exact arithmetic first (rationals, roots, π, polynomials and quotients of
 * them), and where that cannot see through (functions, nested roots, powers), values at points.
 *
 * A verdict costs a counted amount of work, so that it does not depend on the machine.
 */
import { type Evaluation, evaluate, newEvaluation, settled } from "../symbolic/exact.js";
import { type Expression, lettersOf } from "../symbolic/expression.js";
import { constantOf, ratioOf } from "../symbolic/polynomial.js";
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

/** Doubles differ by some units of their last place, 2⁻⁵³, when they were computed in different ways. */
const DOUBLE_DIGITS = 10n ** 15n;
const DOUBLE_WITHIN = 1e-15;

/** top / bottom. Where it is a product of numbers of which one was rounded, `digits` are those of the coarsest. */
interface Fraction {
  readonly top: bigint;
  readonly bottom: bigint;
  readonly digits?: bigint | undefined;
}

function coarser(a: Fraction, b: Fraction): bigint | undefined {
  if (a.digits === undefined || b.digits === undefined) return a.digits ?? b.digits;
  return a.digits < b.digits ? a.digits : b.digits;
}

/** The value of what is visibly a number, without any machinery: 3, −0.5, 3/4, 2·3. */
function plainNumber(expression: Expression): Fraction | null {
  switch (expression.kind) {
    case "integer":
      return { top: expression.value, bottom: 1n };
    case "fraction":
      return expression;
    case "negate": {
      const inner = plainNumber(expression.argument);
      return inner && { ...inner, top: -inner.top };
    }
    case "*":
    case "/": {
      const [left, right] = [plainNumber(expression.left), plainNumber(expression.right)];
      if (!left || !right || (expression.kind === "/" && right.top === 0n)) return null;
      const [up, down] = expression.kind === "*" ? [right.top, right.bottom] : [right.bottom, right.top];
      return { top: left.top * up, bottom: left.bottom * down, digits: coarser(left, right) };
    }
    default:
      return null;
  }
}

/** Runs exact arithmetic at the allowance's expense. @throws UnsupportedExpression when that is used up */
function spend<Result>(allowance: Allowance, work: (evaluation: Evaluation) => Result): Result {
  if (--allowance.comparisons < 0) throw new UnsupportedExpression("too many comparisons");
  const evaluation = newEvaluation(allowance.products);
  try {
    return settled(evaluation, work);
  } finally {
    allowance.products = Math.max(0, evaluation.products);
  }
}

/**
 * Whether a decimal of many digits stands for a number: within one unit of its last place, unless that number is
 * itself such a decimal and could be written exactly in as many digits; then within what doubles differ by.
 */
function isRounding({ top, bottom, digits = 1n }: Fraction, rounded: Expression, exact: Expression): boolean {
  if (lettersOf(exact).length > 0) return false;
  const plain = plainNumber(exact);
  const isWritable =
    plain?.digits !== undefined && (plain.top * digits * bottom) % (plain.bottom * top) === 0n;
  if (isWritable && digits < DOUBLE_DIGITS) return false;
  const [left, right] = [realValue(rounded), realValue(exact)];
  if (left === null || right === null) return false;
  const within = isWritable ? DOUBLE_WITHIN : 1 / Number(digits) + DOUBLE_WITHIN;
  return Math.abs(left - right) <= within * Math.max(Math.abs(left), Math.abs(right));
}

/**
 * Whether a = b for every value of their letters.
 * @throws UnsupportedExpression when it cannot be told, or the allowance is used up
 */
export function equalExpressions(a: Expression, b: Expression, allowance: Allowance): boolean {
  const [left, right] = [plainNumber(a), plainNumber(b)];
  if (left && right && left.top * right.bottom === right.top * left.bottom) return true;
  if (left?.digits && isRounding(left, a, b)) return true;
  if (right?.digits && isRounding(right, b, a)) return true;
  if (left && right) return false;
  const difference: Expression = { kind: "-", left: a, right: b };
  return spend(allowance, (evaluation) => {
    const { top } = evaluate(difference, evaluation);
    if (top.size === 0) return true;
    return evaluation.opaque && constantOf(top) === null && vanishes(difference);
  });
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
