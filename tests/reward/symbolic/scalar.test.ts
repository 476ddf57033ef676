import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addScalars,
  divideScalars,
  factor,
  gcd,
  invertScalar,
  isZeroScalar,
  multiplyScalars,
  rational,
  rootOfWhole,
  type Scalar,
  toNumber,
} from "../../../src/reward/symbolic/scalar.js";
import { UnsupportedExpression } from "../../../src/reward/symbolic/unsupported.js";

const SETTINGS = { numRuns: 300, seed: 11 };
const integers = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n });
const nonZero = integers.filter((n) => n !== 0n);
const rationals = fc.tuple(integers, nonZero).map(([top, bottom]) => rational(top, bottom));

describe("gcd", () => {
  it.each([
    [0n, 0n, 0n],
    [0n, -7n, 7n],
    [12n, 18n, 6n],
    [-12n, 18n, 6n],
    [12n, -18n, 6n],
    [17n, 5n, 1n],
    [2n ** 100n, 6n ** 50n, 2n ** 50n],
  ])("of %s and %s is %s", (a, b, expected) => {
    expect(gcd(a, b)).toBe(expected);
    expect(gcd(b, a)).toBe(expected);
  });

  it("divides both, and is multiplied when both are", () => {
    fc.assert(
      fc.property(nonZero, nonZero, nonZero, (a, b, c) => {
        const divisor = gcd(a, b);
        expect([a % divisor, b % divisor]).toEqual([0n, 0n]);
        expect(gcd(a * c, b * c)).toBe(divisor * (c < 0n ? -c : c));
      }),
      SETTINGS,
    );
  });
});

describe("rational", () => {
  it.each([
    [6n, 4n, 3n, 2n],
    [-6n, 4n, -3n, 2n],
    [6n, -4n, -3n, 2n],
    [-6n, -4n, 3n, 2n],
    [0n, -5n, 0n, 1n],
    [10n ** 300n, 10n ** 299n, 10n, 1n],
  ])("reduces %s/%s to %s/%s", (top, bottom, reducedTop, reducedBottom) => {
    expect(rational(top, bottom)).toEqual({ top: reducedTop, bottom: reducedBottom });
  });

  it("keeps numbers up to 10^300 and refuses larger ones, above and below", () => {
    expect(rational(10n ** 300n)).toEqual({ top: 10n ** 300n, bottom: 1n });
    for (const [top, bottom] of [
      [10n ** 300n + 1n, 1n],
      [-(10n ** 300n) - 1n, 1n],
      [1n, 10n ** 300n + 1n],
    ] as const) {
      expect(() => rational(top, bottom)).toThrow(new UnsupportedExpression("number too large"));
    }
  });

  it("refuses a zero denominator", () => {
    expect(() => rational(1n, 0n)).toThrow("division by zero");
    expect(() => rational(0n, 0n)).toThrow("division by zero");
  });
});

describe("scalar arithmetic", () => {
  it("is a field on rationals: sums, products, inverses", () => {
    const [zero, one] = [rational(0n), rational(1n)];
    fc.assert(
      fc.property(rationals, rationals, rationals, (a, b, c) => {
        expect(addScalars(a, b)).toEqual(addScalars(b, a));
        expect(multiplyScalars(a, b)).toEqual(multiplyScalars(b, a));
        expect(addScalars(addScalars(a, b), c)).toEqual(addScalars(a, addScalars(b, c)));
        const spread = addScalars(multiplyScalars(a, c), multiplyScalars(b, c));
        expect(multiplyScalars(addScalars(a, b), c)).toEqual(spread);
        expect(addScalars(a, multiplyScalars(a, rational(-1n)))).toEqual(zero);
        if (isZeroScalar(b)) return;
        expect(multiplyScalars(b, invertScalar(b))).toEqual(one);
        expect(divideScalars(a, b)).toEqual(multiplyScalars(a, invertScalar(b)));
      }),
      SETTINGS,
    );
  });

  it("becomes a double's where one operand is a double: 0.1 + 0.2 is not 0.3, 0.7 is 7/10", () => {
    const [tenth, fifth] = [rational(1n, 10n), rational(1n, 5n)];
    expect(addScalars(0.1, fifth)).toBe(0.1 + 0.2);
    expect(addScalars(tenth, fifth)).toEqual({ top: 3n, bottom: 10n });
    expect(multiplyScalars(tenth, 3)).toBe(0.1 * 3);
    expect(divideScalars(7, rational(10n))).toBe(0.7);
    expect(invertScalar(0.25)).toBe(4);
  });

  it("divides doubles in one rounding, not by multiplying with an inverse", () => {
    // 1/49 rounds up, so that 49·(1/49) is 1 − 2⁻⁵³ in doubles.
    expect(49 * (1 / 49)).not.toBe(1);
    expect(divideScalars(49, 49)).toBe(1);
  });

  it.each<[Scalar, boolean]>([
    [0, true],
    [-0, true],
    [1e-300, false],
    [rational(0n, 9n), true],
    [rational(1n, 10n ** 300n), false],
  ])("tells zero: %o is zero: %s", (scalar, expected) => {
    expect(isZeroScalar(scalar)).toBe(expected);
  });

  it("refuses to invert and to divide by zero, of either kind", () => {
    for (const zero of [0, rational(0n)]) {
      expect(() => invertScalar(zero)).toThrow("division by zero");
      expect(() => divideScalars(1, zero)).toThrow("division by zero");
    }
  });

  it("gives the nearest double of large rationals", () => {
    expect(toNumber(rational(10n ** 300n, 10n ** 299n * 3n))).toBe(10 / 3);
    expect(toNumber(rational(-1n, 8n))).toBe(-0.125);
    expect(toNumber(2.5)).toBe(2.5);
  });
});

