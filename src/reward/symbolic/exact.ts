/**
 * @module Exact arithmetic on expressions: quotients of polynomials whose atoms are letters, π, i, square roots and
 * logarithms. Two expressions are equal when the numerator of their difference vanishes.
 */
import type { Expression, FunctionName } from "./expression.js";
import {
  type Atom,
  add,
  atomic,
  type Budget,
  coefficients,
  constant,
  constantOf,
  multiply,
  nameOf,
  negate,
  type Polynomial,
  scale,
} from "./polynomial.js";
import {
  divideScalars,
  factor,
  gcd,
  invertScalar,
  isZeroScalar,
  ONE,
  rational,
  rootOfWhole,
  type Scalar,
} from "./scalar.js";
import { UnsupportedExpression } from "./unsupported.js";

export interface Quotient {
  readonly top: Polynomial;
  readonly bottom: Polynomial;
}

/** What one evaluation may use and what it found. */
export interface Evaluation extends Budget {
  /** An atom was made that hides structure (a root of a sum, a power with a letter in it): inequality proves nothing. */
  opaque: boolean;
  /** A decimal was used: equality is decided on doubles alone. */
  decimal: boolean;
  /** Numbers without a common divisor that stand for large primes; more are found on the way. */
  coprimes: readonly bigint[];
}

export const newEvaluation = (products: number): Evaluation => ({
  ...{ products, opaque: false, decimal: false, coprimes: [] },
});

/** Repeats work until all of it took large numbers apart in the same way: √2003 is in √4028033 once both were seen. */
export function settled<Result>(run: Evaluation, work: (run: Evaluation) => Result): Result {
  for (;;) {
    const before = run.coprimes;
    const result = work(run);
    if (run.coprimes === before) return result;
  }
}

function factorsOf(n: bigint, run: Evaluation) {
  const { powers, coprimes } = factor(n, run.coprimes);
  run.coprimes = coprimes;
  return powers;
}

const UNIT = constant(ONE);
/** Of polynomials; numbers may have larger ones, as long as the result stays small. */
const LARGEST_POWER = 64n;
/** Decimal digits of a number's power. */
const MOST_DIGITS = 300;
const LARGEST_FACTORIAL = 60n;

function quotient(top: Polynomial, bottom: Polynomial): Quotient {
  if (bottom.size === 0) throw new UnsupportedExpression("division by zero");
  const divisor = constantOf(bottom);
  if (divisor === null || bottom === UNIT) return { top, bottom };
  const only = constantOf(top);
  return {
    top: only === null ? scale(top, invertScalar(divisor)) : constant(divideScalars(only, divisor)),
    bottom: UNIT,
  };
}

function whole(top: Polynomial): Quotient {
  return { top, bottom: UNIT };
}

function addQuotients(a: Quotient, b: Quotient, run: Evaluation): Quotient {
  if (a.bottom === b.bottom) return { top: add(a.top, b.top), bottom: a.bottom };
  const top = add(multiply(a.top, b.bottom, run), multiply(b.top, a.bottom, run));
  return quotient(top, multiply(a.bottom, b.bottom, run));
}

function multiplyQuotients(a: Quotient, b: Quotient, run: Evaluation): Quotient {
  const bottom = a.bottom === UNIT && b.bottom === UNIT ? UNIT : multiply(a.bottom, b.bottom, run);
  return quotient(multiply(a.top, b.top, run), bottom);
}

/** a / b; two numbers divide in one rounding. */
function divideQuotients(a: Quotient, b: Quotient, run: Evaluation): Quotient {
  const divisor = b.bottom === UNIT ? constantOf(b.top) : null;
  if (divisor !== null) {
    const dividend = a.bottom === UNIT ? constantOf(a.top) : null;
    if (dividend !== null) return whole(constant(divideScalars(dividend, divisor)));
    return { top: scale(a.top, invertScalar(divisor)), bottom: a.bottom };
  }
  return multiplyQuotients(a, quotient(b.bottom, b.top), run);
}

/** √n for an integer n: whole part times roots of primes, times i for n < 0. */
function rootOfInteger(n: bigint, run: Evaluation): Polynomial {
  const size = n < 0n ? -n : n;
  let root = n < 0n ? atomic({ name: "√-1", square: constant(rational(-1n)) }) : UNIT;
  for (const [prime, power] of factorsOf(size, run)) {
    root = scale(root, rational(prime ** BigInt(Math.floor(power / 2))));
    if (power % 2 === 1) {
      root = multiply(root, atomic({ name: `√${prime}`, square: constant(rational(prime)) }), run);
    }
  }
  return root;
}

