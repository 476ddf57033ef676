import { describe, expect, it } from "vitest";
import type {
  Benchmark,
  BenchmarkRow,
  Judge,
  Outcome,
  RuleSet,
  ScoreMode,
} from "../../../benchmarks/records.js";
import { FAILED_TEXT } from "../../../benchmarks/scoring/choices.js";
import { JUDGE_PROMPTS } from "../../../benchmarks/scoring/judgePrompts.js";
import { plainPrediction } from "../../../benchmarks/scoring/predictionFile.js";
import { NOT_REPRODUCED, QUIRKS } from "../../../benchmarks/scoring/quirks.js";
import { scoreMode } from "../../../benchmarks/scoring/score.js";
import { BENCHMARK } from "../../../benchmarks/suites/registry.js";

const { MathVista, MMStar, MMMU, MathVerse, MathVision } = BENCHMARK;

interface Case {
  readonly benchmark: Benchmark;
  readonly cells: Record<string, string>;
  readonly response: string;
  readonly rules?: RuleSet;
  readonly failed?: true;
  readonly compatible: Outcome;
  readonly fixed: Outcome;
}

const animals = { question: "Which?", A: "dog", B: "cat", C: "goat", D: "hare" };
const free = { question: "?", question_type: "free_form", choices: "[]", task: "t", skills: "[]" };

const CASES: Record<string, readonly Case[]> = {
  "reasoning-is-read": [
    {
      benchmark: MMStar,
      cells: { ...animals, answer: "B" },
      response: "<think>C and D are no pets.</think> \\boxed{B}",
      compatible: "unparsed",
      fixed: "correct",
    },
  ],
  "letter-in-word": [
    {
      benchmark: MMStar,
      cells: { ...animals, answer: "A" },
      response: "the answer is about 5",
      compatible: "correct",
      fixed: "unparsed",
    },
    {
      benchmark: MMStar,
      cells: { ...animals, answer: "A" },
      response: "the answer is about 5",
      rules: "2025-08",
      compatible: "unparsed",
      fixed: "unparsed",
    },
  ],
  "article-is-letter": [
    {
      benchmark: MMStar,
      cells: { ...animals, answer: "B" },
      response: "A pet is shown: B",
      rules: "2025-05",
      compatible: "unparsed",
      fixed: "correct",
    },
  ],
  "letter-in-signs": [
    {
      benchmark: MMStar,
      cells: { ...animals, answer: "B" },
      response: "It must be $B$",
      compatible: "unparsed",
      fixed: "correct",
    },
  ],
  "text-in-word": [
    {
      benchmark: MMStar,
      cells: { ...animals, answer: "B" },
      response: "a category",
      compatible: "correct",
      fixed: "unparsed",
    },
    {
      // "{parrot}" holds an a and none of b, c, d, e.
      benchmark: MathVision,
      cells: { question: "?", choices: "['A', 'B', 'C', 'D', 'E']", answer: "A", category: "c" },
      response: "{parrot}",
      compatible: "correct",
      fixed: "unparsed",
    },
  ],
  "failure-is-answer": [
    {
      benchmark: MMStar,
      cells: { question: "?", A: "one or more of them", B: "answer", answer: "B" },
      response: `${FAILED_TEXT}.`,
      failed: true,
      compatible: "correct",
      fixed: "failed",
    },
  ],
  "lost-option": [
    {
      benchmark: MMMU,
      cells: { question: "?", A: "a circle", B: "a square", C: "a cross", answer: "D", split: "validation" },
      response: "D",
      compatible: "unparsed",
      fixed: "correct",
    },
  ],
  "open-answer-is-substring": [
    {
      benchmark: MMMU,
      cells: { question: "?", answer: "9", split: "validation" },
      response: "19",
      compatible: "correct",
      fixed: "wrong",
    },
  ],
  "open-gold-letter": [
    {
      benchmark: MMMU,
      cells: { question: "?", answer: "C", split: "validation" },
      response: "C",
      compatible: "wrong", // "c" is option A's text; gold is "C"
      fixed: "correct",
    },
  ],
  "zero-is-nothing": [
    {
      benchmark: MathVista,
      cells: { ...free, answer_type: "integer", answer: "0" },
      response: "0",
      compatible: "unparsed",
      fixed: "correct",
    },
  ],
  "integer-without-point": [
    {
      benchmark: MathVista,
      cells: { ...free, answer_type: "integer", answer: "5" },
      response: "5.0",
      compatible: "wrong",
      fixed: "correct",
    },
  ],
  "precision-ignored": [
    {
      benchmark: MathVista,
      cells: { ...free, answer_type: "float", answer: "0.3", precision: "1.0" },
      response: "0.33",
      compatible: "wrong",
      fixed: "correct",
    },
  ],
  "lists-are-wrong": [
    {
      benchmark: MathVista,
      cells: { ...free, answer_type: "list", answer: "[2007, 2008]" },
      response: "[2007, 2008]",
      compatible: "wrong",
      fixed: "correct",
    },
  ],
  "a-equals-anything": [
    {
      benchmark: MathVision,
      cells: { question: "?", choices: "[]", answer: "5", category: "c" },
      response: "A",
      compatible: "correct",
      fixed: "wrong",
    },
  ],
  "no-roots": [
    {
      benchmark: MathVision,
      cells: { question: "?", choices: "[]", answer: "\\sqrt{3}", category: "c" },
      response: "sqrt(3)",
      compatible: "wrong",
      fixed: "correct",
    },
    {
      benchmark: MathVision,
      cells: { question: "?", choices: "[]", answer: "\\frac{x+1}{2}, 3", category: "c" },
      response: "\\boxed{3, (x+1)/2}",
      compatible: "unparsed",
      fixed: "correct",
    },
  ],
};

