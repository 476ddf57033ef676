import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readExpression } from "../../../src/reward/math/readExpression.js";
import { tokensOf } from "../../../src/reward/math/tokens.js";
import { type Expression, lettersOf, substitute } from "../../../src/reward/symbolic/expression.js";
import { realValue } from "../../../src/reward/symbolic/probe.js";

const r = String.raw;
const read = (text: string) => readExpression(tokensOf(text));

const VALUES: Readonly<Record<string, number>> = {
  x: 3,
  y: 5,
  a: 2,
  b: 7,
  n: 6,
  k: 2,
  θ: 0.5,
  x_1: 11,
  "a_n+1": 13,
  "y'": 17,
};

/** The value where the letters are `VALUES`. */
function numberOf(expression: Expression): number | null {
  return realValue(
    lettersOf(expression).reduce(
      (result, name) => substitute(result, name, { kind: "decimal", value: VALUES[name] ?? Number.NaN }),
      expression,
    ),
  );
}

const { sin, cos, tan, asin, acos, atan, sinh, exp, log, log10, log2, sqrt, cbrt, PI, E } = Math;

const ARITHMETIC: readonly (readonly [string, number])[] = [
  ["2+3*4", 14],
  ["2*3+4", 10],
  ["10-4-3", 3],
  ["24/4/3", 2],
  ["24/4*3", 18],
  ["2-(3-4)", 3],
  ["-2^2", -4],
  ["(-2)^2", 4],
  ["2^{3^2}", 512],
  ["2^3^2", 512],
  ["--3", 3],
  ["-+-3", 3],
  ["2*-3", -6],
  ["6/-2", -3],
  ["2^-1", 0.5],
  ["2^{-1}", 0.5],
  ["[2+3]*4", 20],
  ["{2+3}4", 20],
  ["2(3)(4)", 24],
  ["(1+2)(3+4)", 21],
  ["5!", 120],
  ["5!!", 15],
  ["2^3!", 64],
  ["-3!", -6],
  ["|-3|", 3],
  ["2|x-5|", 4],
  ["|x-5||y-x|", 4],
  ["|x-5|y", 10],
  ["|(|x-5|-3)|", 1],
  ["x|y|!", 360],
  [r`\lfloor-2.5\rfloor`, -3],
  [r`\lceil-2.5\rceil`, -2],
  ["0.5+1/4", 0.75],
];

const FRACTIONS: readonly (readonly [string, number])[] = [
  [r`\frac{1}{2}`, 0.5],
  [r`\frac12`, 0.5],
  [r`\frac123`, 1.5],
  [r`\frac1{23}`, 1 / 23],
  [r`\frac{12}3`, 4],
  [r`\frac x y`, 0.6],
  [r`\frac{\frac12}{3}`, 1 / 6],
  [r`\frac{1}{2}x`, 1.5],
  ["1/2x", 1.5],
  ["1/(2x)", 1 / 6],
  [r`3\frac12`, 3.5],
  [r`3\frac{1}{2}`, 3.5],
  ["3½", 3.5],
  ["3 1/2", 3.5],
  [r`-3\frac12`, -3.5],
  [r`3\frac{x}{2}`, 4.5],
  [r`3\frac{5}{2}`, 7.5],
  [r`x\frac12`, 1.5],
  [r`3^\frac12`, sqrt(3)],
  [r`2^3\frac12`, 4],
  [r`{1\over4}`, 0.25],
  [r`{x+1\over y-1}`, 1],
  [r`\binom{6}{2}`, 15],
  [r`{6\choose2}`, 15],
  [r`\binom nk`, 15],
];

const ROOTS: readonly (readonly [string, number])[] = [
  [r`\sqrt2`, sqrt(2)],
  [r`\sqrt{2}`, sqrt(2)],
  [r`\sqrt23`, 3 * sqrt(2)],
  [r`\sqrt(16)`, 4],
  [r`2\sqrt3`, 2 * sqrt(3)],
  [r`\sqrt[3]{8}`, 2],
  [r`\sqrt[2]{9}`, 3],
  [r`\sqrt[n]{64}`, 2],
  ["√2", sqrt(2)],
  ["√(x+1)", 2],
  ["sqrt(2)x", 3 * sqrt(2)],
  ["sqrtx", sqrt(3)],
  ["cbrt(27)", cbrt(27)],
  ["x^{1/2}", sqrt(3)],
  ["8^{2/3}", 4],
];

