import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Answer } from "../../../src/reward/math/answer.js";
import { compareAnswers } from "../../../src/reward/math/compareAnswers.js";
import { newAllowance } from "../../../src/reward/math/equalExpressions.js";
import { readAnswer } from "../../../src/reward/math/readAnswer.js";
import { tokensOf } from "../../../src/reward/math/tokens.js";

const r = String.raw;
const read = (text: string): Answer => readAnswer(tokensOf(text));
const compare = (a: string, b: string) => compareAnswers(read(a), read(b), newAllowance());

/** Two answers and why they agree, or do not. */
const REASONS: readonly (readonly [a: string, b: string, correct: boolean, reason: string])[] = [
  ["2/4", "0.5", true, "equal values"],
  ["2/4", "0.6", false, "different values"],
  ["50%", "50", true, "equal without the percent sign"],
  ["50%", "0.5", true, "equal, percent written out"],
  ["50%", "5", false, "different values"],
  ["30°", "30", true, "equal without the degrees sign"],
  ["180°", r`\pi`, true, "equal, degrees written out"],
  [r`\sin 30°`, "1/2", true, "equal values"],
  ["X+1", "x+1", true, "equal, letters in other case"],
  ["X+x", "x+X", true, "equal values"],
  ["X+x", "2x", false, "different values"],
  ["5 m", "500 cm", true, "equal values"],
  ["5 m", "5 cm", false, "different values"],
  ["5 m", "5 kg", false, "different units"],
  ["5 m", "5", true, "equal values, one without unit"],
  ["4 h", "4h", true, "equal values"],
  ["3 t", "3", false, "different values"],
  [r`3\text{ t}`, "3", true, "equal values, one without unit"],
  ["(1,2)", "(1,3)", false, "element 2: different values"],
  ["(1,2)", "(2,1)", false, "element 1: different values"],
  ["(1,2)", "(1,2,3)", false, "2 elements against 3"],
  ["(1,2)", "[1,2]", false, "different brackets"],
  ["(1,2)", "(1,2]", false, "different brackets"],
  ["1, 2", "2, 1", true, "the same answers"],
  ["1, 2", "1, 3", false, "an answer without its counterpart"],
  ["1, 2", "1, 2, 3", false, "2 answers against 3"],
  ["1, 1", "1", true, "equal values"],
  [r`\{1,1,2\}`, r`\{2,1\}`, true, "the same answers"],
  ["2, 2, 5", "2, 5", true, "the same answers"],
  ["A, C", "AC", true, "the same choices"],
  ["A, C", "AD", false, "different choices"],
  ["A", "a", true, "the same choice"],
  ["A", "B", false, "different choices"],
  ["A. 5", "5", true, "equal values"],
  ["A. 5", "A", true, "the same choice"],
  ["A. 5", "6", false, "different values"],
  ["x=5", "5", true, "equal values"],
  ["x=5", "y=5", false, "different relations"],
  ["x=5", "X=5", true, "equal values"],
  ["2x=10", "x=5", true, "equivalent relations"],
  ["-x<-1", "x>1", true, "equal, element by element"],
  ["x+y=1", "2x+2y=2", true, "equivalent relations"],
  ["x+y=1", "-x-y=-1", true, "equivalent relations"],
  ["x+y=1", "x+y=2", false, "different relations"],
  ["x<y", "-x>-y", true, "equivalent relations"],
  ["x<y", "x>y", false, "different relations"],
  ["x<y", r`x\le y`, false, "different relations"],
  [r`x\ne4`, r`4\ne x`, true, "equivalent relations"],
  ["3+4=7", "7", true, "equal values"],
  ["3+4=8", "8", false, "relation against value"],
  ["2:4", "1:2", true, "equal ratios"],
  ["2:4:6", "1:2:3", true, "equal ratios"],
  ["1:2", "2:1", false, "different ratios"],
  ["1:2", "1:2:3", false, "ratios of different length"],
  ["1:2", "0.5", true, "equal values"],
  ["12:30", "12:30 pm", true, "the same time"],
  ["12:30", "12:31", false, "different times"],
  ["12:30", "24:60", true, "equal ratios"],
  [r`\begin{pmatrix}1\\2\end{pmatrix}`, "(1,2)", true, "equal, element by element"],
  [r`\begin{pmatrix}1&2\\3&4\end{pmatrix}`, "(1,2,3,4)", false, "a matrix against a tuple"],
  [r`\begin{pmatrix}1&2\end{pmatrix}`, r`\begin{pmatrix}1\\2\end{pmatrix}`, false, "different shapes"],
  ["x=2, y=5", "(2,5)", true, "equal, element by element"],
  ["x=2, y=5", "(5,2)", false, "element 1: different values"],
  ["red", "Red", true, "the same words"],
  ["red", "blue", false, "different words"],
  ["xy", "yx", true, "the same factors"],
  ["on", "no", false, "different words"],
  ["∠ABC", "ABC", true, "the same name"],
  ["∠ABC", "△ABC", false, "different words"],
  ["red", "5", false, "text against value"],
  [r`\sum x`, "5", false, r`text (cannot read \sum) against value`],
  ["", "", false, "nothing to compare"],
];