function rootOfScalar(value: Scalar, run: Evaluation): Polynomial {
  if (isZeroScalar(value)) return new Map();
  if (typeof value === "number") {
    const root = constant(Math.sqrt(Math.abs(value)));
    return value > 0 ? root : multiply(root, rootOfInteger(-1n, run), run);
  }
  return scale(rootOfInteger(value.top * value.bottom, run), rational(1n, value.bottom));
}

/** Largest rational that divides all coefficients, if they are rational; else 1. */
function contentOf(polynomial: Polynomial): Scalar {
  let [top, bottom] = [0n, 1n];
  for (const coefficient of coefficients(polynomial)) {
    if (typeof coefficient === "number") return ONE;
    top = gcd(top, coefficient.top);
    bottom = (bottom * coefficient.bottom) / gcd(bottom, coefficient.bottom);
  }
  return rational(top, bottom);
}

function opaqueAtom(name: string, run: Evaluation, square?: Polynomial): Quotient {
  run.opaque = true;
  const atom: Atom = square ? { name, square } : { name };
  return whole(atomic(atom));
}

function squareRoot(value: Quotient, run: Evaluation): Quotient {
  if (value.bottom !== UNIT) return opaqueAtom(`√(${nameOf(value.top)}÷${nameOf(value.bottom)})`, run);
  const only = constantOf(value.top);
  if (only !== null) return whole(rootOfScalar(only, run));
  const content = contentOf(value.top);
  const primitive = scale(value.top, invertScalar(content));
  const root = opaqueAtom(`√(${nameOf(primitive)})`, run, primitive);
  return multiplyQuotients(whole(rootOfScalar(content, run)), root, run);
}

/** ln of a positive rational as a sum over primes; anything else is one atom. */
function logarithm(value: Quotient, run: Evaluation): Quotient {
  const only = value.bottom === UNIT ? constantOf(value.top) : null;
  if (only !== null && isZeroScalar(only)) throw new UnsupportedExpression("logarithm of zero");
  if (only === null || typeof only === "number" || only.top <= 0n) {
    return opaqueAtom(`ln(${nameOf(value.top)}÷${nameOf(value.bottom)})`, run);
  }
  const part = (n: bigint, sign: bigint) =>
    factorsOf(n, run).map(([prime, power]) =>
      scale(atomic({ name: `ln ${prime}` }), rational(sign * BigInt(power))),
    );
  return whole([...part(only.top, 1n), ...part(only.bottom, -1n)].reduce(add, new Map()));
}

/** The value of a quotient that is an exact number, else null. */
export function rationalOf(value: Quotient): Exclude<Scalar, number> | null {
  const only = value.bottom === UNIT ? constantOf(value.top) : null;
  return typeof only === "number" ? null : only;
}

/** The real n-th root of a number that has a rational one; anything else is one atom. */
function nthRoot(value: Quotient, index: number, run: Evaluation): Quotient {
  const only = rationalOf(value);
  const exact = only === null ? null : exactRoot(only, index);
  if (exact !== null) return whole(constant(exact));
  return opaqueAtom(`${index}√(${nameOf(value.top)}÷${nameOf(value.bottom)})`, run);
}

function exactRoot({ top, bottom }: Exclude<Scalar, number>, index: number): Scalar | null {
  if (top < 0n && index % 2 === 0) return null;
  const size = rootOfWhole(top < 0n ? -top : top, index);
  const under = rootOfWhole(bottom, index);
  return size === null || under === null ? null : rational(top < 0n ? -size : size, under);
}

/** A function of a number where it is a number, else one atom. */
function functionValue(name: FunctionName, value: Quotient, run: Evaluation): Quotient {
  const only = rationalOf(value);
  if (only !== null) {
    const isNegative = only.top < 0n;
    const floor = only.top / only.bottom - (isNegative && only.bottom !== 1n ? 1n : 0n);
    if (name === "abs") return whole(constant(rational(isNegative ? -only.top : only.top, only.bottom)));
    if (name === "floor") return whole(constant(rational(floor)));
    if (name === "ceil") return whole(constant(rational(only.bottom === 1n ? floor : floor + 1n)));
  }
  return opaqueAtom(`${name}(${nameOf(value.top)}÷${nameOf(value.bottom)})`, run);
}

