/**
 * @module Random expressions, and an evaluator of their own for the tests to hold exact arithmetic against.
 */
import fc from "fast-check";
import type { Expression } from "../../../src/reward/symbolic/expression.js";

/** top/bottom, not reduced; bottom is never 0. */
export interface Ratio {
  readonly top: bigint;
  readonly bottom: bigint;
}

/** A quotient that does not exist. */
export class NoValue extends Error {}

function ratioPower({ top, bottom }: Ratio, power: bigint): Ratio {
  if (power >= 0n) return { top: top ** power, bottom: bottom ** power };
  if (top === 0n) throw new NoValue("0 to a negative power");
  return { top: bottom ** -power, bottom: top ** -power };
}

/** The value by school arithmetic on unreduced fractions. @throws NoValue for a division by zero */
export function ratioOf(expression: Expression, values: Readonly<Record<string, Ratio>> = {}): Ratio {
  const of = (part: Expression) => ratioOf(part, values);
  switch (expression.kind) {
    case "integer":
      return { top: expression.value, bottom: 1n };
    case "fraction":
      return { top: expression.top, bottom: expression.bottom };
    case "name":
      return values[expression.name] as Ratio;
    case "negate": {
      const { top, bottom } = of(expression.argument);
      return { top: -top, bottom };
    }
    case "+":
    case "-": {
      const [a, b] = [of(expression.left), of(expression.right)];
      const other = expression.kind === "+" ? b.top : -b.top;
      return { top: a.top * b.bottom + other * a.bottom, bottom: a.bottom * b.bottom };
    }
    case "*": {
      const [a, b] = [of(expression.left), of(expression.right)];
      return { top: a.top * b.top, bottom: a.bottom * b.bottom };
    }
    case "/": {
      const [a, b] = [of(expression.left), of(expression.right)];
      if (b.top === 0n) throw new NoValue("division by zero");
      return { top: a.top * b.bottom, bottom: a.bottom * b.top };
    }
    case "**": {
      const exponent = of(expression.right);
      return ratioPower(of(expression.left), exponent.top / exponent.bottom);
    }
    default:
      throw new Error(`${expression.kind}: not for rational trees`);
  }
}

export function integer(value: number | bigint): Expression {
  return { kind: "integer", value: BigInt(value) };
}

export function name(letter: string): Expression {
  return { kind: "name", name: letter };
}

export function binary(kind: "+" | "-" | "*" | "/" | "**", left: Expression, right: Expression): Expression {
  return { kind, left, right };
}

/** Sums, products, quotients and small whole powers of integers, fractions and the given letters. */
export function rationalTrees(letters: readonly string[]): fc.Arbitrary<Expression> {
  const leaves: fc.Arbitrary<Expression>[] = [
    fc.integer({ min: -9, max: 9 }).map(integer),
    fc
      .tuple(fc.integer({ min: -9, max: 9 }), fc.integer({ min: 1, max: 9 }))
      .map(([top, bottom]) => ({ kind: "fraction", top: BigInt(top), bottom: BigInt(bottom) })),
    ...(letters.length > 0 ? [fc.constantFrom(...letters).map(name)] : []),
  ];
  return fc.letrec<{ tree: Expression }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4, depthSize: "small" },
      fc.oneof(...leaves),
      fc
        .tuple(
          fc.constantFrom("+" as const, "-" as const, "*" as const, "/" as const),
          tie("tree"),
          tie("tree"),
        )
        .map(([kind, left, right]) => binary(kind, left, right)),
      tie("tree").map((argument): Expression => ({ kind: "negate", argument })),
      fc
        .tuple(tie("tree"), fc.integer({ min: -2, max: 3 }))
        .map(([left, power]) => binary("**", left, integer(power))),
    ),
  })).tree;
}
