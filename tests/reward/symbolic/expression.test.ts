import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lettersOf, substitute } from "../../../src/reward/symbolic/expression.js";
import { parseExpression } from "../../../src/reward/symbolic/parse.js";
import { integer, NoValue, name, rationalTrees, ratioOf } from "./trees.js";

describe("lettersOf", () => {
  it.each([
    ["1+2", []],
    ["x", ["x"]],
    ["x+x", ["x"]],
    ["z*y*x", ["x", "y", "z"]],
    ["pi*r**2", ["r"]],
    ["sqrt(a)+ln(b)", ["a", "b"]],
    ["-n!", ["n"]],
    ["2**k/m", ["k", "m"]],
  ])("of %s are %o", (text, letters) => {
    expect(lettersOf(parseExpression(text))).toEqual(letters);
  });

  it("of a root are its radicand's", () => {
    expect(lettersOf({ kind: "root", index: 3, argument: name("q") })).toEqual(["q"]);
  });
});

describe("substitute", () => {
  it("puts an expression where the letter stands, everywhere and nowhere else", () => {
    const changed = substitute(parseExpression("x+sqrt(x*y)-x!/2**x"), "x", parseExpression("a+1"));
    expect(changed).toEqual(parseExpression("(a+1)+sqrt((a+1)*y)-(a+1)!/2**(a+1)"));
  });

  it("leaves an expression without the letter as it is", () => {
    const expression = parseExpression("y**2-ln(z)");
    expect(substitute(expression, "x", integer(1))).toEqual(expression);
  });

  it("does not go on into what it put in", () => {
    expect(substitute(parseExpression("x*y"), "x", parseExpression("x+1"))).toEqual(
      parseExpression("(x+1)*y"),
    );
  });

  it("is evaluation, one letter earlier", () => {
    const point = fc.integer({ min: -20, max: 20 });
    fc.assert(
      fc.property(rationalTrees(["x", "y"]), point, point, (tree, x, y) => {
        const at = (value: number) => ({ top: BigInt(value), bottom: 1n });
        try {
          const direct = ratioOf(tree, { x: at(x), y: at(y) });
          const stepwise = ratioOf(substitute(tree, "x", integer(x)), { y: at(y) });
          expect(stepwise).toEqual(direct);
          expect(lettersOf(substitute(tree, "x", integer(x)))).not.toContain("x");
        } catch (error) {
          if (!(error instanceof NoValue)) throw error;
        }
      }),
      { numRuns: 200, seed: 4 },
    );
  });
});
