/**
 * @module What a language model is told in order to say a question in other words (Eq. 3, offline).
 *
 * Own words on the structure that the paper's appendix E describes (spec §2.1): the question and its answer go in; a
 * list of alternatives comes out, each of the same meaning, self-contained, options kept, answer unchanged; one worked
 * example; nothing but the list.
 *
 * Departures
 * 1. The number of rewrites is asked for, where the paper always asks for four.
 * 2. The list is a JSON array, image markers are spoken of, and what the checks refuse is forbidden beforehand.
 */
import type { ChatMessage } from "../core/chat/chat.js";

/** What a rewriting model sees of a question. */
export interface Original {
  /** The words without the image markers that stand before them. */
  readonly words: string;
  readonly gold: string;
}

const EXAMPLE: Original & { readonly rewrites: readonly string[] } = {
  words:
    "A ladder of length 13 m leans against a vertical wall. Its foot stands 5 m from the wall. " +
    "How high does it reach?\nA. 8 m\nB. 10 m\nC. 12 m\nD. 18 m",
  gold: "C",
  rewrites: [
    "The foot of a 13 m ladder is 5 m away from a vertical wall, and the ladder leans against that wall. At what height does its upper end touch the wall?\nA. 8 m\nB. 10 m\nC. 12 m\nD. 18 m",
    "Against a vertical wall leans a ladder that is 13 m long. If the distance between the wall and the ladder's foot is 5 m, what height does the ladder reach?\nA. 8 m\nB. 10 m\nC. 12 m\nD. 18 m",
  ],
};

function task(count: number): string {
  const many = count === 1 ? "1 alternative version" : `${count} alternative versions`;
  return `You write other versions of exam questions. You get a question and its correct answer. Write ${many} of the question.

Rules for every version:
1. It asks for the same thing and has the same correct answer.
2. It is worded differently from the question and from the other versions: another sentence structure, another order of the facts, another way to ask.
3. It stands alone: all facts, numbers, units, names, symbols and conditions are in it, exactly as given. It adds no fact, no number and no hint.
4. Answer options, where there are any, follow unchanged: same letters, same texts, same order.
5. Formulas keep their LaTeX. A marker ${"<image>"} stands for a picture; every marker of the question occurs in it once.
6. It neither states nor hints at the answer. The answer is given to you for checking only.

Reply with a JSON array of ${count} strings and nothing else: no numbering, no explanation. Backslashes are doubled, as JSON demands.`;
}

const shown = ({ words, gold }: Original): string => `Question:\n${words}\n\nCorrect answer: ${gold}`;

/** The first message of a conversation about a question: the task, a worked example, the question. */
export function rewriteRequest(original: Original, count: number): readonly ChatMessage[] {
  return [
    { role: "system", content: task(count) },
    { role: "user", content: `${shown(EXAMPLE)}\n\nNumber of versions: ${EXAMPLE.rewrites.length}` },
    { role: "assistant", content: JSON.stringify(EXAMPLE.rewrites) },
    { role: "user", content: `${shown(original)}\n\nNumber of versions: ${count}` },
  ];
}

/** A rewrite that cannot be used, and why; an empty one stands for the whole reply. */
export interface Refused {
  readonly rewrite: string;
  readonly why: string;
}

const MOST_SHOWN = 8;

function complaintAbout(refused: readonly Refused[]): string {
  if (refused.length === 0) return "More versions are needed.";
  const lines = refused
    .slice(0, MOST_SHOWN)
    .map(({ rewrite, why }) =>
      rewrite === "" ? `- your reply: ${why}` : `- ${JSON.stringify(rewrite)}: ${why}`,
    );
  return `This cannot be used:\n${lines.join("\n")}`;
}

/** Asks again after a reply of which too little was of use. */
export function askAgain(
  reply: string,
  refused: readonly Refused[],
  missing: number,
): readonly ChatMessage[] {
  const request = `Write ${missing} other version${missing === 1 ? "" : "s"} by the same rules. Reply with a JSON array of ${missing} strings and nothing else.`;
  return [
    { role: "assistant", content: reply },
    { role: "user", content: `${complaintAbout(refused)}\n\n${request}` },
  ];
}

/** Asks a model to answer a rewrite, for the check that it still leads to the data set's answer. */
export const ANSWER_PROMPT = "Think step by step, then write the final answer in \\boxed{}.";
