import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pythonValue } from "../../../benchmarks/scoring/arithmetic.js";
import {
  add,
  divide,
  fraction,
  isWhole,
  isWithin,
  multiply,
  negate,
  power,
  type Real,
  signOf,
  toNumber,
} from "../../../benchmarks/scoring/real.js";

/** Texts and what CPython's `eval` makes of them: `tests/support/pythonEval.py` drew and computed them. */
const golden = JSON.parse(
  readFileSync(new URL("../../golden/pythonEval.json", import.meta.url), "utf8"),
) as readonly (readonly [text: string, value: string | null])[];

const numberIn = (repr: string) => Number(repr.replace("inf", "Infinity").replace("nan", "NaN"));

const found = (text: string): number | undefined => {
  const value = pythonValue(text);
  return value === undefined ? undefined : toNumber(value);
};

describe("pythonValue", () => {
  it("is what CPython computes, for every drawn expression", () => {
    // Powers of doubles are the C library's, which differ in their last bit.
    const isSame = (ours: number, theirs: number) =>
      Object.is(ours, theirs) || Math.abs(ours - theirs) <= 4e-16 * Math.abs(theirs);
    const wrong = golden.filter(([text, repr]) => {
      const value = found(text);
      if (repr === null || value === undefined) return (repr === null) !== (value === undefined);
      return !isSame(value, numberIn(repr)) && !(value === 0 && numberIn(repr) === 0);
    });
    expect(wrong).toEqual([]);
    expect(golden.filter(([, repr]) => repr === null).length).toBeGreaterThan(20);
  });

  // CPython 3.11, each by hand from its rules: `%` is exact, `//` is made of it.
  it.each([
    ["7//0.1", 69],
    ["1%0.1", 0.09999999999999995],
    // (x − x % y) / y is 245550.99999999997, which Python takes for 245551.
    ["230818//0.94", 245_551],
    ["-7//2", -4],
    ["-7%2", 1],
    ["7%-2", -1],
    ["-7.5%2", 0.5],
    ["7.5//-2", -4],
    ["-2**2", -4],
    ["2**-1", 0.5],
    ["2**3**2", 512],
    ["-2**-2", -0.25],
    ["2*-3", -6],
    ["10-2-3", 5],
    ["100/10/2", 5],
    ["1+2^3", 0],
    ["6^3+1", 2],
    ["--3", 3],
    ["+-+3", -3],
    ["0.1+0.2", 0.30000000000000004],
    ["10**20+1-10**20", 1],
    ["(1e16+1)-1e16", 0],
    ["0xff", 255],
    ["1_000_000", 1_000_000],
    ["  1 + 1  ", 2],
    ["00", 0],
  ])("%s is %d", (text, value) => {
    expect(found(text)).toBe(value);
  });

  it.each([
    "",
    " ",
    "x",
    "1 2",
    "1+",
    "*1",
    "()",
    "(1",
    "1)",
    "1/0",
    "1//0",
    "1%0",
    "0**-1",
    "(-8)**0.5",
    "007",
    "1__0",
    "1_",
    "1._5",
    "2.5^1",
    "1/1^1",
    "2**-1^1",
    "1,2",
    "1;2",
    "import os",
    "__import__('os')",
    "1\n+2",
    "1=1",
    "∞",
    `${"(".repeat(60)}1${")".repeat(60)}`,
    "1+".repeat(1500),
  ])("%j has no value", (text) => {
    expect(pythonValue(text)).toBeUndefined();
  });

  it("knows the names it is given, and none that objects have", () => {
    const variables = { pi: Math.PI, n: fraction(3n) };
    const shownValue = (text: string) => pythonValue(text, variables);
    expect(shownValue("2*n")).toEqual(fraction(6n));
    expect(shownValue("pi*n")).toBe(3 * Math.PI);
    for (const name of ["constructor", "toString", "__proto__", "m", "N"])
      expect(shownValue(name)).toBeUndefined();
  });
});

