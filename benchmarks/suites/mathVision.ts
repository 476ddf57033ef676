/**
 * @module MathVision: 3,040 competition problems of 16 subjects; half of them have options.
 *
 * VLMEvalKit compares the option letter or the answer as text, as Python expression and through a LaTeX reader
 * (`scoring/pythonEqual.ts`). `fixed` also knows roots, π, units, and expressions written another way.
 */

import { parsePythonStrings } from "../../src/core/pythonLiteral.js";
import { gradeMath } from "../../src/reward/math/gradeMath.js";
import { DATASETS } from "../data/catalogue.js";
import { questionPrompt } from "../prompts/choice.js";
import type { Benchmark, BenchmarkRow, GradeSettings } from "../records.js";
import { type Choices, lettered, readChoice } from "../scoring/choices.js";
import { type Comparison, gradeMathQuestion } from "../scoring/mathQuestion.js";
import { numberOf, sameValue } from "../scoring/numbers.js";
import { strip } from "../scoring/python.js";
import { pythonEqual } from "../scoring/pythonEqual.js";
import { RULE, readFreeForm } from "../scoring/reading.js";
import { countTable } from "../scoring/tables.js";
import { cellOf } from "../scoring/verdict.js";

/** What Python shows where no letter was found; it is compared as a text. */
const NOTHING_FOUND = "False";

function compareChoices(choices: Choices, gold: string, settings: GradeSettings): Comparison {
  return {
    read: (response) => readChoice(response, choices, settings),
    isCorrect: (answer) =>
      pythonEqual(readChoice(answer, choices, settings)?.text ?? NOTHING_FOUND, gold, settings),
    isAnswer: () => false,
  };
}

function compareAsPython(gold: string, settings: GradeSettings): Comparison {
  const isCorrect = (answer: string) => pythonEqual(answer, gold, settings);
  return {
    read: (response) =>
      response !== "" && isCorrect(response) ? { text: strip(response), rule: RULE.equalAnswer } : undefined,
    isCorrect,
    isAnswer: (text) => numberOf(text) !== undefined || !/\s/.test(text),
  };
}

function compareByValue(gold: string, settings: GradeSettings): Comparison {
  return {
    read: readFreeForm,
    isCorrect: (answer) =>
      sameValue(answer, gold) === true ||
      pythonEqual(answer, gold, settings) ||
      gradeMath(answer, gold).correct,
    isAnswer: () => true,
  };
}

function comparison(row: BenchmarkRow, settings: GradeSettings): Comparison {
  const gold = cellOf(row, "answer");
  const choices = parsePythonStrings(row.cells["choices"] ?? "[]") ?? [];
  if (choices.length > 0) return compareChoices(lettered(choices), gold, settings);
  return settings.mode === "fixed" ? compareByValue(gold, settings) : compareAsPython(gold, settings);
}

export const mathVision: Benchmark = {
  name: "MathVision",
  datasets: DATASETS.MathVision,
  columns: ["question", "choices", "answer", "category"],
  prompt: (row, form, dataset) => questionPrompt(row, form, dataset.questionColumn),
  grade: (row, response, settings) =>
    gradeMathQuestion(
      response,
      { question: row.cells["question"] ?? "", promptName: "mathVision", ...comparison(row, settings) },
      settings,
    ),
  tables: (graded) => [
    countTable(graded, {
      title: "MathVision",
      of: "Subject",
      groupsOf: ({ cells }) => (cells["category"] === undefined ? [] : [cells["category"]]),
      order: "sorted",
    }),
  ],
  cluster: ({ index }) => index,
  isReported: () => true,
};
