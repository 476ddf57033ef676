/**
 * @module Grades questions with lettered options (MMStar, MMMU, AI2D): rules, then the judge, then, if asked for, a
 * guess. The first that finds a letter decides, right or wrong.
 */
import { Rng } from "../../src/core/rng.js";
import { isChinese, optionsOf } from "../prompts/choice.js";
import type { BenchmarkRow, GradeSettings, Judge, Verdict } from "../records.js";
import { type Choices, NO_OPTION, readChoice } from "./choices.js";
import { ASK_FOR_CHOICE, askJudge } from "./judge.js";
import { fillPrompt } from "./judgePrompts.js";
import { markedAnswer, RULE } from "./reading.js";
import { cellOf, decided, unparsed } from "./verdict.js";

export interface ChoiceQuestion {
  readonly row: BenchmarkRow;
  readonly choices: Choices;
  /** The letter that counts. */
  readonly gold: string;
}

function judgePrompt(judge: Judge, { row, choices }: ChoiceQuestion, response: string): string {
  const question = row.cells["question"] ?? "";
  const options = [...choices].map(([letter, text]) => `${letter}. ${text}\n`).join("");
  const name = isChinese(question) ? "choiceChinese" : "choice";
  return fillPrompt(judge.prompts[name], {
    question,
    options: `There are several options: \n${options}`,
    prediction: response,
  });
}

/** Uniform among the letters and `Z`, fixed by seed and index. */
function guess({ row, choices }: ChoiceQuestion, seed: number): string {
  return Rng.fromSeed(seed)
    .split("guess", row.index)
    .pick([...choices.keys(), NO_OPTION]);
}

/** Grades a row by its option columns and the letter in `answer`. */
export function gradeOptions(row: BenchmarkRow, response: string, settings: GradeSettings): Promise<Verdict> {
  const question = { row, choices: new Map(optionsOf(row)), gold: cellOf(row, "answer") };
  return gradeChoice(response, question, settings);
}

export async function gradeChoice(
  response: string,
  question: ChoiceQuestion,
  settings: GradeSettings,
): Promise<Verdict> {
  const { choices, gold } = question;
  const { judge, guessSeed } = settings;
  const reading = readChoice(response, choices, settings);
  if (reading) return decided(reading, reading.text === gold);
  if (judge) {
    const letter = await askJudge(judge, judgePrompt(judge, question, response), ASK_FOR_CHOICE, (reply) =>
      readChoice(reply, choices, settings),
    );
    if (letter) return decided({ text: letter.text, rule: RULE.judge }, letter.text === gold);
  }
  if (guessSeed !== undefined) {
    const letter = guess(question, guessSeed);
    return decided({ text: letter, rule: RULE.guess }, letter === gold);
  }
  // An answer that is none of the options is an answer.
  const marked = settings.mode === "fixed" && !judge ? markedAnswer(response) : undefined;
  return marked ? decided(marked, false) : unparsed(judge ? RULE.judgeFailed : RULE.none);
}