const FUNCTIONS: readonly (readonly [string, number])[] = [
  [r`\sin x`, sin(3)],
  ["sinx", sin(3)],
  [r`\sin 2x`, sin(6)],
  [r`\sin 2x\cos x`, sin(6) * cos(3)],
  [r`\sin x/2`, sin(3) / 2],
  [r`\sin(x)/2`, sin(3) / 2],
  [r`\sin x+1`, sin(3) + 1],
  [r`\sin -x`, sin(-3)],
  [r`\sin^2 x`, sin(3) ** 2],
  [r`\sin^2(x)y`, 5 * sin(3) ** 2],
  [r`\sin(x)^2`, sin(3) ** 2],
  [r`\sin^{-1}\frac12`, asin(0.5)],
  [r`\cos^{-1}\frac12`, acos(0.5)],
  [r`\tan^{-1}x`, atan(3)],
  [r`\arctan x`, atan(3)],
  [r`\cot x`, 1 / tan(3)],
  [r`\sec x\csc x`, 1 / cos(3) / sin(3)],
  [r`\sinh x`, sinh(3)],
  [r`\sin\cos x`, sin(cos(3))],
  ["xsinx", 3 * sin(3)],
  ["xlny", 3 * log(5)],
  ["Sin x", sin(3)],
  [r`\ln x`, log(3)],
  [r`\log x`, log10(3)],
  [r`\lg x`, log10(3)],
  [r`\log_2 x`, log2(3)],
  [r`\log_{10}x`, log10(3)],
  ["log_10(x)", log10(3)],
  [r`\log_2 8x`, log2(24)],
  [r`\log_x y`, log(5) / log(3)],
  [r`\log_{2}^2 8`, 9],
  [r`\exp(x)`, exp(3)],
  ["e^x", exp(3)],
  ["e^{-x}y", 5 * exp(-3)],
  ["2e", 2 * E],
  ["abs(-2)", 2],
  ["floor(2.5)", 2],
  ["gcd(12,18)", 6],
  [r`\max\{3,5,4\}`, 5],
  ["min(3,5)x", 9],
  ["lcm(4,6,10)", 60],
];

const LETTERS: readonly (readonly [string, number])[] = [
  ["xy", 15],
  ["xy^2", 75],
  ["2ab", 28],
  ["ab^2", 98],
  ["x(y+1)", 18],
  ["2x^2y", 90],
  ["x_1", 11],
  ["x_{1}", 11],
  ["a_{n+1}", 13],
  ["2x_1^2", 242],
  ["y'", 17],
  [r`\theta x`, 1.5],
  [r`2\pi`, 2 * PI],
  [r`\pi x^2`, 9 * PI],
  ["i^2", -1],
  ["i^4x", 3],
];

