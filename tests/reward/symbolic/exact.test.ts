import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Evaluation,
  evaluate,
  newEvaluation,
  type Quotient,
  rationalOf,
} from "../../../src/reward/symbolic/exact.js";
import type { Expression, FunctionName } from "../../../src/reward/symbolic/expression.js";
import { parseExpression } from "../../../src/reward/symbolic/parse.js";
import { nameOf, type Polynomial } from "../../../src/reward/symbolic/polynomial.js";
import { UnsupportedExpression } from "../../../src/reward/symbolic/unsupported.js";
import { binary, integer, NoValue, name, type Ratio, rationalTrees, ratioOf } from "./trees.js";

const evaluation = (products = 20_000): Evaluation => newEvaluation(products);

function of(text: string, run = evaluation()): Quotient {
  return evaluate(parseExpression(text), run);
}

/** "3/2*x^1" for a quotient whose denominator is 1. */
function shown(text: string): string {
  const { top, bottom } = of(text);
  return nameOf(bottom) === "1/1*" ? nameOf(top) : `${nameOf(top)} ÷ ${nameOf(bottom)}`;
}

/** Value of a polynomial in letters at a point. */
function polynomialAt(polynomial: Polynomial, values: Readonly<Record<string, Ratio>>): Ratio {
  let sum: Ratio = { top: 0n, bottom: 1n };
  for (const { coefficient, factors } of polynomial.values()) {
    if (typeof coefficient === "number") throw new Error("a double in exact arithmetic");
    let { top, bottom } = coefficient;
    for (const [atom, power] of factors) {
      const value = values[atom.name] as Ratio;
      top *= value.top ** BigInt(power);
      bottom *= value.bottom ** BigInt(power);
    }
    sum = { top: sum.top * bottom + top * sum.bottom, bottom: sum.bottom * bottom };
  }
  return sum;
}

/** Whether a/b = c/d. */
function areEqual(a: Ratio, b: Ratio): boolean {
  return a.top * b.bottom === b.top * a.bottom;
}

/** Evaluates both ways; null where there is no value, or too much work. */
function both<Result>(exactly: () => Result, plainly: () => Ratio): [Result, Ratio] | null {
  try {
    return [exactly(), plainly()];
  } catch (error) {
    if (error instanceof UnsupportedExpression || error instanceof NoValue) return null;
    throw error;
  }
}

const SETTINGS = { numRuns: 400, seed: 5 };

describe("evaluate on numbers", () => {
  it("agrees with school arithmetic on unreduced fractions", () => {
    let compared = 0;
    fc.assert(
      fc.property(rationalTrees([]), (tree) => {
        const pair = both(
          () => rationalOf(evaluate(tree, evaluation())),
          () => ratioOf(tree),
        );
        if (!pair) return;
        const [exact, plain] = pair;
        if (exact === null) throw new Error("a tree of numbers is a number");
        expect(areEqual(exact, plain)).toBe(true);
        compared++;
      }),
      SETTINGS,
    );
    expect(compared).toBeGreaterThan(SETTINGS.numRuns / 2);
  });

  it("finds no value exactly where school arithmetic divides by zero", () => {
    fc.assert(
      fc.property(rationalTrees([]), (tree) => {
        const isUndefined =
          both(
            () => null,
            () => ratioOf(tree),
          ) === null;
        if (isUndefined) expect(() => evaluate(tree, evaluation())).toThrow(/division by zero|too large/);
      }),
      SETTINGS,
    );
  });
});

describe("evaluate on letters", () => {
  const points = fc.tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: 1, max: 50 }));

  it("is the same function as the expression, at random points", () => {
    let compared = 0;
    fc.assert(
      fc.property(rationalTrees(["x", "y"]), points, points, (tree, [a, b], [c, d]) => {
        const values = {
          x: { top: BigInt(a), bottom: BigInt(b) },
          y: { top: BigInt(c), bottom: BigInt(d) },
        };
        const pair = both(
          () => evaluate(tree, evaluation()),
          () => ratioOf(tree, values),
        );
        if (!pair) return;
        const [{ top, bottom }, plain] = pair;
        const [up, down] = [polynomialAt(top, values), polynomialAt(bottom, values)];
        // Where the expression has a value, its denominator is not 0 there.
        expect(down.top).not.toBe(0n);
        expect(areEqual({ top: up.top * down.bottom, bottom: up.bottom * down.top }, plain)).toBe(true);
        compared++;
      }),
      SETTINGS,
    );
    expect(compared).toBeGreaterThan(SETTINGS.numRuns / 2);
  });

  it("lets every expression vanish beside itself, and none beside itself plus one", () => {
    fc.assert(
      fc.property(rationalTrees(["x", "y"]), (tree) => {
        const twice = (other: Expression) =>
          both(
            () => evaluate(binary("-", tree, other), evaluation()).top.size,
            () => ({ top: 0n, bottom: 1n }),
          );
        const same = twice(tree);
        const more = twice(binary("+", tree, integer(1)));
        if (same) expect(same[0]).toBe(0);
        if (more) expect(more[0]).toBeGreaterThan(0);
      }),
      SETTINGS,
    );
  });
});

