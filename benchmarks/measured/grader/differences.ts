/**
 * @module Where the `math` grader decides otherwise than `mathruler`, on the reference's own test pairs, and why.
 */

/** A reason, the verdict of `math`, and the pairs it concerns: given, truth. */
export interface Difference {
  readonly why: string;
  readonly correct: boolean;
  readonly pairs: readonly (readonly [given: string, truth: string])[];
}

const r = String.raw;

export const DIFFERENCES: readonly Difference[] = [
  {
    why: "values are compared, not the way they are written",
    correct: true,
    pairs: [
      [r`\frac{2}{4}`, r`\frac{1}{2}`],
      ["2/4", "1/2"],
      ["4/2", "2"],
      ["2", "4/2"],
      [r`\sqrt{4}`, "2"],
      ["2*3", "6"],
      [r`3\cdot 4`, "12"],
      ["3-2", "1"],
      ["5!", "120"],
      [r`2 \times 10^5`, "200000"],
      ["2^{10}", "1024"],
      ["2^10", "1024"],
      ["x^10+1", "1+x^10"],
      ["5 million", "5000000"],
      ["2 trillion", "2000000000000"],
    ],
  },
  {
    why: "any number of letters, and functions, are read",
    correct: true,
    pairs: [
      ["a+b+c", "c+b+a"],
      [r`\sin x`, "sin(x)"],
      [r`\log 2`, "log(2)"],
      ["|x|", "abs(x)"],
      [r`\sqrt[3]{8}`, "2"],
    ],
  },
  {
    why: "a fraction keeps its numerator and denominator together",
    correct: true,
    pairs: [
      [r`\frac{x+1}{2}`, "(x+1)/2"],
      [r`\frac{1}{x+1}`, "1/(x+1)"],
    ],
  },
  {
    why: "a fraction keeps its numerator and denominator together",
    correct: false,
    pairs: [[r`\frac{x+1}{2}`, "x+1/2"]],
  },
  {
    why: "decimals are exact; ten significant digits and more are a machine's rounding",
    correct: true,
    pairs: [
      ["3*0.1", "0.3"],
      ["0.1+0.2", "0.3"],
      ["1/3", "0.3333333333"],
      ["sqrt(2)/2", "0.7071067811865476"],
    ],
  },
  { why: "seven digits are meant as written", correct: false, pairs: [["0.9999999", "1"]] },
  {
    why: "solutions, sets and unions have no order",
    correct: true,
    pairs: [
      ["2,1", "1,2"],
      ["5 or 6", "6 or 5"],
      [r`\{1,2\}`, r`\{2,1\}`],
      [r`(-\infty,1)\cup(2,\infty)`, r`(2,\infty)\cup(-\infty,1)`],
    ],
  },
  {
    why: "units, percent and degree signs are understood, in Unicode too",
    correct: true,
    pairs: [
      ["60°", "60"],
      ["3 km", "3"],
      ["50%", "0.5"],
      ["≈5", "5"],
      ["−5", "-5"],
    ],
  },
  {
    why: "a choice is its letter, with or without full stop and option text",
    correct: true,
    pairs: [
      ["A.", "A"],
      ["A: 5", "A"],
      ["A, C", "AC"],
    ],
  },
  {
    why: "a name before the equals sign may have any length; equations have two sides",
    correct: true,
    pairs: [
      ["abc=5", "5"],
      ["x=2", "2=x"],
    ],
  },
  {
    why: "an angle may be named without its sign; a ratio of two is a fraction",
    correct: true,
    pairs: [
      [r`\angle ABC`, "ABC"],
      ["3:4", "3/4"],
    ],
  },
  { why: "two numbers side by side are no sum", correct: false, pairs: [["1 2", "2+1"]] },
  { why: "a unit's name inside a word is no unit", correct: false, pairs: [["Monday", "mon"]] },
];
