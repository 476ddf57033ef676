import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { equalExpressions, newAllowance, proportion } from "../../../src/reward/math/equalExpressions.js";
import { readExpression } from "../../../src/reward/math/readExpression.js";
import { tokensOf } from "../../../src/reward/math/tokens.js";

const read = (text: string) => readExpression(tokensOf(text));
const areEqual = (a: string, b: string) => equalExpressions(read(a), read(b), newAllowance());
const signOf = (a: string, b: string) => proportion(read(a), read(b), newAllowance());

/** A decimal of `digits` significant digits, as `toPrecision` rounds: the correctly rounded decimal. */
function rounded(value: number, digits: number): string {
  return Number(value.toPrecision(digits)).toFixed(
    Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(value)))),
  );
}

describe("equalExpressions on rounded decimals", () => {
  const EXACT: readonly (readonly [string, number])[] = [
    [String.raw`\frac13`, 1 / 3],
    [String.raw`\frac27`, 2 / 7],
    [String.raw`\sqrt2`, Math.SQRT2],
    [String.raw`\pi`, Math.PI],
    [String.raw`\frac{\pi}{180}`, Math.PI / 180],
    ["e^2", Math.exp(2)],
    [String.raw`\sin 1`, Math.sin(1)],
    [String.raw`100\sqrt3`, 100 * Math.sqrt(3)],
  ];

  it.each(EXACT)("takes %s for its decimal from ten digits on, not from nine", (text, value) => {
    for (const digits of [10, 11, 12, 13]) {
      expect([digits, areEqual(rounded(value, digits), text)]).toEqual([digits, true]);
      expect([digits, areEqual(text, rounded(value, digits))]).toEqual([digits, true]);
    }
    for (const digits of [3, 6, 9])
      expect([digits, areEqual(rounded(value, digits), text)]).toEqual([digits, false]);
  });

  it.each(EXACT)("takes no decimal two units off for %s", (text, value) => {
    const off = Number(value.toPrecision(10)) * (1 + 3e-9);
    expect(areEqual(rounded(off, 10), text)).toBe(false);
  });

  it("keeps decimals that say different numbers apart", () => {
    expect(areEqual("0.1234567891", "0.1234567892")).toBe(false);
    expect(areEqual("1.00000000015", "1.0000000003")).toBe(false);
    expect(areEqual("1.00000000005", "1.0000000001")).toBe(true);
    expect(areEqual("0.12345678910", "0.1234567891")).toBe(true);
  });

  it("takes a decimal of ten digits for no letter", () => {
    expect(areEqual("0.3333333333x", "x/3")).toBe(false);
  });
});

describe("equalExpressions on exact numbers", () => {
  it("is equality of fractions", () => {
    const whole = fc.integer({ min: -30, max: 30 });
    const positive = fc.integer({ min: 1, max: 30 });
    fc.assert(
      fc.property(whole, positive, whole, positive, (a, b, c, d) => {
        expect(areEqual(`${a}/${b}`, `${c}/${d}`)).toBe(a * d === c * b);
        expect(areEqual(`${a}/${b}+${c}/${d}`, `${a * d + c * b}/${b * d}`)).toBe(true);
      }),
      { numRuns: 300, seed: 30 },
    );
  });

  it("costs no comparison where both are visibly numbers", () => {
    const allowance = newAllowance();
    expect(equalExpressions(read("-3*4/5"), read("-12/5"), allowance)).toBe(true);
    expect(equalExpressions(read("-3*4/5"), read("-13/5"), allowance)).toBe(false);
    expect(allowance).toEqual(newAllowance());
  });

  it("cannot tell about a division by zero", () => {
    expect(() => areEqual("1/0", "x")).toThrow("division by zero");
    expect(() => areEqual("1/0", "1")).toThrow("division by zero");
  });
});

describe("proportion", () => {
  it.each<[string, string, 1 | -1 | null]>([
    ["2x+2y", "x+y", 1],
    ["x+y", "2x+2y", 1],
    ["-3x", "x", -1],
    ["x", "y", null],
    ["x+y", "x-y", null],
    ["x^2", "x", null],
    ["0", "x", null],
    ["x", "0", null],
    ["x/2", "x/3", 1],
    ["x-y", "y-x", -1],
    [String.raw`\sqrt2x`, "x", null],
    [String.raw`\sqrt2x`, String.raw`-2\sqrt2x`, -1],
  ])("of %s and %s is %s", (a, b, sign) => {
    expect(signOf(a, b)).toBe(sign);
  });

  it("is symmetric, and multiplies along", () => {
    const factors = fc.integer({ min: -9, max: 9 }).filter((n) => n !== 0);
    fc.assert(
      fc.property(factors, factors, (a, b) => {
        const [one, other] = [`(${a})(x+2y-3)`, `(${b})(x+2y-3)`];
        expect(signOf(one, other)).toBe(a * b > 0 ? 1 : -1);
        expect(signOf(other, one)).toBe(signOf(one, other));
      }),
      { numRuns: 100, seed: 31 },
    );
  });
});
