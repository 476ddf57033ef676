/**
 * @module Reads the answer out of a response that need not box it: the last boxes, else what it calls its answer, else
 * the last formula or number of the last sentence that has one. Never part of a reward unless a setting asks for it:
 * who trains on it pays for prose.
 */
import type { Extracted } from "../../records.js";
import { readAnswer } from "../math/readAnswer.js";
import { tokensOf } from "../math/tokens.js";
import { lastBoxes } from "./boxes.js";
import { type Piece, type Sentence, sentencesOf } from "./formulas.js";

/** Marks of chat templates: what follows is another turn. */
const TURN = /<\|(?:im_start|im_end|end|eot_id|endoftext|user)\|>/;
/** "The answer is", "Final Answer:", "答案是". */
const STATEMENT =
  /\b(?:final\s+)?answers?\b(?:\s+(?:is|are|would be|should be)\b|\s*\**\s*[:=：])\s*\**:?|答案(?:是|为|：|:)/gi;
/** Longer texts are no answer as they stand. */
const LONGEST_ANSWER = 200;
/** How much of a response's end is looked at where it has neither a box nor a statement. */
const LONGEST_TAIL = 4000;
/** Words of formulas in plain typing. */
const MATHEMATICS =
  /^(?:and|or|pi|sqrt|(?:arc)?(?:sin|cos|tan|cot|sec|csc)h?|log|ln|exp|gcd|lcm|max|min|lim|mod)$/i;
const FORMULA = /\$|\\[([]/;
/** Statements without an answer behind them that are looked past. */
const MOST_STATEMENTS = 16;
const JOINT = /^[\s,;"'“”]*(?:and|or)?[\s,;"'“”]*$/i;
const VERB = /(?:\b(?:is|are|equals?|be|was|were|by|gives|get)\b|[=≈:])\s*(?=\S)/gi;
const NUMBER =
  /(?<![\p{L}\d])[-−]?[€$£]?\d+(?:[.,\u00a0 ]\d+)*(?:\s*\/\s*\d+)?\s*(?:%|‰|°|€|£|[a-zA-Z]{0,3}[²³](?!\w))?/gu;

/** Text of the last turn's answer, without what was thought before it. */
function spoken(response: string): string {
  const [turn = ""] = response.split(TURN, 1);
  const thought = turn.lastIndexOf("</think>");
  const rest = thought < 0 ? "" : turn.slice(thought + "</think>".length);
  return rest.trim() === "" ? turn : rest;
}

/** Whether the text is an answer as it stands: one word, as a unit is, or none beside a formula in dollars. */
function isAnswer(text: string): boolean {
  if (text.length > LONGEST_ANSWER) return false;
  const words = text.replace(/\\[A-Za-z]+/g, " ").match(/\p{L}{2,}/gu) ?? [];
  const said = words.filter((word) => !MATHEMATICS.test(word));
  return said.length <= (FORMULA.test(text) ? 0 : 1) && readAnswer(tokensOf(text)).kind !== "text";
}

/** An aligned derivation ends in its last line. */
function lastLine(formula: string): string {
  if (!/\\\\[^\]]*&|&[^\\]*\\\\/.test(formula) || formula.includes("\\begin")) return formula;
  const lines = formula.split("\\\\").map((line) => line.replaceAll("&", " ").trim());
  return lines.findLast((line) => line !== "") ?? formula;
}

/** The last formulas of a sentence, those joined by "and" or a comma together; null without one. */
function lastFormulas(sentence: Sentence): string | null {
  const last = sentence.findLastIndex(({ kind }) => kind === "formula");
  if (last < 0) return null;
  let first = last;
  const isFormula = (piece: Piece | undefined) => piece?.kind === "formula";
  for (;;) {
    const before = sentence[first - 1];
    if (isFormula(before)) first--;
    else if (before && JOINT.test(before.text) && isFormula(sentence[first - 2])) first -= 2;
    else break;
  }
  const formulas = sentence.slice(first, last + 1).filter(isFormula);
  return formulas
    .map(({ text }) =>
      lastLine(text)
        .trim()
        .replace(/[.,;]$/, ""),
    )
    .join(", ");
}

/** A unit that follows at once would be a variable: 3m². */
function spaced(quantity: string): string {
  return quantity.replace(/(?<=\d)(?=[a-zA-Z]{1,3}[²³]$)/, " ");
}

/** A number, or what follows the last verb, out of words; null where no number is. */
function quantityOf(words: string): string | null {
  const verb = [...words.matchAll(VERB)].at(-1);
  const rest = words
    .slice(verb ? verb.index + verb[0].length : 0)
    .replace(/[\s.,;:"'”*]+$/, "")
    .trim();
  if (/\d/.test(rest) && isAnswer(rest)) return spaced(rest);
  const number = words.match(NUMBER)?.at(-1)?.trim();
  return number === undefined ? null : spaced(number);
}

/** The answer of a sentence: a number behind its last formula ("the largest $n$ is 34") comes before the formula. */
function answerOf(sentence: Sentence): string | null {
  const last = sentence.at(-1);
  const isBehind =
    last?.kind === "words" && sentence.length > 1 && /(?:\b(?:is|are|equals)\b|[=≈])\s*\S/.test(last.text);
  const behind = isBehind ? quantityOf(last.text) : null;
  const words = sentence.map(({ text }) => text).join(" ");
  return behind ?? lastFormulas(sentence) ?? quantityOf(words);
}

/** What stands behind the last statement, or behind an earlier one where it has no answer. */
function stated(text: string): string | null {
  const statements = [...text.matchAll(STATEMENT)];
  for (const { 0: words, index } of statements.slice(-MOST_STATEMENTS).reverse()) {
    const tail = text.slice(index + words.length, index + words.length + LONGEST_TAIL);
    const [sentence] = sentencesOf(tail);
    if (!sentence) continue;
    const alone = sentence.length === 1 && sentence[0] ? sentence[0].text.trim() : "";
    const answer = alone !== "" && isAnswer(alone) ? alone : answerOf(sentence);
    if (answer !== null) return answer;
  }
  return null;
}

/**
 * The answer that a response gives, boxed or not. Time grows with the response's length.
 * @param response with or without its `<think>` block
 */
export function readResponse(response: string): Extracted {
  const text = spoken(response).trim();
  const boxes = lastBoxes(text);
  if (boxes) return { kind: "answer", text: stated(text.slice(boxes.end)) ?? boxes.texts.join(", ") };
  if (text === "") return { kind: "none", reason: "an empty response" };
  const statement = stated(text);
  if (statement !== null) return { kind: "answer", text: statement };
  if (isAnswer(text)) return { kind: "answer", text };
  const answer = sentencesOf(text.slice(-LONGEST_TAIL))
    .map(answerOf)
    .findLast((each) => each !== null);
  if (answer !== undefined && answer !== null) return { kind: "answer", text: answer };
  return text.length <= LONGEST_ANSWER
    ? { kind: "answer", text }
    : { kind: "none", reason: "no box, statement, formula or number" };
}