describe("real numbers", () => {
  const whole = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n });
  const real = fc
    .tuple(whole, fc.bigInt({ min: 1n, max: 10n ** 20n }))
    .map(([top, bottom]) => fraction(top, bottom));
  const equal = (a: Real, b: Real) => {
    const gap = add(a, negate(b));
    return typeof gap === "number" ? gap === 0 : gap.top === 0n;
  };

  it("are a field: sums and products commute and distribute, and every one but 0 divides", () => {
    fc.assert(
      fc.property(real, real, real, (a, b, c) => {
        expect(equal(add(a, b), add(b, a))).toBe(true);
        expect(equal(multiply(a, b), multiply(b, a))).toBe(true);
        expect(equal(multiply(a, add(b, c)), add(multiply(a, b), multiply(a, c)))).toBe(true);
        const quotient = divide(a, b);
        if (signOf(b) === 0) expect(quotient).toBeUndefined();
        else expect(equal(multiply(quotient as Real, b), a)).toBe(true);
        expect(signOf(negate(a))).toBe(-signOf(a) + 0);
      }),
    );
  });

  it("become the nearest double, of two equally near the even one", () => {
    // A double d and the next one differ by one unit; what lies between is decided by twice the fraction of it.
    const double = fc.double({ min: 1, max: 2, maxExcluded: true, noNaN: true });
    const part = fc.bigInt({ min: 0n, max: 2n ** 40n });
    fc.assert(
      fc.property(double, part, fc.boolean(), (d, share, isNegative) => {
        const units = BigInt(d * 2 ** 52);
        const top = units * 2n ** 40n + share;
        const isUp = share > 2n ** 39n || (share === 2n ** 39n && units % 2n === 1n);
        const expected = Number(units + (isUp ? 1n : 0n)) / 2 ** 52;
        const value = toNumber(fraction(isNegative ? -top : top, 2n ** 92n));
        expect(value).toBe(isNegative ? -expected : expected);
      }),
    );
  });

  it.each([
    [1n, 3n, 1 / 3],
    [2n, 3n, 2 / 3],
    [-1n, 10n, -0.1],
    [10n ** 400n, 10n ** 399n, 10],
    [1n, 10n ** 310n, 1e-310],
    [10n ** 310n, 3n, Infinity],
    [0n, 7n, 0],
    // A tie in 54 bits, and a little more, 100 bits below.
    [2n ** 153n + 2n ** 100n, 2n ** 153n, 1],
    [2n ** 153n + 2n ** 100n + 1n, 2n ** 153n, 1 + 2 ** -52],
  ])("%d over %d is %d", (top, bottom, value) => {
    expect(toNumber(fraction(top, bottom))).toBe(value);
  });

  it("have whole powers exactly, up to a size, and none that is no real number", () => {
    const values = (base: Real, exponents: bigint[]) =>
      exponents.map((exponent) => power(base, fraction(exponent)));
    expect(values(fraction(-2n, 3n), [0n, 1n, 2n, 3n, -2n]).map((value) => toNumber(value as Real))).toEqual([
      1,
      -2 / 3,
      4 / 9,
      -8 / 27,
      9 / 4,
    ]);
    expect(values(fraction(-1n), [10n ** 40n, 10n ** 40n + 1n])).toEqual([fraction(1n), fraction(-1n)]);
    expect(values(fraction(0n), [0n, 5n, -1n])).toEqual([fraction(1n), fraction(0n), undefined]);
    expect(power(fraction(2n), fraction(10n ** 9n))).toBeUndefined();
    expect(power(fraction(-8n), fraction(1n, 3n))).toBeUndefined();
    expect(power(0, -1)).toBeUndefined();
    expect(power(2, fraction(1n, 2n))).toBe(Math.SQRT2);
    // 16,384 bits and more go on as doubles, or have no value.
    expect(power(fraction(1_000_001n, 1_000_000n), fraction(10n ** 6n))).toBeCloseTo(Math.E, 5);
  });

  it("are whole where the bottom divides the top, and within a millionth by less than one", () => {
    expect([fraction(6n, 3n), fraction(7n, 3n), 2].map(isWhole)).toEqual([true, false, false]);
    expect(isWithin(fraction(1n), fraction(1_000_001n, 1_000_000n))).toBe(false);
    expect(isWithin(fraction(1n), fraction(10_000_009n, 10_000_000n))).toBe(true);
    expect(isWithin(1, 1.0000009)).toBe(true);
    expect(isWithin(fraction(-1n), fraction(1n))).toBe(false);
  });
});
