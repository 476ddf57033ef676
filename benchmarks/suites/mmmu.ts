/**
 * @module MMMU: questions of 30 college subjects, most with options, some open. Papers report the validation split.
 *
 * VLMEvalKit makes a two-option question of an open one: A is the gold text, B "Other Answers". Where the gold is
 * itself one capital letter it takes that letter for the gold option, so that such a row can hardly be right.
 * `fixed` compares an open answer with the gold text. The test split's answers are not published: it is made into a
 * file for the benchmark's server.
 */

import { parsePythonStrings } from "../../src/core/pythonLiteral.js";
import { gradeMath } from "../../src/reward/math/gradeMath.js";
import { DATASETS } from "../data/catalogue.js";
import { interleavedPrompt, optionsOf } from "../prompts/choice.js";
import type { Benchmark, BenchmarkRow, GradeSettings, Verdict } from "../records.js";
import { type ChoiceRules, type Choices, readChoice } from "../scoring/choices.js";
import { type ChoiceQuestion, gradeChoice } from "../scoring/multipleChoice.js";
import { sameValue } from "../scoring/numbers.js";
import { RULE, readFreeForm, shortResponse } from "../scoring/reading.js";
import { choiceTable } from "../scoring/tables.js";
import { cellOf, decided } from "../scoring/verdict.js";

const OTHER = "Other Answers";

function isOpen({ cells }: BenchmarkRow): boolean {
  return cells["A"] === undefined;
}

/** An open question as two options. */
function openAsChoice(row: BenchmarkRow): ChoiceQuestion {
  const gold = cellOf(row, "answer");
  const choices: Choices = new Map([
    ["A", gold],
    ["B", OTHER],
  ]);
  return { row, choices, gold: /^[A-Z]$/.test(gold) ? gold : "A" };
}

/** The options of a row; `fixed` brings back the one that was lost because its text is a word for "missing". */
function choiceQuestion(row: BenchmarkRow, { mode }: GradeSettings): ChoiceQuestion {
  const gold = cellOf(row, "answer");
  const options = optionsOf(row);
  const isLost = mode === "fixed" && !options.some(([letter]) => letter === gold);
  return { row, choices: new Map(isLost ? [...options, [gold, "None"]] : options), gold };
}

/** The texts that count as right: the gold text, or each element where it is a Python list. */
function goldTexts(gold: string): readonly string[] {
  return (gold.startsWith("[") ? parsePythonStrings(gold) : undefined) ?? [gold];
}

function isSame(answer: string, gold: string): boolean {
  if (sameValue(answer, gold)) return true;
  return answer.trim().toLowerCase() === gold.trim().toLowerCase() || gradeMath(answer, gold).correct;
}

async function gradeOpen(row: BenchmarkRow, response: string, settings: GradeSettings): Promise<Verdict> {
  if (settings.mode === "compatible") {
    const verdict = await gradeChoice(response, openAsChoice(row), settings);
    const short = verdict.outcome === "unparsed" && !settings.judge ? shortResponse(response) : undefined;
    return short ? decided({ text: short.text, rule: RULE.otherAnswer }, false) : verdict;
  }
  const texts = goldTexts(cellOf(row, "answer"));
  const reading = readFreeForm(response);
  if (reading) {
    const isCorrect = texts.some((gold) => isSame(reading.text, gold));
    return decided(reading, isCorrect);
  }
  return gradeChoice(response, { ...openAsChoice(row), gold: "A" }, settings);
}

/** The option's letter or the open answer; the whole response where `compatible` sends it, nothing where none is read. */
function submitted(row: BenchmarkRow, response: string, settings: ChoiceRules): string {
  if (!isOpen(row)) return readChoice(response, new Map(optionsOf(row)), settings)?.text ?? "";
  return settings.mode === "compatible" ? response : (readFreeForm(response)?.text ?? "");
}

export const mmmu: Benchmark = {
  name: "MMMU",
  datasets: DATASETS.MMMU,
  columns: ["question", "answer"],
  prompt: interleavedPrompt,
  grade: (row, response, settings) =>
    isOpen(row)
      ? gradeOpen(row, response, settings)
      : gradeChoice(response, choiceQuestion(row, settings), settings),
  submitted,
  // In this file `l2-category` is the subject and `category` the domain.
  tables: (graded) => [choiceTable(graded, "MMMU")],
  cluster: ({ index, cells }) => cells["id"] ?? index,
  isReported: ({ cells }) => cells["split"] === "validation",
};
