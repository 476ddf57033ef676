/**
 * @module Numbers as Python and its algebra system have them: whole numbers and fractions exact, decimals as doubles.
 *
 * Departure: an exact number of more than 16,384 bits goes on as a double, or has no value beyond their range; Python
 * computes on until its time limit.
 */

export interface Fraction {
  readonly top: bigint;
  /** Positive. */
  readonly bottom: bigint;
}

/** A number; exact where it is a fraction. */
export type Real = Fraction | number;

const MOST_BITS = 16_384;
/** More than a double's 53; what is cut off counts as one bit more, so that the last step alone rounds. */
const GUARDED_BITS = 66;

function bitsOf(value: bigint): number {
  return 4 * (value < 0n ? -value : value).toString(16).length;
}

/** The nearest double, or infinity. */
export function toNumber(real: Real): number {
  if (typeof real === "number") return real;
  const { top, bottom } = real;
  if (bottom === 1n) return Number(top);
  const shift = bitsOf(bottom) - bitsOf(top) + GUARDED_BITS;
  const [upper, lower] = shift >= 0 ? [top << BigInt(shift), bottom] : [top, bottom << BigInt(-shift)];
  const sticky = upper % lower === 0n ? 0n : top < 0n ? -1n : 1n;
  const quotient = 2n * (upper / lower) + sticky;
  // In two steps: 2 ** −shift alone may leave the range of doubles.
  const half = Math.trunc((shift + 1) / 2);
  return Number(quotient) * 2 ** -half * 2 ** -(shift + 1 - half);
}

/** `top` over `bottom`, which is not 0; a double where that takes too many digits. */
export function fraction(top: bigint, bottom = 1n): Real {
  const exact = bottom < 0n ? { top: -top, bottom: -bottom } : { top, bottom };
  return bitsOf(top) + bitsOf(bottom) > MOST_BITS ? toNumber(exact) : exact;
}

export function isWhole(real: Real): real is Fraction {
  return typeof real !== "number" && real.top % real.bottom === 0n;
}

/** A whole number's value. */
export function wholeOf({ top, bottom }: Fraction): bigint {
  return top / bottom;
}

/** −1, 0 or 1. */
export function signOf(real: Real): number {
  if (typeof real === "number") return Math.sign(real);
  return real.top === 0n ? 0 : real.top < 0n ? -1 : 1;
}

/** Exact for two fractions, else by doubles. */
function combined(
  a: Real,
  b: Real,
  exact: (a: Fraction, b: Fraction) => Real,
  rounded: (a: number, b: number) => number,
): Real {
  if (typeof a !== "number" && typeof b !== "number") return exact(a, b);
  return rounded(toNumber(a), toNumber(b));
}

export function add(a: Real, b: Real): Real {
  const exact = (x: Fraction, y: Fraction) =>
    fraction(x.top * y.bottom + y.top * x.bottom, x.bottom * y.bottom);
  return combined(a, b, exact, (x, y) => x + y);
}

export function negate(a: Real): Real {
  return typeof a === "number" ? -a : { top: -a.top, bottom: a.bottom };
}

export function multiply(a: Real, b: Real): Real {
  return combined(
    a,
    b,
    (x, y) => fraction(x.top * y.top, x.bottom * y.bottom),
    (x, y) => x * y,
  );
}

/** Undefined for a divisor of 0. */
export function divide(a: Real, b: Real): Real | undefined {
  if (signOf(b) === 0) return undefined;
  return combined(
    a,
    b,
    (x, y) => fraction(x.top * y.bottom, x.bottom * y.top),
    (x, y) => x / y,
  );
}

/** Exact for whole exponents of fractions; undefined where there is no finite real value. */
export function power(base: Real, exponent: Real): Real | undefined {
  if (typeof base !== "number" && isWhole(exponent)) {
    const whole = wholeOf(exponent);
    const size = whole < 0n ? -whole : whole;
    if (whole < 0n && base.top === 0n) return undefined;
    const bits = Math.max(bitsOf(base.top), bitsOf(base.bottom));
    const isUnit = base.bottom === 1n && [0n, 1n, -1n].includes(base.top);
    // 0, 1 and −1 have powers of any size.
    if (isUnit) return fraction(base.top ** (size === 0n ? 0n : 2n - (size % 2n)));
    if (size * BigInt(bits) <= MOST_BITS) {
      const [top, bottom] = [base.top ** size, base.bottom ** size];
      return whole < 0n ? fraction(bottom, top) : fraction(top, bottom);
    }
  }
  const value = toNumber(base) ** toNumber(exponent);
  return Number.isFinite(value) ? value : undefined;
}

/** Whether two numbers differ by less than 10⁻⁶. */
export function isWithin(a: Real, b: Real): boolean {
  const difference = add(a, negate(b));
  if (typeof difference === "number") return Math.abs(difference) < 1e-6;
  const { top, bottom } = difference;
  return (top < 0n ? -top : top) * 1_000_000n < bottom;
}
