/**
 * @module MathVista: figures, charts and word problems; 540 of 1,000 questions have options.
 *
 * VLMEvalKit compares exactly: integers by Python's `int()`, so `5.0` is no 5; floats without regard to the asked
 * precision; lists with the word `None`, so that they are always wrong; and a right 0 counts as "nothing found".
 * `fixed` compares values at the asked precision, and lists element by element.
 */

import { parsePythonLiteral, parsePythonStrings } from "../../src/core/pythonLiteral.js";
import { zip } from "../../src/core/zip.js";
import { gradeMath } from "../../src/reward/math/gradeMath.js";
import { DATASETS } from "../data/catalogue.js";
import { questionPrompt } from "../prompts/choice.js";
import type { Benchmark, BenchmarkRow, GradeSettings } from "../records.js";
import { type Choices, lettered, readChoice } from "../scoring/choices.js";
import { type Comparison, gradeMathQuestion } from "../scoring/mathQuestion.js";
import { numberOf, onlyNumber, sameNumber, sameValue } from "../scoring/numbers.js";
import { pythonFloat, pythonInt, strip } from "../scoring/python.js";
import { afterThinking, type Reading, RULE, readFreeForm } from "../scoring/reading.js";
import { countTable } from "../scoring/tables.js";
import { cellOf } from "../scoring/verdict.js";

function choicesOf(row: BenchmarkRow): Choices {
  return lettered(parsePythonStrings(cellOf(row, "choices")) ?? []);
}

function compareChoices(row: BenchmarkRow, settings: GradeSettings): Comparison {
  const choices = choicesOf(row);
  const gold = cellOf(row, "answer_option");
  return {
    read: (response) => readChoice(response, choices, settings),
    isCorrect: (answer) => readChoice(answer, choices, settings)?.text === gold,
    isAnswer: () => false,
  };
}

/** The number types as Python compares them; a list equals nothing. */
function compareAsPython(row: BenchmarkRow): Comparison {
  const gold = cellOf(row, "answer");
  const parse = { integer: pythonInt, float: pythonFloat }[cellOf(row, "answer_type")];
  const truth = parse?.(gold);
  const isCorrect = (answer: string) => truth !== undefined && parse?.(answer) === truth;
  return {
    read: (response) =>
      isCorrect(response) && Number(truth) !== 0 ? { text: strip(response), rule: RULE.number } : undefined,
    isCorrect,
    isAnswer: (text) => parse === undefined || numberOf(text) !== undefined,
  };
}

/** Numbers in brackets of any kind, or with commas alone. */
function listOf(text: string): readonly number[] | undefined {
  const bare = text.replaceAll(/\\?\$|\\left|\\right/g, "").trim();
  const parsed = parsePythonLiteral(/^[[(]/.test(bare) ? bare : `[${bare}]`);
  const items = "value" in parsed && Array.isArray(parsed.value) ? parsed.value : [];
  return items.length > 0 && items.every((item) => typeof item === "number") ? items : undefined;
}

function isSameList(answer: string, gold: string): boolean {
  const [given, truth] = [listOf(answer), listOf(gold)];
  if (!given || !truth || given.length !== truth.length) return false;
  return zip(given, truth).every(([one, other]) => sameNumber(one, other));
}

/** By value: at the asked precision, through units and TeX. */
function compareByValue(row: BenchmarkRow): Comparison {
  const gold = cellOf(row, "answer");
  const type = cellOf(row, "answer_type");
  const precision = type === "float" ? Number(row.cells["precision"]) : Number.NaN;
  const places = Number.isNaN(precision) ? undefined : precision;
  const isNumeric = type === "integer" || type === "float";
  const readNumber = (response: string): Reading | undefined => {
    const reading = readFreeForm(response);
    return reading && numberOf(reading.text) !== undefined ? reading : onlyNumber(reading?.text ?? response);
  };
  return {
    read: (response) => (isNumeric ? readNumber(afterThinkingIfMarked(response)) : readFreeForm(response)),
    isCorrect: (answer) =>
      isNumeric
        ? sameValue(answer, gold, places) === true
        : type === "list"
          ? isSameList(answer, gold)
          : gradeMath(answer, gold).correct,
    isAnswer: () => true,
  };
}

/** Numbers of the reasoning are no answers. */
function afterThinkingIfMarked(response: string): string {
  return response.includes("\\boxed{") ? response : afterThinking(response);
}

function comparison(row: BenchmarkRow, settings: GradeSettings): Comparison {
  if (cellOf(row, "question_type") === "multi_choice") return compareChoices(row, settings);
  return settings.mode === "fixed" ? compareByValue(row) : compareAsPython(row);
}

export const mathVista: Benchmark = {
  name: "MathVista",
  datasets: DATASETS.MathVista,
  columns: [
    "question",
    "question_type",
    "answer_type",
    "choices",
    "answer",
    "answer_option",
    "task",
    "skills",
  ],
  prompt: (row, form, dataset) => questionPrompt(row, form, dataset.questionColumn),
  grade: (row, response, settings) =>
    gradeMathQuestion(
      response,
      { question: row.cells["question"] ?? "", promptName: "mathVista", ...comparison(row, settings) },
      settings,
    ),
  tables: (graded) => [
    countTable(graded, {
      title: "MathVista",
      of: "Task&Skill",
      groupsOf: ({ cells }) => [
        ...(parsePythonStrings(cells["skills"] ?? "[]") ?? []),
        ...(cells["task"] === undefined ? [] : [cells["task"]]),
      ],
      order: "appearance",
    }),
  ],
  cluster: ({ index }) => index,
  isReported: () => true,
};