/** n·(n−1)·(n−2)…, or for `!!` n·(n−2)·(n−4)…, down to 1 or 2. */
function factorial(name: "!" | "!!", value: Quotient, run: Evaluation): Quotient {
  const only = value.bottom === UNIT ? constantOf(value.top) : null;
  if (only === null) return opaqueAtom(`(${nameOf(value.top)}÷${nameOf(value.bottom)})${name}`, run);
  const isSmall =
    typeof only !== "number" && only.bottom === 1n && only.top >= 0n && only.top <= LARGEST_FACTORIAL;
  if (!isSmall) throw new UnsupportedExpression("factorial of something else than a small integer");
  let product = 1n;
  for (let n = only.top; n > 1n; n -= name === "!" ? 1n : 2n) product *= n;
  return whole(constant(rational(product)));
}

/** A rational number's power. @throws UnsupportedExpression when it has too many digits */
function rationalPower(base: Exclude<Scalar, number>, exponent: bigint): Quotient {
  const size = base.top < 0n ? -base.top : base.top;
  const digits = Math.max(`${size}`.length, `${base.bottom}`.length) - 1;
  const isTrivial = base.bottom === 1n && size <= 1n;
  if (!isTrivial && (exponent > 1000n || digits * Number(exponent) > MOST_DIGITS)) {
    throw new UnsupportedExpression("exponent too large");
  }
  const power = isTrivial ? 2n - (exponent % 2n) : exponent;
  return whole(constant(rational(base.top ** power, base.bottom ** power)));
}

function integerPower(base: Quotient, exponent: bigint, run: Evaluation): Quotient {
  if (exponent < 0n) return integerPower(divideQuotients(whole(UNIT), base, run), -exponent, run);
  const number = exponent > 1n ? rationalOf(base) : null;
  if (number !== null) return rationalPower(number, exponent);
  if (exponent > LARGEST_POWER) throw new UnsupportedExpression("exponent too large");
  let power = whole(UNIT);
  for (let count = 0n; count < exponent; count++) power = multiplyQuotients(power, base, run);
  return power;
}

function power(base: Quotient, exponent: Quotient, run: Evaluation): Quotient {
  const value = exponent.bottom === UNIT ? constantOf(exponent.top) : null;
  if (value !== null && typeof value !== "number") {
    if (value.bottom === 1n) return integerPower(base, value.top, run);
    if (value.bottom === 2n) return integerPower(squareRoot(base, run), value.top, run);
  }
  const number = base.bottom === UNIT ? constantOf(base.top) : null;
  if (typeof value === "number" && number !== null && typeof number === "number" && number > 0) {
    return whole(constant(number ** value));
  }
  const names = [base.top, base.bottom, exponent.top, exponent.bottom].map(nameOf);
  return opaqueAtom(`(${names[0]}÷${names[1]})^(${names[2]}÷${names[3]})`, run);
}

/** The value of an expression. @throws UnsupportedExpression when it has none or takes too much work */
export function evaluate(expression: Expression, run: Evaluation): Quotient {
  switch (expression.kind) {
    case "integer":
      return whole(constant(rational(expression.value)));
    case "fraction":
      return whole(constant(rational(expression.top, expression.bottom)));
    case "decimal":
      run.decimal = true;
      return whole(constant(expression.value));
    case "name":
      return whole(atomic({ name: expression.name }));
    case "negate":
      return evaluateNegated(expression.argument, run);
    case "root":
      return nthRoot(evaluate(expression.argument, run), expression.index, run);
    case "call": {
      const argument = evaluate(expression.argument, run);
      if (expression.name === "!" || expression.name === "!!")
        return factorial(expression.name, argument, run);
      if (expression.name === "sqrt") return squareRoot(argument, run);
      if (expression.name === "ln") return logarithm(argument, run);
      return functionValue(expression.name, argument, run);
    }
    default:
      return evaluateBinary(expression, run);
  }
}

function evaluateNegated(argument: Expression, run: Evaluation): Quotient {
  const { top, bottom } = evaluate(argument, run);
  return { top: negate(top), bottom };
}

function evaluateBinary(
  expression: Extract<Expression, { readonly left: Expression }>,
  run: Evaluation,
): Quotient {
  const left = evaluate(expression.left, run);
  const right = evaluate(expression.right, run);
  switch (expression.kind) {
    case "+":
      return addQuotients(left, right, run);
    case "-":
      return addQuotients(left, { top: negate(right.top), bottom: right.bottom }, run);
    case "*":
      return multiplyQuotients(left, right, run);
    case "/":
      return divideQuotients(left, right, run);
    case "**":
      return power(left, right, run);
  }
}
