import { describe, expect, it } from "vitest";
import { gradeMath } from "../../../src/reward/math/gradeMath.js";
import { readExpression } from "../../../src/reward/math/readExpression.js";
import { tokensOf } from "../../../src/reward/math/tokens.js";
import { FUNCTIONS, type FunctionName } from "../../../src/reward/symbolic/expression.js";
import { realValue, vanishes } from "../../../src/reward/symbolic/probe.js";

const r = String.raw;
const read = (text: string) => readExpression(tokensOf(text));

/** A function of doubles for every function, its own engine's where there is one. */
const DOUBLES: Readonly<Record<FunctionName, (x: number) => number>> = {
  sqrt: Math.sqrt,
  ln: Math.log,
  "!": (x) => Array.from({ length: x }, (_, at) => at + 1).reduce((product, n) => product * n, 1),
  "!!": (x) => (x < 2 ? 1 : x * DOUBLES["!!"](x - 2)),
  exp: Math.exp,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  arcsin: Math.asin,
  arccos: Math.acos,
  arctan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  abs: Math.abs,
  floor: Math.floor,
  ceil: Math.ceil,
};

describe("realValue", () => {
  it.each(FUNCTIONS.filter((name) => !name.startsWith("!")))(
    "of %s is the real function's on its domain",
    (name) => {
      for (const [top, bottom] of [
        [1, 7],
        [1, 2],
        [9, 10],
        [-1, 3],
        [5, 2],
        [-9, 4],
        [0, 1],
      ] as const) {
        const value = realValue({
          kind: "call",
          name,
          argument: { kind: "fraction", top: BigInt(top), bottom: BigInt(bottom) },
        });
        const expected = DOUBLES[name](top / bottom);
        if (Number.isFinite(expected)) expect(value).toBeCloseTo(expected, 12);
        else expect([name, top / bottom, value]).toEqual([name, top / bottom, null]);
      }
    },
  );

  it.each([0, 1, 2, 5, 10, 20])("of %s! and %s!! is the product", (n) => {
    expect(realValue(read(`${n}!`))).toBe(DOUBLES["!"](n));
    expect(realValue(read(`${n}!!`))).toBe(DOUBLES["!!"](n));
  });

  it.each([
    ["2^{10}", 1024],
    ["2^{-2}", 0.25],
    [r`8^{1/3}`, 2],
    [r`\sqrt[3]{-27}`, -3],
    [r`\sqrt[5]{-32}`, -2],
    [r`\sqrt[4]{81}`, 3],
    ["e^2", Math.exp(2)],
    [r`\pi`, Math.PI],
    [r`\log 1000`, 3],
    [r`\log_2 32`, 5],
    [r`\binom{5}{2}`, 10],
    ["-3-4*5", -23],
    ["7/-2", -3.5],
    ["0^2", 0],
    ["i^2", -1],
    ["0.5", 0.5],
  ])("of %s is %s", (text, expected) => {
    expect(realValue(read(text))).toBeCloseTo(expected, 12);
  });

  it.each([
    ["i", "imaginary"],
    ["1+i", "complex"],
    [r`\sqrt{-2}`, "imaginary"],
    [r`\sqrt[4]{-16}`, "complex"],
    ["1/0", "a pole"],
    ["0^{-1}", "a pole"],
    ["0/0", "undefined"],
    [r`\ln 0`, "a pole"],
    [r`\arcsin 2`, "complex"],
    ["x", "a letter"],
    [r`2\infty`, "no number"],
    ["x-x", "a letter, although the value is 0"],
  ])("of %s is null: %s", (text) => {
    expect(realValue(read(text))).toBe(null);
  });
});