describe("evaluate on roots and logarithms", () => {
  it.each([
    ["sqrt(12)", "2/1*√3^1", "4·3"],
    ["sqrt(49)", "7/1*", "a square"],
    ["sqrt(3/4)", "1/2*√3^1", "√3 / 2"],
    ["sqrt(1/2)", "1/2*√2^1", "√2 / 2, not 1/√2"],
    ["sqrt(6)", "1/1*√2^1·√3^1", "√2·√3"],
    ["sqrt(2)*sqrt(3)-sqrt(6)", "", "the same atoms"],
    ["sqrt(0)", "", "0"],
    ["sqrt(-4)", "2/1*√-1^1", "2i"],
    ["sqrt(-1)^2", "-1/1*", "i² = −1"],
    ["sqrt(-2)*sqrt(-3)", "-1/1*√2^1·√3^1", "i²·√6, not √6"],
    ["(1+sqrt(2))^3", "7/1*+5/1*√2^1", "1 + 3√2 + 6 + 2√2"],
    ["1/sqrt(2)", "1/1* ÷ 1/1*√2^1", "kept as a quotient"],
    ["sqrt(4*x)", "2/1*√(1/1*x^1)^1", "the number comes out"],
    ["sqrt(x)^2", "1/1*x^1", "(√x)² = x"],
    ["2**(3/2)", "2/1*√2^1", "√2³ = 2√2"],
    ["4**(-1/2)", "1/2*", "1/√4"],
    ["ln(8)", "3/1*ln 2^1", "3·ln 2"],
    ["ln(6)-ln(2)-ln(3)", "", "ln 6 = ln 2 + ln 3"],
    ["ln(9/2)", "-1/1*ln 2^1+2/1*ln 3^1", "2·ln 3 − ln 2"],
    ["ln(1)", "", "0"],
    ["0!", "1/1*", "the empty product"],
    ["5!", "120/1*", "2·3·4·5"],
    ["7!!", "105/1*", "7·5·3"],
    ["8!!", "384/1*", "8·6·4·2"],
    ["0!!", "1/1*", "the empty product"],
    ["(3!)!", "720/1*", "6!"],
    ["10!!*9!!-10!", "", "n!!·(n−1)!! = n!"],
    ["x**0", "1/1*", "the empty product"],
    ["x**-2", "1/1* ÷ 1/1*x^2", "1/x²"],
    ["(-1)**1001", "-1/1*", "odd"],
    ["(-1)**1000", "1/1*", "even"],
    ["0**5", "", "0"],
  ])("of %s is %s: %s", (text, expected) => {
    expect(shown(text)).toBe(expected);
  });

  const call = (name: FunctionName, argument: Expression): Expression => ({ kind: "call", name, argument });
  const fraction = (top: number, bottom: number) => binary("/", integer(top), integer(bottom));
  const root = (index: number, argument: Expression): Expression => ({ kind: "root", index, argument });

  it.each<[string, Expression, string]>([
    ["⌊7/2⌋ = 3", call("floor", fraction(7, 2)), "3/1*"],
    ["⌊−7/2⌋ = −4", call("floor", fraction(-7, 2)), "-4/1*"],
    ["⌊−4⌋ = −4", call("floor", integer(-4)), "-4/1*"],
    ["⌈7/2⌉ = 4", call("ceil", fraction(7, 2)), "4/1*"],
    ["⌈−7/2⌉ = −3", call("ceil", fraction(-7, 2)), "-3/1*"],
    ["⌈4⌉ = 4", call("ceil", integer(4)), "4/1*"],
    ["|−7/2| = 7/2", call("abs", fraction(-7, 2)), "7/2*"],
    ["|0| = 0", call("abs", integer(0)), ""],
    ["∛27 = 3", root(3, integer(27)), "3/1*"],
    ["∛−8 = −2", root(3, integer(-8)), "-2/1*"],
    ["∛(8/27) = 2/3", root(3, fraction(8, 27)), "2/3*"],
    ["∛10³⁰⁰ = 10¹⁰⁰", root(3, integer(10n ** 300n)), `${10n ** 100n}/1*`],
    ["⁴√16 = 2", root(4, integer(16)), "2/1*"],
    ["⁵√0 = 0", root(5, integer(0)), ""],
  ])("%s", (_, expression, expected) => {
    const run = evaluation();
    expect(nameOf(evaluate(expression, run).top)).toBe(expected);
    expect(run.opaque).toBe(false);
  });

  it.each<[string, Expression]>([
    ["∛2", root(3, integer(2))],
    ["⁴√−16, which is no real number", root(4, integer(-16))],
    ["sin 1", call("sin", integer(1))],
    ["|x|", call("abs", name("x"))],
    ["√(x+1)", call("sqrt", binary("+", name("x"), integer(1)))],
    ["ln x", call("ln", name("x"))],
    ["ln −2", call("ln", integer(-2))],
    ["2^x", binary("**", integer(2), name("x"))],
    ["x^(1/3)", binary("**", name("x"), fraction(1, 3))],
    ["x!", call("!", name("x"))],
  ])("says of %s that its structure is hidden", (_, expression) => {
    const run = evaluation();
    evaluate(expression, run);
    expect(run).toMatchObject({ opaque: true, decimal: false });
  });

  it("says that a decimal was used", () => {
    const run = evaluation();
    of("0.5*x", run);
    expect(run).toMatchObject({ opaque: false, decimal: true });
  });

  it("squares to the radicand, whatever the number", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n }),
        fc.bigInt({ min: 1n, max: 10n ** 6n }),
        (top, bottom) => {
          const value = binary("/", integer(top), integer(bottom));
          const square = binary("**", call("sqrt", value), integer(2));
          expect(evaluate(binary("-", square, value), evaluation()).top.size).toBe(0);
        },
      ),
      { numRuns: 100, seed: 9 },
    );
  });
});

