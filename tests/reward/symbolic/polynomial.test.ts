import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  add,
  atomic,
  coefficients,
  constant,
  constantOf,
  multiply,
  nameOf,
  negate,
  type Polynomial,
  ratioOf,
  scale,
} from "../../../src/reward/symbolic/polynomial.js";
import { rational } from "../../../src/reward/symbolic/scalar.js";

const budget = () => ({ products: 100_000 });
const letter = (name: string) => atomic({ name });
const number = (top: number, bottom = 1) => constant(rational(BigInt(top), BigInt(bottom)));
const [x, y] = [letter("x"), letter("y")];
const rootTwo = atomic({ name: "√2", square: number(2) });
/** √(x+1): its square is a polynomial. */
const rootOfSum = atomic({ name: "√(x+1)", square: add(x, number(1)) });

function product(...factors: readonly Polynomial[]): Polynomial {
  return factors.reduce((left, right) => multiply(left, right, budget()), number(1));
}

function sum(...terms: readonly Polynomial[]): Polynomial {
  return terms.reduce(add, number(0));
}

/** Small polynomials in x, y, √2 and √(x+1). */
const polynomials = fc
  .array(
    fc.record({
      size: fc.integer({ min: -4, max: 4 }),
      atoms: fc.array(fc.constantFrom(x, y, rootTwo, rootOfSum), { maxLength: 3 }),
    }),
    { maxLength: 4 },
  )
  .map((terms) => sum(...terms.map(({ size, atoms }) => product(number(size), ...atoms))));

const SETTINGS = { numRuns: 200, seed: 3 };

describe("polynomials", () => {
  it("are a commutative ring, with relations among their atoms", () => {
    fc.assert(
      fc.property(polynomials, polynomials, polynomials, (a, b, c) => {
        expect(nameOf(add(a, b))).toBe(nameOf(add(b, a)));
        expect(nameOf(product(a, b))).toBe(nameOf(product(b, a)));
        expect(nameOf(add(add(a, b), c))).toBe(nameOf(add(a, add(b, c))));
        expect(nameOf(product(product(a, b), c))).toBe(nameOf(product(a, product(b, c))));
        expect(nameOf(product(a, add(b, c)))).toBe(nameOf(add(product(a, b), product(a, c))));
        expect(add(a, negate(a)).size).toBe(0);
        expect(nameOf(product(a, number(1)))).toBe(nameOf(a));
        expect(product(a, number(0)).size).toBe(0);
      }),
      SETTINGS,
    );
  });

  it("multiply out by hand", () => {
    // (x + y)(x − y) = x² − y²
    expect(nameOf(product(sum(x, y), sum(x, negate(y))))).toBe("1/1*x^2+-1/1*y^2");
    // (1 + √2)² = 3 + 2√2
    expect(nameOf(product(sum(number(1), rootTwo), sum(number(1), rootTwo)))).toBe("3/1*+2/1*√2^1");
    // √(x+1)³ = (x+1)·√(x+1)
    expect(nameOf(product(rootOfSum, rootOfSum, rootOfSum))).toBe("1/1*x^1·√(x+1)^1+1/1*√(x+1)^1");
    // √(x+1)⁴ = x² + 2x + 1
    expect(nameOf(product(rootOfSum, rootOfSum, rootOfSum, rootOfSum))).toBe("1/1*+2/1*x^1+1/1*x^2");
  });

  it("leave their operands alone", () => {
    const [a, b] = [sum(x, number(1)), sum(x, number(2))];
    const before = [nameOf(a), nameOf(b)];
    add(a, b);
    product(a, b);
    scale(a, rational(5n));
    expect([nameOf(a), nameOf(b)]).toEqual(before);
  });

  it("have one name in whatever order they were put together", () => {
    expect(nameOf(sum(x, y, number(3)))).toBe(nameOf(sum(number(3), y, x)));
    expect(nameOf(product(y, x))).toBe(nameOf(product(x, y)));
    expect(nameOf(sum(x, y))).not.toBe(nameOf(product(x, y)));
    expect(nameOf(constant(0.5))).not.toBe(nameOf(number(1, 2)));
  });
});

describe("constantOf", () => {
  it("is the number of a polynomial without atoms, and null with one", () => {
    expect(constantOf(number(0))).toEqual(rational(0n));
    expect(constantOf(number(3, 4))).toEqual(rational(3n, 4n));
    expect(constantOf(constant(0.5))).toBe(0.5);
    expect(constantOf(sum(x, negate(x), number(7)))).toEqual(rational(7n));
    for (const polynomial of [x, sum(x, number(1)), rootTwo]) expect(constantOf(polynomial)).toBe(null);
  });

  it("sees √2·√2", () => {
    expect(constantOf(product(rootTwo, rootTwo))).toEqual(rational(2n));
  });
});

describe("scale", () => {
  it("multiplies every coefficient, and by 0 leaves nothing", () => {
    expect(coefficients(scale(sum(x, number(2, 3)), rational(3n)))).toEqual([rational(3n), rational(2n)]);
    expect(scale(sum(x, y), rational(0n)).size).toBe(0);
    expect(coefficients(scale(x, 0.5))).toEqual([0.5]);
  });
});

describe("ratioOf", () => {
  it("finds the number between two polynomials", () => {
    fc.assert(
      fc.property(
        polynomials,
        fc.integer({ min: -9, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        (a, top, bottom) => {
          if (a.size === 0 || top === 0) return;
          const ratio = rational(BigInt(top), BigInt(bottom));
          expect(ratioOf(scale(a, ratio), a)).toEqual(ratio);
          expect(ratioOf(add(scale(a, ratio), letter("z")), a)).toBe(null);
        },
      ),
      SETTINGS,
    );
  });

  it("is null for other terms and for other proportions", () => {
    expect(ratioOf(x, y)).toBe(null);
    expect(ratioOf(sum(x, y), sum(x, negate(y)))).toBe(null);
    expect(ratioOf(sum(scale(x, rational(2n)), scale(y, rational(3n))), sum(x, y))).toBe(null);
    expect(ratioOf(x, sum(x, y))).toBe(null);
  });
});

describe("bounds on polynomials", () => {
  it("count one product per pair of terms, those of relations too", () => {
    const count = (a: Polynomial, b: Polynomial) => {
      const left = { products: 1000 };
      multiply(a, b, left);
      return 1000 - left.products;
    };
    expect(count(sum(x, y), sum(x, y, number(1)))).toBe(6);
    // √2·√2: one pair, then 1 times the square's one term.
    expect(count(rootTwo, rootTwo)).toBe(2);
    expect(count(number(0), sum(x, y))).toBe(0);
  });

  it("refuse more than 300 terms, and take 300", () => {
    const letters = (count: number) => sum(...Array.from({ length: count }, (_, at) => letter(`x${at}`)));
    expect(letters(300).size).toBe(300);
    expect(() => letters(301)).toThrow("too many terms");
  });

  it("refuse work beyond the budget", () => {
    expect(() => multiply(sum(x, y), sum(x, y), { products: 3 })).toThrow("too much work");
  });
});
