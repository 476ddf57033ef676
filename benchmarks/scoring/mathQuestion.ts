/**
 * @module Grades a mathematics question in VLMEvalKit's three steps (MathVista, MathVision): rules find an answer, or
 * the judge does; then that answer is compared with the gold one.
 */
import type { GradeSettings, Verdict } from "../records.js";
import { ASK_FOR_ANSWER, askJudge } from "./judge.js";
import { fillPrompt, type JudgePromptName } from "./judgePrompts.js";
import { markedAnswer, type Reading, RULE, shortResponse } from "./reading.js";
import { decided, unparsed } from "./verdict.js";

/** How answers to a question are found and compared. */
export interface Comparison {
  /** The answer, where rules are sure of it. */
  read(response: string): Reading | undefined;
  isCorrect(answer: string): boolean;
  /** Whether a short response that no rule took is an answer at all, and so a wrong one. */
  isAnswer(text: string): boolean;
}

export interface MathQuestion extends Comparison {
  readonly question: string;
  readonly promptName: JudgePromptName;
}

export async function gradeMathQuestion(
  response: string,
  question: MathQuestion,
  { judge, mode }: GradeSettings,
): Promise<Verdict> {
  const reading = question.read(response);
  if (reading) return decided(reading, question.isCorrect(reading.text));
  if (judge) {
    const values = { question: question.question, prediction: response };
    const prompt = fillPrompt(judge.prompts[question.promptName], values);
    const reply = await askJudge(judge, prompt, ASK_FOR_ANSWER, (text) => text);
    if (reply === undefined) return unparsed(RULE.judgeFailed);
    return decided({ text: reply, rule: RULE.judge }, question.isCorrect(reply));
  }
  const marked = markedAnswer(response);
  if (marked) return mode === "fixed" ? decided(marked, false) : unparsed();
  const short = shortResponse(response);
  const isWrong = short && !question.isCorrect(short.text) && question.isAnswer(short.text);
  return isWrong ? decided({ text: short.text, rule: RULE.otherAnswer }, false) : unparsed();
}
