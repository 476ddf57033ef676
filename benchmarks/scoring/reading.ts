/**
 * @module What a rule reads out of a response, and the part of a response that holds its answer.
 */
import { extractBoxed } from "../../src/reward/boxed.js";

/** The rules by the names that verdicts carry. */
export const RULE = {
  optionLetter: "option letter",
  optionText: "option text",
  answerPhrase: "answer phrase",
  refusal: "refusal",
  number: "number",
  equalAnswer: "equal answer",
  boxed: "boxed answer",
  answerTag: "answer tag",
  onlyNumber: "only number",
  wholeResponse: "whole response",
  otherAnswer: "another answer",
  judge: "judge",
  judgeFailed: "judge gave no answer",
  guess: "guess",
  failed: "no response",
  none: "no rule",
} as const;
export type RuleName = (typeof RULE)[keyof typeof RULE];

/** An answer and the rule that found it. */
export interface Reading {
  readonly text: string;
  readonly rule: RuleName;
}

const THINK_END = "</think>";

/** What follows the reasoning; everything when there is none. */
export function afterThinking(response: string): string {
  const end = response.lastIndexOf(THINK_END);
  return end < 0 ? response : response.slice(end + THINK_END.length);
}

/**
 * VLMEvalKit's optional `post_process`: what the last `\boxed{` holds, spaces kept; to the end where it is not closed.
 * Without a box the response is cut at its first closing brace too many.
 */
export function postProcess(response: string): string {
  const opening = "\\boxed{";
  const start = response.lastIndexOf(opening);
  const rest = start < 0 ? response : response.slice(start + opening.length);
  if (rest === "") return response;
  let depth = 1;
  for (let at = 0; at < rest.length; at++) {
    if (rest[at] === "{") depth++;
    else if (rest[at] === "}" && --depth === 0) return rest.slice(0, at);
  }
  return rest;
}

const ANSWER_TAG = "<answer>";

function readAnswerTag(response: string): Reading | undefined {
  const start = response.lastIndexOf(ANSWER_TAG);
  if (start < 0) return undefined;
  const rest = response.slice(start + ANSWER_TAG.length);
  const end = rest.indexOf("</answer>");
  const text = (end < 0 ? rest : rest.slice(0, end)).trim();
  return text === "" ? undefined : { text, rule: RULE.answerTag };
}

/** The answer that a response marks as such: its last box or answer tag; undefined when it marks none. */
export function markedAnswer(response: string): Reading | undefined {
  const boxed = extractBoxed(response);
  if (boxed.kind === "answer") {
    return boxed.text === "" ? undefined : { text: boxed.text, rule: RULE.boxed };
  }
  return readAnswerTag(response);
}

/** "the answer is …": what follows is the answer, up to the end of its sentence; the last one counts. */
const ANSWER_PHRASE = /\banswer\b[^\S\n]*(?:is\b|are\b|:|=)[^\S\n]*:?/giu;
/** White space, Markdown, TeX dollars and full stops around an answer. */
const AROUND = /^[\s*_$`"'“”]+|[\s*_$`"'“”.]+$/g;

function readPhrase(text: string): Reading | undefined {
  const last = [...text.matchAll(ANSWER_PHRASE)].at(-1);
  if (!last) return undefined;
  const [line = ""] = text.slice(last.index + last[0].length).split("\n", 1);
  const [sentence = ""] = line.split(/[.!?;](?=\s|$)/);
  const answer = sentence.replaceAll(AROUND, "");
  return answer === "" ? undefined : { text: answer, rule: RULE.answerPhrase };
}

/** A response of one line with at most so many words is its own answer. */
const FEW_WORDS = 5;

/** A short response as its own answer. */
export function shortResponse(response: string): Reading | undefined {
  const text = response.trim();
  if (text === "" || text.includes("\n") || text.split(/\s+/).length > FEW_WORDS) return undefined;
  return { text: text.replaceAll(AROUND, "") || text, rule: RULE.wholeResponse };
}

/**
 * The free-form answer of a response: marked, or after "answer is", or the response itself when it is short. What
 * stands before `</think>` is reasoning and is looked at for a box only.
 */
export function readFreeForm(response: string): Reading | undefined {
  const answer = afterThinking(response);
  return markedAnswer(response) ?? readPhrase(answer) ?? shortResponse(answer);
}