describe("readExpression", () => {
  it.each([...ARITHMETIC, ...FRACTIONS, ...ROOTS, ...FUNCTIONS, ...LETTERS])(
    "reads %s as %s",
    (text, value) => {
      expect(numberOf(read(text))).toBeCloseTo(value, 10);
    },
  );

  it("keeps signs of percent and degree as names, for the comparison to drop or write out", () => {
    expect(lettersOf(read("50%"))).toEqual(["%"]);
    expect(lettersOf(read("30°"))).toEqual(["°"]);
    expect(lettersOf(read(r`\sin 30°`))).toEqual(["°"]);
  });

  it("takes three capitals for a triangle's name, two or three small letters for a product", () => {
    expect(read("ABC")).toEqual({ kind: "name", name: "ABC" });
    expect(lettersOf(read("abc"))).toEqual(["a", "b", "c"]);
    expect(lettersOf(read("AB"))).toEqual(["A", "B"]);
  });

  it("keeps a name with an index as one, however the index is written", () => {
    expect(read("x_{12}")).toEqual({ kind: "name", name: "x_12" });
    expect(read("x_1")).toEqual(read("x_{1}"));
    expect(read("x_1")).not.toEqual(read("x_2"));
    expect(read("x₁")).toEqual(read("x_1"));
  });

  it.each([
    ["", "a value is missing"],
    ["+", "a value is missing"],
    ["1+", "a value is missing"],
    ["*2", "cannot read *"],
    ["2**", "a value is missing"],
    ["(1", ") expected"],
    ["1)", "text after the expression"],
    ["(1]", ") expected"],
    ["|1", "| expected"],
    ["|x-2|x-5||", "a value is missing"],
    ["3|12", "| expected"],
    [r`\lfloor1`, "⌋ expected"],
    [r`\frac1`, "a value is missing"],
    [r`\frac{1}`, "a value is missing"],
    [r`\sqrt`, "a value is missing"],
    [r`\sqrt[3`, "] expected"],
    [r`\sqrt[31]2`, "root of large index"],
    [r`\sqrt[1]2`, "root of large index"],
    [r`\frac 1.5 2`, "braces expected"],
    ["x_{", "} expected"],
    ["x_{abcdefghijklmnopq", "} expected"],
    ["3_2", "number with an index"],
    ["1 2", "text after the expression"],
    ["word", "words"],
    ["max", "words"],
    ["no", "words"],
    ["gcd(x,2)", "whole numbers expected"],
    ["gcd(1,2", ") expected"],
    ["percent", "percent without a number"],
    ["degrees", "degrees without a number"],
    ["1=2", "text after the expression"],
    [r`\unknown`, r`cannot read \unknown`],
    ["5!!!", "too many factorials"],
    ["5%%%%%", "too many signs"],
    [`${"-".repeat(61)}1`, "too many signs"],
    [`${"(".repeat(61)}1${")".repeat(61)}`, "nested too deep"],
    [`2${"^{2".repeat(61)}${"}".repeat(61)}`, "nested too deep"],
  ])("refuses %s: %s", (text, message) => {
    expect(() => read(text)).toThrow(message);
  });

  it("reads sixty levels", () => {
    expect(numberOf(read(`${"(".repeat(60)}x${")".repeat(60)}`))).toBe(3);
  });
});

interface Shown {
  readonly text: string;
  readonly value: number;
}

/** Fully parenthesised sums, differences, products and quotients, with their values. */
const expressions = fc.letrec<{ tree: Shown }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    fc.integer({ min: 1, max: 20 }).map((value): Shown => ({ text: `${value}`, value })),
    fc.constantFrom<Shown>({ text: "x", value: 3 }, { text: r`\pi`, value: PI }, { text: "0.5", value: 0.5 }),
    fc
      .tuple(fc.constantFrom("+", "-", "*", "/", "frac"), tie("tree"), tie("tree"))
      .map(([kind, a, b]): Shown => {
        if (kind === "+") return { text: `(${a.text}+${b.text})`, value: a.value + b.value };
        if (kind === "-") return { text: `(${a.text}-${b.text})`, value: a.value - b.value };
        if (kind === "*") return { text: `(${a.text})(${b.text})`, value: a.value * b.value };
        if (kind === "/") return { text: `{(${a.text})/(${b.text})}`, value: a.value / b.value };
        return { text: `\\frac{${a.text}}{${b.text}}`, value: a.value / b.value };
      }),
    tie("tree").map(({ text, value }): Shown => ({ text: `\\sqrt{(${text})^2}`, value: Math.abs(value) })),
  ),
})).tree;

describe("readExpression on random arithmetic", () => {
  it("has the value of the arithmetic", () => {
    fc.assert(
      fc.property(expressions, ({ text, value }) => {
        fc.pre(Number.isFinite(value) && Math.abs(value) < 1e8 && Math.abs(value) > 1e-8);
        const found = numberOf(read(text));
        fc.pre(found !== null);
        expect([text, Math.abs((found ?? 0) - value) <= 1e-9 * Math.abs(value)]).toEqual([text, true]);
      }),
      { numRuns: 500, seed: 12 },
    );
  });
});
