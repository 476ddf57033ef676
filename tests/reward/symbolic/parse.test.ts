import { describe, expect, it } from "vitest";
import { type Expression, lettersOf, substitute } from "../../../src/reward/symbolic/expression.js";
import { parseExpression } from "../../../src/reward/symbolic/parse.js";
import { realValue } from "../../../src/reward/symbolic/probe.js";

/** What the letters of the table stand for; any other is 23. */
const VALUES: Readonly<Record<string, number>> = { x: 3, y: 5, z: 7, a: 2, b: 11, e: 13, mu: 17, x_1: 19 };

function numberOf(expression: Expression): number | null {
  const numbers = lettersOf(expression).reduce(
    (result, name) => substitute(result, name, { kind: "decimal", value: VALUES[name] ?? 23 }),
    expression,
  );
  return realValue(numbers);
}

/** By `sympy_parser.parse_expr` of sympy 1.14.0 with MathRuler's transformations, `.subs(VALUES).evalf()`. */
const REFERENCE: readonly (readonly [text: string, value: number])[] = [
  ["2x", 6],
  ["2x^2", 18],
  ["x2", 6],
  ["x23", 69],
  ["xy", 15],
  ["1/xy", 1.6666666666666667],
  ["2/3x", 2],
  ["x(y+1)", 18],
  ["(x+1)(y-1)", 16],
  ["-x^2", -9],
  ["(-x)^2", 9],
  ["2**3**2", 512],
  ["2^-1", 0.5],
  ["x^-2", 0.1111111111111111],
  ["--x", 3],
  ["+-x", -3],
  ["x--y", 8],
  ["x*-y", -15],
  ["x!", 6],
  ["3!", 6],
  ["3!!", 3],
  ["5!!", 15],
  ["6!!", 48],
  ["0!!", 1],
  ["(3!)!", 720],
  ["7!!/3", 35],
  ["x^2!", 9],
  ["2x!", 12],
  ["sqrt(4)x", 6],
  ["xsqrt(4)", 3358092],
  ["sqrt(x+1)^2", 4],
  ["ln(x)2", 2.1972245773362196],
  [".5x", 1.5],
  ["5.x", 15],
  ["1e2x", 300],
  ["1_000", 1000],
  ["0x", 0],
  ["00+x", 3],
  ["007+x", 3],
  ["x+-+y", -2],
  ["2(3)(4)", 24],
  ["x/y/z", 0.08571428571428572],
  ["x/(y z)", 0.08571428571428572],
  ["x y", 15],
  ["x^y^2", 847288609443],
  ["1.5.5", 0.75],
  ["a2b", 44],
  ["pi x", 9.42477796076938],
  ["2pi", 6.283185307179586],
  ["mu", 17],
  ["x_1", 19],
  ["x_1y", 23],
  ["sqrt(x)y", 8.660254037844387],
  ["xy(z)", 105],
  ["x(y)(z)", 105],
  ["-2^2", -4],
  ["2^-x", 0.125],
  ["6/2(3)", 9],
  ["6/2*3", 9],
  ["1e3", 1000],
  ["2e", 26],
  ["e2", 26],
  ["x\t+\ty", 8],
];

describe("parseExpression", () => {
  it.each(REFERENCE)("reads %s as the reference does: %s", (text, value) => {
    const distance = Math.abs((numberOf(parseExpression(text)) ?? Number.NaN) - value);
    expect(distance).toBeLessThanOrEqual(1e-12 * Math.abs(value));
  });

  it("keeps whole numbers whole, however large, and decimals as doubles", () => {
    expect(parseExpression("123456789012345678901234567890")).toEqual({
      kind: "integer",
      value: 123456789012345678901234567890n,
    });
    expect(parseExpression("0.1")).toEqual({ kind: "decimal", value: 0.1 });
    expect(parseExpression("1e2")).toEqual({ kind: "decimal", value: 100 });
  });

  it.each([
    ["", "( expected"],
    ["()", "( expected"],
    ["(1", ") expected"],
    ["1)", "text after the expression"],
    ["1+", "( expected"],
    ["*2", "( expected"],
    ["sqrt", "sqrt has another meaning"],
    ["sqrt 4", "sqrt has another meaning"],
    ["sqrt(4", ") expected"],
    ["oo", "oo has another meaning"],
    ["x if y", "if has another meaning"],
    ["2j", "imaginary number"],
    ["1.5j+1", "imaginary number"],
    ["x=1", 'cannot read "=1"'],
    ["a.b", 'cannot read ".b"'],
    ["{x}", 'cannot read "{x}"'],
    ["2\u00a0x", 'cannot read "\u00a0x"'],
    ["3!!!", "too many factorials"],
    ["3!!!!", "too many factorials"],
    ["2\nx", "factors on two lines"],
    ["(x)\r(y)", "factors on two lines"],
  ])("refuses %j: %s", (text, message) => {
    expect(() => parseExpression(text)).toThrow(message);
  });

  it("goes on behind a line break where an operator stands", () => {
    expect(parseExpression("x\n+y")).toEqual(parseExpression("x+y"));
    expect(parseExpression("x+\ny")).toEqual(parseExpression("x+y"));
  });

  it("reads up to 1000 characters and 60 levels", () => {
    expect(parseExpression(`1${"+1".repeat(499)}`).kind).toBe("+");
    expect(() => parseExpression(`1${"+1".repeat(500)}`)).toThrow("expression too long");
    const nested = (depth: number) => `${"(".repeat(depth)}x${")".repeat(depth)}`;
    expect(parseExpression(nested(60))).toEqual({ kind: "name", name: "x" });
    for (const text of [nested(61), `${"-".repeat(61)}x`, `x${"^x".repeat(61)}`]) {
      expect(() => parseExpression(text)).toThrow("nested too deep");
    }
  });
});
