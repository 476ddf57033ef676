import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { numberOf, onlyNumber, sameNumber, sameValue } from "../../../benchmarks/scoring/numbers.js";

describe("numberOf", () => {
  it.each<[string, number]>([
    // plain, as MathVista's and MathVision's golds and models write them
    ["5", 5],
    ["-5", -5],
    ["−5", -5],
    ["–5", -5],
    ["+5", 5],
    ["5.", 5],
    [".5", 0.5],
    ["1e3", 1000],
    ["007", 7],
    // groups
    ["1,234", 1234],
    ["1,234,567.5", 1_234_567.5],
    ["1 234 567", 1_234_567],
    ["1\u202f234,5", Number.NaN],
    ["$1,234.50", 1234.5],
    ["€5", 5],
    // units
    ["14 cm", 14],
    ["14cm", 14],
    ["60°", 60],
    ["60^\\circ", 60],
    ["60^{\\circ}", 60],
    ["12.5%", 12.5],
    ["12.5\\%", 12.5],
    ["3 m/s", 3],
    ["3 m^2", 3],
    ["3 cm²", 3],
    ["5 apples", 5],
    ["-5 °C", -5],
    // TeX
    ["\\frac{3}{4}", 0.75],
    ["\\dfrac{3}{4}", 0.75],
    ["-\\frac{3}{4}", -0.75],
    ["3/4", 0.75],
    ["1 1/2", 1.5],
    ["-1 1/2", -1.5],
    ["2 3 / 4", 2.75],
    ["1\\frac{1}{2}", 1.5],
    ["$\\frac{1}{2}$", 0.5],
    ["\\text{14 cm}", 14],
    ["14\\text{ cm}", 14],
    ["2^{10}", 1024],
    ["(5)", 5],
    ["{5}", 5],
    ["2\\times 3", 6],
    ["10\\,000", 10_000],
    // Markdown
    ["**5**", 5],
    ["`5`", 5],
    [" 5 \n", 5],
  ])("%j is %d", (text, value) => {
    if (Number.isNaN(value)) expect(numberOf(text)).toBeUndefined();
    else expect(numberOf(text)).toBe(value);
  });

  it.each([
    "",
    "five",
    "x",
    "5x",
    "2π",
    "2\\pi",
    "\\sqrt{2}",
    "5 and 6",
    "5, 6",
    "(5, 6)",
    "1,23",
    "5 00",
    "1/0",
    "inf",
    "nan",
    "1e999",
    "A",
    "5=5",
    "--",
    "3 xy",
  ])("%j is none", (text) => {
    expect(numberOf(text)).toBeUndefined();
  });

  it("reads back every number that is written in groups or with a unit", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -1e9, max: 1e9 }),
        fc.constantFrom("", " cm", "°", "%", " kg"),
        (n, unit) => {
          expect(numberOf(`${n}${unit}`)).toBe(n);
          expect(numberOf(`${n.toLocaleString("en-US")}${unit}`)).toBe(n);
          expect(numberOf(`\\boxed{}${n}`)).toBeUndefined();
        },
      ),
    );
  });
});

describe("onlyNumber", () => {
  it.each<[string, string]>([
    ["The answer is 5.", "5"],
    ["It is 5, yes 5.", "5"],
    ["about 3.5", "3.5"],
    ["3.5", "3.5"],
    ["costs $1,234.50 today", "1,234.50"],
    ["minus -2 (two)", "-2"],
    ["x = 7", "7"],
    ["(7)", "7"],
    ["7%", "7"],
    ["7, which is prime", "7"],
  ])("of %j is %s", (text, number) => {
    expect(onlyNumber(text)?.text).toBe(number);
  });

  it.each([
    "",
    "none",
    "5 or 6",
    "x1",
    "H2O",
    "1st",
    "version 1.2.3",
    // A part of a number is another number.
    "3.5cm",
    "The length is 3.5cm",
    "1,234cm long",
    "points 3,4",
    "1.5e3x",
  ])("of %j is none", (text) => {
    expect(onlyNumber(text)).toBeUndefined();
  });
});

describe("sameNumber and sameValue", () => {
  it.each<[number, number, number | undefined, boolean]>([
    [1, 1, undefined, true],
    [1, 1 + 1e-10, undefined, true],
    [1, 1 + 1e-8, undefined, false],
    [1e12, 1e12 + 1, undefined, true],
    [1e12, 1e12 + 1e4, undefined, false],
    [0, 1e-10, undefined, true],
    [3.1439, 3.14, 2, true],
    [3.146, 3.14, 2, false],
    [2.4, 2, 0, true],
    [2.6, 2, 0, false],
    [Number.NaN, 1, undefined, false],
    [Infinity, 1, undefined, false],
  ])("%d and %d at %s places: %s", (one, other, places, isSame) => {
    expect(sameNumber(one, other, places)).toBe(isSame);
  });

  it("compares texts by value, and says nothing where one is no number", () => {
    expect(sameValue("\\frac{1}{2}", "0.5")).toBe(true);
    expect(sameValue("14 cm", "14")).toBe(true);
    expect(sameValue("1,000", "1000 m")).toBe(true);
    expect(sameValue("0.33", "\\frac{1}{3}")).toBe(false);
    expect(sameValue("0.33", "\\frac{1}{3}", 2)).toBe(true);
    expect(sameValue("x", "5")).toBeUndefined();
    expect(sameValue("5", "x")).toBeUndefined();
  });
});