describe("factor", () => {
  it.each<[bigint, [bigint, number][], string]>([
    [1n, [], "the empty product"],
    [2n, [[2n, 1]], "the even prime"],
    [
      360n,
      [
        [2n, 3],
        [3n, 2],
        [5n, 1],
      ],
      "360 = 2³·3²·5",
    ],
    [1024n, [[2n, 10]], "2^10"],
    [1999n, [[1999n, 1]], "the largest prime below 2000"],
    [1999n * 1999n, [[1999n, 2]], "its square"],
    [2003n * 2003n, [[2003n, 2]], "the square of a prime beyond the trial primes"],
    [
      12n * 2003n * 2003n,
      [
        [2n, 2],
        [3n, 1],
        [2003n, 2],
      ],
      "and with small factors",
    ],
    [1000003n, [[1000003n, 1]], "a large prime"],
    [(10n ** 20n + 39n) ** 2n, [[10n ** 20n + 39n, 2]], "the square of a prime beyond doubles"],
    [2003n * 2011n, [[2003n * 2011n, 1]], "large primes stay together until they are met apart"],
  ])("of %s is %o: %s", (n, expected) => {
    expect(factor(n).powers).toEqual(expected);
  });

  it("multiplies up to the number it took apart", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 10n ** 40n }), (n) => {
        expect(
          factor(n).powers.reduce((product, [prime, power]) => product * prime ** BigInt(power), 1n),
        ).toBe(n);
      }),
      { numRuns: 60, seed: 2 },
    );
  });

  it("takes large numbers apart where they are met apart, powers of each other included", () => {
    const [p, q, r] = [2003n, 2011n, 10n ** 20n + 39n];
    const met = [p * q, p ** 3n * r, q].reduce<readonly bigint[]>((list, n) => factor(n, list).coprimes, []);
    expect([...met].sort((a, b) => (a < b ? -1 : 1))).toEqual([p, q, r]);
    expect(factor(6n * p ** 2n * r, met)).toEqual({
      powers: expect.arrayContaining([
        [2n, 1],
        [3n, 1],
        [p, 2],
        [r, 1],
      ]),
      coprimes: met,
    });
    expect(factor(1999n * 7n, met).coprimes).toBe(met);
  });

  it("keeps numbers without common divisors, no squares among them", () => {
    const large = fc.array(fc.constantFrom(2003n, 2011n, 2017n, 2027n), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.array(large, { minLength: 1, maxLength: 6 }), (all) => {
        const numbers = all.map((primes) => primes.reduce((a, b) => a * b, 1n));
        const met = numbers.reduce<readonly bigint[]>((list, n) => factor(n, list).coprimes, []);
        for (const [at, a] of met.entries()) {
          expect(rootOfWhole(a, 2)).toBe(null);
          for (const b of met.slice(at + 1)) expect(gcd(a, b)).toBe(1n);
        }
        for (const n of numbers) {
          const { powers, coprimes } = factor(n, met);
          expect(coprimes).toBe(met);
          expect(powers.reduce((product, [base, power]) => product * base ** BigInt(power), 1n)).toBe(n);
        }
      }),
      SETTINGS,
    );
  });

  it("takes numbers beyond all doubles", () => {
    // √(top·bottom) of a fraction with 200 digits above and below has 400.
    const n = 7n ** 480n;
    expect(Number(n)).toBe(Number.POSITIVE_INFINITY);
    expect(factor(n).powers).toEqual([[7n, 480]]);
    const prime = 10n ** 400n + 69n;
    expect(factor(prime).powers.reduce((product, [base, power]) => product * base ** BigInt(power), 1n)).toBe(
      prime,
    );
  });
});

describe("rootOfWhole", () => {
  it("inverts powers exactly, and finds none between them", () => {
    const roots = fc.bigInt({ min: 2n, max: 10n ** 60n });
    fc.assert(
      fc.property(roots, fc.integer({ min: 2, max: 9 }), (root, index) => {
        const n = root ** BigInt(index);
        expect(rootOfWhole(n, index)).toBe(root);
        expect(rootOfWhole(n + 1n, index)).toBe(null);
        expect(rootOfWhole(n - 1n, index)).toBe(null);
      }),
      SETTINGS,
    );
  });

  it.each([
    [0n, 2, 0n],
    [0n, 30, 0n],
    [1n, 2, 1n],
    [1n, 30, 1n],
    [2n, 2, null],
    [3n, 3, null],
    [8n, 3, 2n],
    [2n ** 30n, 30, 2n],
    [10n ** 300n, 3, 10n ** 100n],
  ])("of %s, index %s, is %s", (n, index, expected) => {
    expect(rootOfWhole(n, index)).toBe(expected);
  });
});
