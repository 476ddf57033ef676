import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { literalOf, MULTIPLIERS, NUMBER_WORDS } from "../../../src/reward/math/numbers.js";
import { OF_MANY } from "../../../src/reward/math/wholeNumbers.js";
import type { Expression } from "../../../src/reward/symbolic/expression.js";

/** top and bottom, not reduced. */
function ratio(expression: Expression): readonly [bigint, bigint] {
  if (expression.kind === "integer") return [expression.value, 1n];
  if (expression.kind !== "fraction") throw new Error(`${expression.kind}: no number`);
  return [expression.top, expression.bottom];
}

describe("literalOf", () => {
  it.each([
    ["0", 0n, 1n],
    ["007", 7n, 1n],
    ["42", 42n, 1n],
    ["0.25", 1n, 4n],
    [".5", 1n, 2n],
    ["3.", 3n, 1n],
    ["3.0", 3n, 1n],
    ["1e3", 1000n, 1n],
    ["1e-3", 1n, 1000n],
    ["1e+2", 100n, 1n],
    ["2.5e1", 25n, 1n],
    ["2.5e-1", 1n, 4n],
    ["0.(3)", 1n, 3n],
    [".(3)", 1n, 3n],
    ["0.1(6)", 1n, 6n],
    ["0.(142857)", 1n, 7n],
    ["0.(9)", 1n, 1n],
    ["1.(0)", 1n, 1n],
    ["12.3(45)", 679n, 55n],
    ["0.(3)e1", 10n, 3n],
  ])("of %s is %s/%s", (text, top, bottom) => {
    const [up, down] = ratio(literalOf(text));
    expect(up * bottom).toBe(down * top);
    expect(down).toBeGreaterThan(0n);
  });

  it("is an integer only where no decimal is written", () => {
    expect(literalOf("3").kind).toBe("integer");
    expect(literalOf("3e2").kind).toBe("integer");
    expect(literalOf("3.0").kind).toBe("fraction");
    expect(literalOf("3e-1").kind).toBe("fraction");
  });

  it("reads repeating decimals as their long division writes them", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 2, max: 40 }), (top, bottom) => {
        // Long division: a remainder that comes again begins the repeating digits.
        const [seen, digits] = [new Map<number, number>(), [] as number[]];
        let rest = top % bottom;
        while (!seen.has(rest)) {
          seen.set(rest, digits.length);
          digits.push(Math.floor((rest * 10) / bottom));
          rest = (rest * 10) % bottom;
        }
        const start = seen.get(rest) ?? 0;
        const shown = `${Math.floor(top / bottom)}.${digits.slice(0, start).join("")}(${digits.slice(start).join("")})`;
        const [up, down] = ratio(literalOf(shown));
        expect([shown, up * BigInt(bottom)]).toEqual([shown, down * BigInt(top)]);
      }),
      { numRuns: 200, seed: 8 },
    );
  });

  it("marks decimals of ten digits and more as rounded, others not", () => {
    expect(literalOf("0.3333333333")).toMatchObject({ digits: 3333333333n });
    expect(literalOf("1.234567890")).toMatchObject({ digits: 1234567890n });
    expect(literalOf("0.333333333")).not.toHaveProperty("digits");
    expect(literalOf("0.0000000001")).not.toHaveProperty("digits");
    expect(literalOf("1234567890")).not.toHaveProperty("digits");
    expect(literalOf("0.(3333333333)")).not.toHaveProperty("digits");
  });

  it("refuses more than 300 digits, those of the exponent counted", () => {
    expect(ratio(literalOf("9".repeat(300)))[0]).toBe(10n ** 300n - 1n);
    expect(ratio(literalOf("1e299"))[0]).toBe(10n ** 299n);
    for (const text of [
      "9".repeat(301),
      "1e300",
      "1e-300",
      `0.${"1".repeat(300)}`,
      `0.(${"1".repeat(300)})`,
      "1e999999",
    ]) {
      expect(() => literalOf(text)).toThrow("number too long");
    }
  });
});

describe("number words", () => {
  it("count from zero to twenty, and by tens to ninety", () => {
    const words =
      "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty";
    expect(words.split(" ").map((word) => NUMBER_WORDS.get(word))).toEqual(
      Array.from({ length: 21 }, (_, n) => n),
    );
    const tens = "thirty forty fifty sixty seventy eighty ninety hundred".split(" ");
    expect(tens.map((word) => NUMBER_WORDS.get(word))).toEqual([30, 40, 50, 60, 70, 80, 90, 100]);
    expect(NUMBER_WORDS.get("many")).toBeUndefined();
  });

  it("multiply by powers of a thousand", () => {
    const large = ["thousand", "million", "billion", "trillion"];
    expect(large.map((word) => MULTIPLIERS.get(word))).toEqual(
      [1, 2, 3, 4].map((power) => 1000n ** BigInt(power)),
    );
    expect([MULTIPLIERS.get("dozen"), MULTIPLIERS.get("hundred")]).toEqual([12n, 100n]);
  });
});

describe("functions of whole numbers", () => {
  it.each([
    ["gcd", 12n, 18n, 6n],
    ["gcd", -12n, 18n, 6n],
    ["gcd", 0n, 0n, 0n],
    ["gcd", 0n, 5n, 5n],
    ["lcm", 4n, 6n, 12n],
    ["lcm", 0n, 6n, 0n],
    ["lcm", 7n, 7n, 7n],
    ["max", -3n, 2n, 2n],
    ["min", -3n, 2n, -3n],
  ])("%s(%s, %s) is %s", (name, a, b, expected) => {
    expect(OF_MANY[name]?.(a, b)).toBe(expected);
  });

  it("have gcd·lcm = a·b, and the dual laws of max and min", () => {
    const whole = fc.bigInt({ min: 1n, max: 10n ** 12n });
    fc.assert(
      fc.property(whole, whole, (a, b) => {
        expect((OF_MANY["gcd"]?.(a, b) ?? 0n) * (OF_MANY["lcm"]?.(a, b) ?? 0n)).toBe(a * b);
        expect((OF_MANY["max"]?.(a, b) ?? 0n) + (OF_MANY["min"]?.(a, b) ?? 0n)).toBe(a + b);
      }),
      { numRuns: 100, seed: 1 },
    );
  });
});
