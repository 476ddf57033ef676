/**
 * @module MathVerse: 788 problems, each in five versions that move what is said from the text into the picture.
 *
 * VLMEvalKit always asks a judge: first to extract the answer, then, unless its text is the gold text, whether the two
 * mean the same. `compatible` does so. Without a judge there is nothing to be compatible with: rules read the answer
 * and compare it in both modes. `fixed` with a judge asks it only where rules find no answer or no equality.
 */

import { parsePythonLiteral } from "../../src/core/pythonLiteral.js";
import { gradeMath } from "../../src/reward/math/gradeMath.js";
import { DATASETS } from "../data/catalogue.js";
import { isMissing } from "../data/cells.js";
import { questionPrompt } from "../prompts/choice.js";
import type {
  Benchmark,
  BenchmarkRow,
  GradedRow,
  GradeSettings,
  Judge,
  ScoreTable,
  Verdict,
} from "../records.js";
import { type Choices, readChoice } from "../scoring/choices.js";
import { ASK_FOR_ANSWER, askJudge } from "../scoring/judge.js";
import { fillPrompt } from "../scoring/judgePrompts.js";
import { sameValue } from "../scoring/numbers.js";
import { strip } from "../scoring/python.js";
import { type Reading, RULE, readFreeForm } from "../scoring/reading.js";
import { splitTable } from "../scoring/tables.js";
import { cellOf, decided, unparsed } from "../scoring/verdict.js";

/** From most said in words to nothing said. */
export const VERSIONS = [
  "Text Dominant",
  "Text Lite",
  "Vision Intensive",
  "Vision Dominant",
  "Vision Only",
] as const;

/** Options as the question lists them: `A:130°`. */
function choicesOf(row: BenchmarkRow): Choices {
  const words = row.cells["question_for_eval"] ?? row.cells["question"] ?? "";
  const listed = words.slice(words.lastIndexOf("Choices:"));
  return new Map(
    [...listed.matchAll(/^\s*\(?([A-Z])\)?\s*[:.)]\s*(.*\S)/gmu)].map(
      ({ 1: letter = "", 2: text = "" }): [string, string] => [letter, text],
    ),
  );
}

/** The answer by rules; options are read as letters. */
function readAnswer(row: BenchmarkRow, response: string, settings: GradeSettings): Reading | undefined {
  if (row.cells["question_type"] !== "multi-choice") return readFreeForm(response);
  return readChoice(response, choicesOf(row), { ...settings, mode: "fixed" }) ?? readFreeForm(response);
}

function isEqual(row: BenchmarkRow, answer: string): boolean {
  const gold = cellOf(row, "answer");
  if (strip(answer) === strip(gold)) return true;
  if (row.cells["question_type"] === "multi-choice") return false;
  return sameValue(answer, gold) ?? gradeMath(answer, gold).correct;
}

async function extract(judge: Judge, response: string): Promise<string | undefined> {
  const prompt = fillPrompt(judge.prompts.mathVerseExtract, { prediction: response });
  return askJudge(judge, prompt, ASK_FOR_ANSWER, (reply) => reply);
}

/** Whether the judge finds that two answers mean the same; what is neither 0 nor 1 is asked again, then false. */
async function judgedEqual(judge: Judge, row: BenchmarkRow, extracted: string): Promise<boolean> {
  const prompt = fillPrompt(judge.prompts.mathVerseScore, {
    question: row.cells["question_for_eval"] ?? row.cells["question"] ?? "",
    answer: cellOf(row, "answer"),
    extracted,
  });
  const score = await askJudge(judge, prompt, ASK_FOR_ANSWER, (reply) => {
    const text = strip(reply);
    return text === "0" || text === "1" ? text : undefined;
  });
  return score === "1";
}

/** The reference writes extracts to a table and reads them back: a word for "missing" comes back as `nan`. */
function rereadFromTable(extracted: string, { mode }: GradeSettings): string {
  return mode === "compatible" && isMissing(extracted) ? "nan" : extracted;
}

async function gradeByJudge(
  row: BenchmarkRow,
  response: string,
  settings: GradeSettings & { readonly judge: Judge },
): Promise<Verdict> {
  const { judge, mode } = settings;
  const reply = await extract(judge, response);
  if (reply === undefined || strip(reply) === "") return unparsed(RULE.judgeFailed);
  const extracted = rereadFromTable(reply, settings);
  const isSame =
    strip(extracted) === strip(cellOf(row, "answer")) || (mode === "fixed" && isEqual(row, extracted));
  return decided({ text: reply, rule: RULE.judge }, isSame || (await judgedEqual(judge, row, extracted)));
}

async function grade(row: BenchmarkRow, response: string, settings: GradeSettings): Promise<Verdict> {
  const { judge, mode } = settings;
  if (judge && mode === "compatible") return gradeByJudge(row, response, { ...settings, judge });
  const reading = readAnswer(row, response, settings);
  if (!reading) return judge ? gradeByJudge(row, response, { ...settings, judge }) : unparsed();
  if (isEqual(row, reading.text)) return decided(reading, true);
  if (!judge) return decided(reading, false);
  return decided({ text: reading.text, rule: RULE.judge }, await judgedEqual(judge, row, reading.text));
}

/** A value of the `metadata` cell, a Python dict; the reference breaks at an apostrophe in it. */
function metadata(key: string): (row: BenchmarkRow) => string | undefined {
  return ({ cells }) => {
    const parsed = parsePythonLiteral(cells["metadata"] ?? "{}");
    const value = "value" in parsed ? new Map(Object.entries(parsed.value ?? {})).get(key) : undefined;
    return typeof value === "string" ? value : undefined;
  };
}

/** The mean over the versions: what papers call "MathVerse". Only where all five are there. */
function meanOfVersions({ rows }: ScoreTable): readonly ScoreTable[] {
  if (rows.length !== VERSIONS.length) return [];
  const total = rows.reduce((sum, row) => sum + Number(row[1]), 0);
  return [
    { title: "MathVerse, mean of the five versions", columns: ["Overall"], rows: [[total / rows.length]] },
  ];
}

function tables(graded: readonly GradedRow[]): readonly ScoreTable[] {
  const byVersion = splitTable(graded, {
    title: "MathVerse",
    split: ({ cells }) => cells["problem_version"],
    splitOrder: VERSIONS,
    groups: [metadata("subject"), metadata("subfield")],
    scale: 100,
  });
  return [byVersion, ...meanOfVersions(byVersion)];
}

export const mathVerse: Benchmark = {
  name: "MathVerse",
  datasets: DATASETS.MathVerse,
  columns: ["question", "question_for_eval", "answer", "question_type", "problem_version", "metadata"],
  prompt: (row, form, dataset) => questionPrompt(row, form, dataset.questionColumn),
  grade,
  tables,
  cluster: ({ index, cells }) => cells["problem_index"] ?? index,
  isReported: () => true,
};