function row(cells: Record<string, string>): BenchmarkRow {
  return { index: "1", cells, images: [] };
}

async function outcome(one: Case, mode: ScoreMode): Promise<Outcome | undefined> {
  const report = await scoreMode(
    {
      benchmark: one.benchmark,
      dataset: { name: "T", url: "", split: "" },
      rows: [row(one.cells)],
      predictions: [
        {
          ...plainPrediction("T", "1", one.response),
          status: one.failed ? "failed" : "finished",
        },
      ],
    },
    { rules: one.rules ?? "2026-08", mode },
  );
  return report.verdicts[0]?.outcome;
}

describe("quirks", () => {
  const byJudge = ["null-is-nan"];

  it("each have a case", () => {
    expect([...Object.keys(CASES), ...byJudge].sort()).toEqual(QUIRKS.map(({ id }) => id).sort());
  });

  it("have ids of their own", () => {
    const ids = [...QUIRKS, ...NOT_REPRODUCED].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  for (const [id, cases] of Object.entries(CASES)) {
    it.each(cases)(`${id}: $response is $compatible by compatible, $fixed by fixed rules`, async (one) => {
      expect(await outcome(one, "compatible")).toBe(one.compatible);
      expect(await outcome(one, "fixed")).toBe(one.fixed);
    });
  }

  it.each([
    ["compatible", "nan"],
    ["fixed", "null"],
  ] as const)("null-is-nan: %s shows the judge %s", async (mode, shown) => {
    const asked: string[] = [];
    const judge: Judge = {
      name: "script",
      prompts: {
        ...JUDGE_PROMPTS,
        mathVerseExtract: "extract {prediction}",
        mathVerseScore: "score {extracted}",
      },
      ask: async (prompt) => {
        asked.push(prompt);
        return prompt.startsWith("extract") ? "null" : "0";
      },
    };
    const cells = { question: "?", question_type: "free-form", answer: "7", problem_version: "Vision Only" };
    const verdict = await MathVerse.grade(row(cells), "I cannot say what it might be.", {
      rules: "2026-08",
      mode,
      judge,
    });
    expect(asked).toEqual(["extract I cannot say what it might be.", `score ${shown}`]);
    expect(verdict).toEqual({ outcome: "wrong", extracted: "null", rule: "judge" });
  });
});
