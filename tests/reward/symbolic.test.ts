import { describe, expect, it } from "vitest";
import { isZero } from "../../src/reward/symbolic/isZero.js";

/** Verdicts of sympy 1.11.1 through MathRuler's `are_equal_under_sympy`, except where the note says otherwise. */
const TABLE: [left: string, right: string, equal: boolean, note: string][] = [
  ["0123+x", "x", true, "numbers side by side multiply: 0·123"],
  ["1.2.3x", "0.36x", true, "1.2·.3"],
  ["x(x+1)", "x^2+x", true, "a letter before a parenthesis multiplies"],
  ["xy(2)", "2xy", true, "letters multiply"],
  ["f(x)^2", "f(x)f(x)", false, "f·x², not (f·x)²"],
  ["x2", "2x", true, "a digit after a letter multiplies"],
  ["ln(4)", "2ln(2)", true, "logarithm of a prime power"],
  ["5!+x", "120+x", true, "factorial"],
  ["1/(1+sqrt(2))", "sqrt(2)-1", true, "denominator made rational"],
  ["sqrt(3+2sqrt(2))", "1+sqrt(2)", true, "nested root"],
  ["sqrt(4x+4)", "2sqrt(x+1)", true, "rational factor out of a root"],
  ["(x^2-1)/(x-1)", "x+1", true, "common factor"],
  ["2^x*2^x", "4^x", true, "powers of numbers"],
  ["x**0.5", "sqrt(x)", false, "a decimal exponent is not a root"],
  ["x/0", "y/0", false, "no value"],
  ["sqrt(-4)", "2sqrt(-1)", true, "imaginary root"],
  ["0.5x", "x/2", true, "a decimal against a fraction"],
  ["1/3x", "x/3", true, "left to right"],
  ["2**(1/2)", "sqrt(2)", true, "half power"],
  ["8**(1/3)x", "2x", true, "third power"],
  ["5!!+x", "15+x", true, "double factorial"],
  ["3!!+x", "720+x", false, "not (3!)!"],
  ["sqrt(x^2)", "x", false, "not for negative x"],
  ["sqrt(pi^2)", "pi", true, "π is positive"],
  ["sqrt(x)sqrt(y)", "sqrt(xy)", false, "not for negative x and y"],
  ["sqrt(x/4)", "sqrt(x)/2", true, "rational factor out of a root"],
  ["-2^2", "-4", true, "power before sign"],
  ["sqrt(2)^3", "2sqrt(2)", true, "odd power of a root"],
  ["(2+sqrt(3))(2-sqrt(3))", "1", true, "conjugates"],
  ["0.1x+0.2x", "0.3x", false, "doubles"],
  [
    "sqrt(10000000000000000000000000000000000000000000078^2)",
    "10000000000000000000000000000000000000000000078",
    true,
    "a square beyond doubles",
  ],
  [
    "sqrt(10000000000000000000000000000000000000000000078^2+1)",
    "10000000000000000000000000000000000000000000078",
    false,
    "and its neighbour",
  ],
  ["sqrt(2003)sqrt(2011)", "sqrt(4028033)", true, "large primes under one root and two"],
  ["sqrt(2003)sqrt(2011)", "sqrt(4028034)", false, "and its neighbour"],
  ["sqrt(2003)+sqrt(2011)", "sqrt(4028033)", false, "a sum is no product"],
  ["sqrt(1000000016000000063)/sqrt(1000000007)", "sqrt(1000000009)", true, "a quotient of large roots"],
  ["sqrt(2003/2011)", "sqrt(2003)/sqrt(2011)", true, "the root of a quotient"],
  ["sqrt(8068150099)+1", "2003sqrt(2011)+1", true, "the square of a large prime out of a root"],
  ["sqrt(8036054027)", "2003sqrt(2003)", true, "and its cube"],
  ["(sqrt(2003)+sqrt(2011))^2", "4014+2sqrt(4028033)", true, "a square with large roots"],
  ["ln(2003)+ln(2011)", "ln(4028033)", true, "logarithms of large primes"],
  ["1/x+1/y", "(x+y)/(x*y)", true, "common denominator"],
  ["mu(2)", "2mu", true, "a Greek letter's name is one symbol"],
  ["x_1", "x_1+0", true, "an index"],
  ["oo", "o*o", false, "oo is infinity there"],
  ["a.b", "ab", false, "not an expression"],
  ["2j", "2*j", false, "2j is imaginary there"],
  ["7//2", "3", false, "not an expression here; floor division there"],
];

describe("isZero", () => {
  it.each(TABLE)("of %s minus %s is %s: %s", (left, right, equal) => {
    expect(isZero(`(${left})-(${right})`)).toMatchObject({ zero: equal });
  });

  it("gives the reason when it cannot tell", () => {
    expect(isZero("(1").reason).toBe("not comparable: ) expected");
    expect(isZero("x/(1-1)").reason).toBe("not comparable: division by zero");
    expect(isZero("2**9999").reason).toBe("not comparable: exponent too large");
    expect(isZero("").zero).toBe(false);
  });
});
