import { describe, expect, it } from "vitest";
import { gradeMath } from "../../../src/reward/math/gradeMath.js";

const MANY = 100_000;

function times(text: string, count: number): string {
  return text.repeat(count);
}

const HOSTILE: readonly (readonly [name: string, answer: string])[] = [
  ["nested braces", times("{", MANY)],
  ["nested fractions", times("\\frac{", MANY)],
  ["nested roots", `${times("\\sqrt{", MANY)}2${times("}", MANY)}`],
  ["fewer nested roots", `${times("\\sqrt{", 500)}2${times("}", 500)}`],
  ["roots as deep as are read", `${times("\\sqrt{", 50)}2+x${times("}", 50)}`],
  ["parentheses", `${times("(", 480)}1${times(")", 480)}+x`],
  ["nested sets", `${times("\\{", 300)}1,2${times("\\}", 300)}`],
  ["nested tuples", `${times("(1,", 300)}1${times(")", 300)}`],
  ["signs", `${times("-", 900)}x+1`],
  ["a million digits", times("9", 1_000_000)],
  ["hundreds of digits", `${times("9", 290)}x+${times("7", 290)}/13`],
  ["a tower of powers", "9^{9^{9^{9}}}+x"],
  ["a large power", "(x+y)^{64}"],
  ["a product of sums", times("(x+y+1)", 60)],
  ["a product of roots", Array.from({ length: 60 }, (_, n) => `(1+\\sqrt{${n + 2}})`).join("")],
  ["a power of a sum of roots", "(\\sqrt2+\\sqrt3+\\sqrt5+\\sqrt7+\\sqrt{11}+x)^{30}"],
  ["factorials", `x${times("!", 900)}`],
  ["a large factorial", "99999999!+x"],
  ["a huge exponent", "1e999999"],
  ["a product of huge numbers", "1e299*1e299*1e299"],
  ["commas", times("1,000", 500)],
  ["a long list", Array.from({ length: 800 }, (_, n) => n).join(", ")],
  ["a long list of expressions", Array.from({ length: 300 }, (_, n) => `x+${n}`).join(", ")],
  ["white space", `${times(" ", 3900)}x`],
  ["backslashes", times("\\", 3000)],
  ["words", times("abc ", 900)],
  ["plus or minus", times("±1", 900)],
  ["equations", times("x=", 900)],
  ["alternatives", `${times("x=1 or ", 400)}x=2`],
  ["units", times("5 m ", 600)],
  ["quantities", times("5 h 3 min ", 300)],
  ["ratios", `${times("1:", 900)}1`],
  ["a tall matrix", `\\begin{pmatrix}${times("1&2\\\\", 300)}\\end{pmatrix}`],
  ["functions", `${times("\\sin ", 500)}x`],
  ["a sum of functions", `${times("\\sin x\\cos y+", 200)}1`],
  ["percent signs", `5${times("%", 900)}`],
  ["unions", `${times("(1,2)\\cup", 200)}(3,4)`],
  ["fractions without braces", `${times("\\frac1", 700)}2`],
  ["quotients", `${times("123456789123456789/", 180)}3`],
  ["a sum of quotients", `${times("x/(x+1)+", 200)}1`],
  ["digits of fractions", times("\\frac", 100) + times("1", 3000)],
  ["a root of a fraction beyond doubles", `\\sqrt{\\frac{${times("97", 100)}}{${times("89", 99)}1}}+x`],
];

/** Verdicts take under 50 ms on a quiet core; what is not bounded takes minutes. */
const AT_ONCE_MS = 1000;

/** Processor time of a call in milliseconds, best of three: other processes share the machine. */
function fastest(call: () => unknown): number {
  const elapsed = Array.from({ length: 3 }, () => {
    const start = process.cpuUsage();
    call();
    return process.cpuUsage(start).user / 1000;
  });
  return Math.min(...elapsed);
}

describe("gradeMath on hostile answers", () => {
  it.each(HOSTILE)("gives a verdict at once, not in minutes: %s", (_, answer) => {
    const golds = ["x+1", "\\frac{1}{2}", "1, 2", `${answer.slice(0, 3990)}+1`];
    for (const gold of golds) {
      expect(fastest(() => gradeMath(answer, gold))).toBeLessThan(AT_ONCE_MS);
      expect(fastest(() => gradeMath(gold, answer))).toBeLessThan(AT_ONCE_MS);
    }
  });

  it("says that the work would be too much", () => {
    expect(gradeMath("(x+y)^{64}", "(y+x)^{64}+0")).toMatchObject({
      correct: false,
      reason: "not comparable: too much work",
    });
    expect(gradeMath("9^{9^{9}}", "1").reason).toBe("not comparable: exponent too large");
    expect(gradeMath(times("9", 5000), "9").reason).toBe("longer than 4000 characters");
  });
});

/** Names that every object inherits are words like any others. */
const INHERITED = Object.getOwnPropertyNames(Object.prototype).filter((name) => /^[a-z]+$/i.test(name));

describe.each(INHERITED)("gradeMath on the word %s", (word) => {
  it.each([
    word,
    `the ${word}`,
    `${word}(5)`,
    `7 ${word}`,
    `5 m ${word}`,
    `7 ${word} m`,
    `\\${word}{5}`,
    `x = ${word}`,
    `(${word}, 1)`,
    `A. ${word}`,
  ])("takes %s for itself and for no number", (answer) => {
    expect(gradeMath(answer, answer).correct).toBe(true);
    for (const other of ["5", "5 m", "red", "x = 5", "(1, 1)"]) {
      expect([other, gradeMath(answer, other).correct]).toEqual([other, false]);
      expect([other, gradeMath(other, answer).correct]).toEqual([other, false]);
    }
  });
});
