/**
 * @module Numbers of the symbolic test: exact rationals, and doubles where a decimal was written. An operation of the
 * two gives a double, as in the reference: 0.7 = 7/10, but 0.1 + 0.2 ≠ 0.3.
 */
import { UnsupportedExpression } from "./unsupported.js";

export type Scalar = { readonly top: bigint; readonly bottom: bigint } | number;

/** Integers beyond 10^300 end the test. */
const LARGEST = 10n ** 300n;

/** Greatest common divisor, never negative. */
export function gcd(a: bigint, b: bigint): bigint {
  let [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

/** The reduced fraction. @throws UnsupportedExpression for a zero denominator or huge numbers */
export function rational(top: bigint, bottom: bigint = 1n): Scalar {
  if (bottom === 0n) throw new UnsupportedExpression("division by zero");
  const divisor = gcd(top, bottom) * (bottom < 0n ? -1n : 1n);
  const [reducedTop, reducedBottom] = divisor === 1n ? [top, bottom] : [top / divisor, bottom / divisor];
  if (reducedTop > LARGEST || reducedTop < -LARGEST || reducedBottom > LARGEST) {
    throw new UnsupportedExpression("number too large");
  }
  return { top: reducedTop, bottom: reducedBottom };
}

export const ONE = rational(1n);

export function toNumber(scalar: Scalar): number {
  return typeof scalar === "number" ? scalar : Number(scalar.top) / Number(scalar.bottom);
}

export function isZeroScalar(scalar: Scalar): boolean {
  return typeof scalar === "number" ? scalar === 0 : scalar.top === 0n;
}

export function addScalars(a: Scalar, b: Scalar): Scalar {
  if (typeof a === "number" || typeof b === "number") return toNumber(a) + toNumber(b);
  if (a.bottom === 1n && b.bottom === 1n) return rational(a.top + b.top);
  return rational(a.top * b.bottom + b.top * a.bottom, a.bottom * b.bottom);
}

export function multiplyScalars(a: Scalar, b: Scalar): Scalar {
  if (typeof a === "number" || typeof b === "number") return toNumber(a) * toNumber(b);
  return rational(a.top * b.top, a.bottom * b.bottom);
}

/** @throws UnsupportedExpression for zero */
export function invertScalar(a: Scalar): Scalar {
  if (isZeroScalar(a)) throw new UnsupportedExpression("division by zero");
  return typeof a === "number" ? 1 / a : rational(a.bottom, a.top);
}

/** Division in one rounding, as doubles divide. */
export function divideScalars(a: Scalar, b: Scalar): Scalar {
  if (isZeroScalar(b)) throw new UnsupportedExpression("division by zero");
  if (typeof a === "number" || typeof b === "number") return toNumber(a) / toNumber(b);
  return rational(a.top * b.bottom, a.bottom * b.top);
}

/** Primes below this are looked for; what is larger is told apart by common divisors alone. */
const LARGEST_PRIME = 2000n;

/**
 * `n` (≥ 1) as powers of primes and of numbers that stand for large primes.
 * @param coprimes of which no two have a common divisor, and none is a square: two roots or logarithms of numbers that
 *   such a list takes apart are equal only where their powers are
 * @returns the powers, and the list that takes `n` apart, too
 */
export function factor(n: bigint, coprimes: readonly bigint[] = []) {
  const powers: (readonly [base: bigint, power: number])[] = [];
  let rest = n;
  const take = (base: bigint) => {
    let power = 0;
    for (; rest % base === 0n; rest /= base) power++;
    if (power > 0) powers.push([base, power]);
  };
  for (let prime = 2n; prime * prime <= rest && prime < LARGEST_PRIME; prime += prime === 2n ? 1n : 2n)
    take(prime);
  if (rest < LARGEST_PRIME) {
    if (rest > 1n) take(rest);
    return { powers, coprimes };
  }
  const apart = include(coprimes, rest);
  for (const base of apart) take(base);
  return { powers, coprimes: apart };
}

/** The list that takes a number apart, too; itself where it does. */
function include(coprimes: readonly bigint[], n: bigint): readonly bigint[] {
  if (n === 1n) return coprimes;
  const root = rootOfWhole(n, 2);
  if (root !== null) return include(coprimes, root);
  const other = coprimes.find((each) => gcd(each, n) > 1n);
  if (other === undefined) return [...coprimes, n];
  const common = gcd(other, n);
  if (common === other) return include(coprimes, n / other);
  const others = coprimes.filter((each) => each !== other);
  return [other / common, common, n / common].reduce(include, others);
}

/** The whole number whose power is `n` (≥ 0), else null. Newton's steps from above, so that no size is too large. */
export function rootOfWhole(n: bigint, index: number): bigint | null {
  if (n === 0n) return n;
  const power = BigInt(index);
  let root = 1n << BigInt(Math.ceil(n.toString(2).length / index));
  for (;;) {
    const next = ((power - 1n) * root + n / root ** (power - 1n)) / power;
    if (next >= root) return root ** power === n ? root : null;
    root = next;
  }
}