describe("compareAnswers", () => {
  it.each(REASONS)("of %s and %s: %s, %s", (a, b, correct, reason) => {
    expect(compare(a, b)).toEqual({ correct, reason });
  });

  it.each(REASONS)("of %s and %s is the same the other way round: %s", (a, b, correct) => {
    expect(compare(b, a).correct).toBe(correct);
  });

  it("pairs unordered answers up one to one", () => {
    const numbers = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 5 });
    const sorted = (list: readonly number[]) => [...list].sort().join();
    fc.assert(
      fc.property(numbers, numbers, (a, b) => {
        fc.pre(a.length === b.length);
        const isSame = sorted(a) === sorted(b);
        expect([a, b, compare(a.join(" ; "), b.join(" ; ")).correct]).toEqual([a, b, isSame]);
        const isSameSet = sorted([...new Set(a)]) === sorted([...new Set(b)]);
        const asSet = (list: readonly number[]) => `\\{${list.join(" ; ")}\\}`;
        expect([a, b, compare(asSet(a), asSet(b)).correct]).toEqual([a, b, isSameSet]);
      }),
      { numRuns: 200, seed: 21 },
    );
  });

  it("is an equivalence on quantities of length: reflexive, symmetric, transitive by their metres", () => {
    const lengths = fc.record({
      count: fc.integer({ min: 1, max: 3 }),
      unit: fc.constantFrom<readonly [string, number]>(["mm", 1], ["cm", 10], ["dm", 100], ["m", 1000]),
      zeros: fc.integer({ min: 0, max: 3 }),
    });
    fc.assert(
      fc.property(lengths, lengths, (a, b) => {
        const text = ({ count, zeros, unit }: typeof a) => `${count}${"0".repeat(zeros)} ${unit[0]}`;
        const millimetres = ({ count, zeros, unit }: typeof a) => count * 10 ** zeros * unit[1];
        const isSame = millimetres(a) === millimetres(b);
        expect([text(a), text(b), compare(text(a), text(b)).correct]).toEqual([text(a), text(b), isSame]);
      }),
      { numRuns: 300, seed: 22 },
    );
  });

  it("stops where the allowance is used up", () => {
    const [a, b] = [read(r`\sqrt2+1`), read("2")];
    expect(() => compareAnswers(a, b, { products: 3000, comparisons: 0 })).toThrow("too many comparisons");
    expect(() => compareAnswers(read("(x+1)(x+2)"), read("x"), { products: 1, comparisons: 5 })).toThrow(
      "too much work",
    );
  });

  it("pays for each comparison once", () => {
    const allowance = newAllowance();
    compareAnswers(read(r`\sqrt2, \sqrt3`), read(r`\sqrt3, \sqrt2`), allowance);
    // √2 against √3 and √2, then √3 against √3.
    expect(newAllowance().comparisons - allowance.comparisons).toBe(3);
  });
});
