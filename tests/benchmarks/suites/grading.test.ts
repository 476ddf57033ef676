import { describe, expect, it } from "vitest";
import type { Benchmark, BenchmarkRow, ScoreMode } from "../../../benchmarks/records.js";
import { BENCHMARK } from "../../../benchmarks/suites/registry.js";

const { MathVista, MMMU, MathVerse, MathVision, MMStar, AI2D } = BENCHMARK;

const row = (cells: Readonly<Record<string, string>>): BenchmarkRow => ({ index: "1", cells, images: [] });
const outcome = async (
  benchmark: Benchmark,
  cells: Readonly<Record<string, string>>,
  text: string,
  mode: ScoreMode,
) => (await benchmark.grade(row(cells), text, { rules: "2026-08", mode })).outcome;

type Outcome = "correct" | "wrong" | "unparsed";
/** A response and what both ways of scoring make of it, without a judge. */
type Case = readonly [response: string, fixed: Outcome, compatible: Outcome];

interface Suite {
  readonly name: string;
  readonly benchmark: Benchmark;
  readonly cells: Readonly<Record<string, string>>;
  readonly cases: readonly Case[];
}

const free = { question: "How many?", question_type: "free_form" };

// `compatible`: VLMEvalKit's code of 2026-08, whose rules without a judge read bare answers only (mathvista.py,
// mathv.py, multiple_choice.py). `fixed`: by hand, what a person would say.
const SUITES: readonly Suite[] = [
  {
    name: "MathVista, an integer 14",
    benchmark: MathVista,
    cells: { ...free, answer_type: "integer", answer: "14" },
    cases: [
      ["14", "correct", "correct"],
      ["+14", "correct", "correct"],
      ["0014", "correct", "correct"],
      ["１４", "correct", "correct"],
      ["14.0", "correct", "wrong"],
      ["14 apples", "correct", "wrong"],
      ["14°", "correct", "wrong"],
      ["28/2", "correct", "wrong"],
      ["\\frac{28}{2}", "correct", "wrong"],
      ["\\boxed{14}", "correct", "unparsed"],
      ["\\boxed{14 \\text{ cm}}", "correct", "unparsed"],
      ["\\boxed{x=14}", "correct", "unparsed"],
      ["The answer is 14.", "correct", "unparsed"],
      ["The final answer is: **14**", "correct", "unparsed"],
      ["I count 14 of them.", "correct", "unparsed"],
      ["$14$", "correct", "unparsed"],
      ["<think>12</think> 14", "correct", "unparsed"],
      ["\\boxed{14}. So the answer is 15", "correct", "unparsed"],
      ["<think>14</think> 12", "wrong", "unparsed"],
      ["It has 14 or 15", "wrong", "unparsed"],
      ["fourteen", "wrong", "unparsed"],
      ["15", "wrong", "wrong"],
      ["14 1/2", "wrong", "wrong"],
      ["14.5cm", "wrong", "wrong"],
      ["It is 14.5cm long on the whole", "unparsed", "unparsed"],
    ],
  },
  {
    name: "MathVista, 1.2 at one place",
    benchmark: MathVista,
    cells: { ...free, answer_type: "float", answer: "1.2", precision: "1.0" },
    cases: [
      ["1.2", "correct", "correct"],
      ["1.23", "correct", "wrong"],
      ["6/5", "correct", "wrong"],
      ["1.2 m", "correct", "wrong"],
      ["\\boxed{1.20}", "correct", "unparsed"],
      ["1.26", "wrong", "wrong"],
      ["1", "wrong", "wrong"],
      ["120%", "wrong", "wrong"],
    ],
  },
  {
    name: "MathVista, the list [1, 3]",
    benchmark: MathVista,
    cells: { ...free, answer_type: "list", answer: "[1, 3]" },
    cases: [
      ["[1,3]", "correct", "wrong"],
      ["(1, 3)", "correct", "wrong"],
      ["1, 3", "correct", "wrong"],
      ["[1.0, 3.0]", "correct", "wrong"],
      ["The answer is [1, 3].", "correct", "wrong"],
      ["\\boxed{[1, 3]}", "correct", "unparsed"],
      ["\\boxed{1, 3}", "correct", "unparsed"],
      ["\\boxed{\\left[1, 3\\right]}", "correct", "unparsed"],
      ["[3, 1]", "wrong", "wrong"],
      ["[1, 3, 5]", "wrong", "wrong"],
      ["[]", "wrong", "wrong"],
      ["13", "wrong", "wrong"],
    ],
  },
  {
    name: "MathVista, the word Yes",
    benchmark: MathVista,
    cells: { ...free, answer_type: "text", answer: "Yes" },
    cases: [
      ["Yes", "correct", "wrong"],
      ["yes", "correct", "wrong"],
      ["Yes.", "correct", "wrong"],
      ["\\boxed{Yes}", "correct", "unparsed"],
      ["No", "wrong", "wrong"],
    ],
  },
  {
    name: "MathVista, an option",
    benchmark: MathVista,
    cells: {
      ...{ question: "?", question_type: "multi_choice", answer_type: "text" },
      ...{ choices: "['3', '4 cm', 'No']", answer: "4 cm", answer_option: "B" },
    },
    cases: [
      ["B", "correct", "correct"],
      ["(B)", "correct", "correct"],
      ["4 cm", "correct", "correct"],
      ["B. 4 cm", "correct", "correct"],
      ["\\boxed{4 cm}", "correct", "correct"],
      ["\\boxed{4}", "correct", "unparsed"],
      ["b", "correct", "unparsed"],
      ["A", "wrong", "wrong"],
      ["No", "wrong", "wrong"],
    ],
  },
  {
    name: "MathVerse, 5√2",
    benchmark: MathVerse,
    cells: { question: "?", question_type: "free-form", answer: "5\\sqrt{2}" },
    cases: [
      ["5\\sqrt{2}", "correct", "correct"],
      ["\\boxed{5\\sqrt2}", "correct", "correct"],
      ["\\boxed{\\sqrt{50}}", "correct", "correct"],
      ["5√2", "correct", "correct"],
      ["7.07", "wrong", "wrong"],
      ["5", "wrong", "wrong"],
    ],
  },
  {
    name: "MathVerse, an option of the question",
    benchmark: MathVerse,
    cells: {
      question_for_eval: "How wide?\nChoices:\nA:130°\nB:140°",
      question_type: "multi-choice",
      answer: "B",
    },
    cases: [
      ["B", "correct", "correct"],
      ["140°", "correct", "correct"],
      ["\\boxed{140}", "correct", "correct"],
      ["\\boxed{B:140°}", "correct", "correct"],
      ["A", "wrong", "wrong"],
      ["130", "wrong", "wrong"],
    ],
  },
  {
    name: "MathVision, one half",
    benchmark: MathVision,
    cells: { question: "?", choices: "[]", answer: "\\frac{1}{2}" },
    cases: [
      ["1/2", "correct", "correct"],
      ["0.5", "correct", "correct"],
      ["50%", "correct", "correct"],
      ["\\frac{2}{4}", "correct", "correct"],
      ["\\boxed{\\frac12}", "correct", "unparsed"],
      ["1 1/2", "wrong", "wrong"],
      ["one half", "wrong", "unparsed"],
    ],
  },
  {
    name: "MathVision, an option",
    benchmark: MathVision,
    cells: { question: "?", choices: "['A', 'B', 'C', 'D', 'E']", answer: "C" },
    cases: [
      ["C", "correct", "correct"],
      ["c", "correct", "correct"],
      ["\\boxed{C}", "correct", "correct"],
      ["The answer is C", "correct", "correct"],
      ["D", "wrong", "wrong"],
    ],
  },
  {
    name: "MMMU, an open question with two golds",
    benchmark: MMMU,
    cells: { question: "?", answer: "['24', '24/7']" },
    cases: [
      ["24", "correct", "wrong"],
      ["24 hours", "correct", "wrong"],
      ["\\boxed{24/7}", "correct", "wrong"],
      ["7", "wrong", "wrong"],
    ],
  },
  {
    name: "MMMU, an open question with a word",
    benchmark: MMMU,
    cells: { question: "?", answer: "Delta" },
    cases: [
      ["delta", "correct", "correct"],
      ["\\boxed{Delta}", "correct", "correct"],
      ["Gamma", "wrong", "wrong"],
      // VLMEvalKit makes options of it, of which A is the gold.
      ["A", "wrong", "correct"],
    ],
  },
  ...[MMMU, MMStar, AI2D].map((benchmark) => ({
    name: `${benchmark.name}, an option`,
    benchmark,
    cells: { question: "?", A: "dog", B: "cat", answer: "B" },
    cases: [
      ["B", "correct", "correct"],
      ["cat", "correct", "correct"],
      ["it is a cat", "correct", "correct"],
      ["\\boxed{cat}", "correct", "correct"],
      ["B) cat", "correct", "correct"],
      ["A", "wrong", "wrong"],
      ["dog or cat", "unparsed", "unparsed"],
      ["Neither", "unparsed", "unparsed"],
      ["\\boxed{C}", "wrong", "unparsed"],
    ] as readonly Case[],
  })),
];

describe.each(SUITES)("$name", ({ benchmark, cells, cases }) => {
  it.each(cases)("%j is %s, for VLMEvalKit %s", async (response, fixed, compatible) => {
    expect(await outcome(benchmark, cells, response, "fixed")).toBe(fixed);
    expect(await outcome(benchmark, cells, response, "compatible")).toBe(compatible);
  });

  it("reads nothing in nothing", async () => {
    for (const mode of ["fixed", "compatible"] as const) {
      expect(await outcome(benchmark, cells, "", mode)).not.toBe("correct");
    }
  });
});