describe("evaluate within bounds", () => {
  it.each([
    ["1/0", "division by zero"],
    ["x/(x-x)", "division by zero"],
    ["0**-1", "division by zero"],
    ["ln(0)", "logarithm of zero"],
    ["(-3)!", "factorial of something else than a small integer"],
    ["(1/2)!", "factorial of something else than a small integer"],
    ["61!", "factorial of something else than a small integer"],
    ["2**1001", "exponent too large"],
    ["99**151", "number too large"],
    ["100**151", "exponent too large"],
    ["x**65", "exponent too large"],
    ["x**-65", "exponent too large"],
  ])("refuses %s: %s", (text, message) => {
    expect(() => of(text)).toThrow(new UnsupportedExpression(message));
  });

  it("takes the largest powers and factorials that it promises", () => {
    expect(rationalOf(of("2**996"))).toEqual({ top: 2n ** 996n, bottom: 1n });
    expect(rationalOf(of("100**150"))).toEqual({ top: 10n ** 300n, bottom: 1n });
    expect(rationalOf(of("60!/59!"))).toEqual({ top: 60n, bottom: 1n });
    expect(nameOf(of("x**64").top)).toBe("1/1*x^64");
    expect(rationalOf(of("(1/2)**-3"))).toEqual({ top: 8n, bottom: 1n });
  });

  it("counts products of terms down, and stops at none left", () => {
    const run = evaluation(9);
    of("(x+y+1)*(x-y+2)", run);
    expect(run.products).toBe(0);
    expect(() => of("(x+y+1)*(x-y+2)", evaluation(8))).toThrow(new UnsupportedExpression("too much work"));
  });

  it("is no rational number where letters or doubles are", () => {
    expect(rationalOf(of("x"))).toBe(null);
    expect(rationalOf(of("0.5"))).toBe(null);
    expect(rationalOf(of("1/x"))).toBe(null);
    expect(rationalOf(of("x-x"))).toEqual({ top: 0n, bottom: 1n });
  });
});