/** Numbers of the identities are those of the NIST Digital Library of Mathematical Functions (dlmf.nist.gov). */
const IDENTITIES: readonly (readonly [left: string, right: string, source: string])[] = [
  [r`\sin^2 x+\cos^2 x`, "1", "DLMF 4.21.12"],
  [r`\sin(x+y)`, r`\sin x\cos y+\cos x\sin y`, "DLMF 4.21.2"],
  [r`\cos(x-y)`, r`\cos x\cos y+\sin x\sin y`, "DLMF 4.21.3"],
  [r`\tan(x+y)`, r`\frac{\tan x+\tan y}{1-\tan x\tan y}`, "DLMF 4.21.4"],
  [r`\sin 2x`, r`2\sin x\cos x`, "DLMF 4.21.27"],
  [r`\cos 2x`, r`2\cos^2 x-1`, "DLMF 4.21.28"],
  [r`\sin 3x`, r`3\sin x-4\sin^3 x`, "DLMF 4.21.30"],
  [r`\cos 3x`, r`4\cos^3 x-3\cos x`, "DLMF 4.21.31"],
  [r`\sinh x`, r`\frac{e^x-e^{-x}}{2}`, "DLMF 4.28.1"],
  [r`\cosh x`, r`\frac{e^x+e^{-x}}{2}`, "DLMF 4.28.2"],
  [r`\cosh^2 x-\sinh^2 x`, "1", "DLMF 4.35.11"],
  [r`\tanh x`, r`\frac{e^{2x}-1}{e^{2x}+1}`, "DLMF 4.28.4"],
  [r`\sec^2 x`, r`1+\tan^2 x`, "DLMF 4.21.13"],
  [r`\csc^2 x`, r`1+\cot^2 x`, "DLMF 4.21.14"],
  [r`e^{x+y}`, "e^x e^y", "DLMF 4.8.14"],
  [r`2^{x+1}`, r`2\cdot 2^x`, "powers of 2"],
  [r`\sqrt{3+2\sqrt2}`, r`1+\sqrt2`, "its square"],
  [r`\sqrt{2+\sqrt3}`, r`\frac{\sqrt6+\sqrt2}{2}`, "its square: (8 + 2√12)/4 = 2 + √3"],
  [r`\sqrt[3]{2+\sqrt5}`, r`\frac{1+\sqrt5}{2}`, "its cube: (16 + 8√5)/8"],
  [r`\sqrt[3]{x^3}`, "x", "the real root"],
  [r`|x|^2`, "x^2", "for real x"],
  [r`\sqrt{x^2}`, "|x|", "for real x"],
  [r`\arcsin x+\arccos x`, r`\frac{\pi}{2}`, "DLMF 4.23.16"],
];

describe("vanishes", () => {
  it.each(IDENTITIES)("sees that %s is %s (%s)", (left, right) => {
    expect(vanishes({ kind: "-", left: read(left), right: read(right) })).toBe(true);
  });

  it.each([
    [r`\sqrt{x^2}`, "x", "not for negative x"],
    [r`\sqrt{x}\sqrt{y}`, r`\sqrt{xy}`, "not for negative x and y"],
    [r`\ln(xy)`, r`\ln x+\ln y`, "not on every branch"],
    [r`\arcsin(\sin x)+0x`, r`x+\frac{1}{1000}`, "not by a thousandth"],
    ["|x|", "x", "not for negative x"],
    [r`|x+y|`, "|x|+|y|", "the triangle's other side"],
    [r`\sin x`, "x", "near 0 only"],
    [r`\lfloor x\rfloor`, "x", "for whole x only"],
    [r`\lceil x\rceil`, r`\lfloor x\rfloor+2`, "by one"],
    [r`\sqrt[3]{x}`, r`\sqrt{x}`, "other roots"],
    [r`2^x`, "x^2", "for x = 2 and 4 only"],
    ["e^x", r`1+x+\frac{x^2}{2}`, "the series goes on"],
    [r`\sqrt2+\sqrt3`, r`\pi`, "3.1463 is not 3.1416"],
  ])("sees that %s is not %s: %s", (left, right) => {
    expect(vanishes({ kind: "-", left: read(left), right: read(right) })).toBe(false);
  });

  it.each([
    [r`\lfloor i x\rfloor-1`, "floor of a complex number"],
    [r`x!-1`, "factorial of something else than an integer"],
    ["1/(x-x)", "no value at a point"],
    [r`10^{10}+\sin x`, "numbers too large for a point test"],
  ])("cannot tell about %s: %s", (text, message) => {
    expect(() => vanishes(read(text))).toThrow(message);
  });

  it("takes a step for what it is up to rounding: ⌊(√2)²⌋ is 2", () => {
    expect(realValue(read(r`\lfloor\sqrt2\sqrt2\rfloor`))).toBe(2);
    expect(realValue(read(r`\lceil\sqrt2\sqrt2\rceil`))).toBe(2);
  });
});

describe("gradeMath by points", () => {
  it.each(IDENTITIES)("finds %s and %s equal (%s), and either unequal to the other plus 1", (left, right) => {
    expect(gradeMath(left, right)).toMatchObject({ correct: true });
    expect(gradeMath(right, left)).toMatchObject({ correct: true });
    expect(gradeMath(left, `${right}+1`)).toMatchObject({ correct: false });
  });
});
