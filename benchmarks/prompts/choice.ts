/**
 * @module VLMEvalKit's multiple-choice prompts: hint, question, lettered options, and a request to choose.
 */
import { BenchmarkError } from "../../src/core/errors.js";
import type { BenchmarkRow, MessageItem, PromptForm } from "../records.js";

/** Of options. */
export const LETTERS = Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZ");

/** Options that are there, in alphabet order; gaps are allowed. */
export function optionsOf({ cells }: BenchmarkRow): readonly (readonly [letter: string, text: string])[] {
  return LETTERS.flatMap((letter) => {
    const text = cells[letter];
    return text === undefined ? [] : [[letter, text] as const];
  });
}

/** @throws BenchmarkError when the cell is missing: there is nothing to ask */
export function cellToAsk({ index, cells }: BenchmarkRow, column: string): string {
  const text = cells[column];
  if (text === undefined)
    throw new BenchmarkError(`index ${index}: missing ${column}: the row cannot be asked`);
  return text;
}

const CHOOSE = "Please select the correct answer from the options above.";
const CHOOSE_IN_CHINESE = "请直接回答选项字母。";

/** Whether VLMEvalKit takes a text for Chinese. */
export function isChinese(text: string): boolean {
  return /[\u4e00-\u9fff]/.test(text);
}

/**
 * The words of a multiple-choice question up to the last line.
 * Without options (MMMU's open questions) that is the question alone.
 */
function choiceBody(row: BenchmarkRow): string {
  const question = cellToAsk(row, "question");
  const hint = row.cells["hint"];
  const options = optionsOf(row).map(([letter, text]) => `${letter}. ${text}\n`);
  return [
    hint === undefined ? "" : `Hint: ${hint}\n`,
    `Question: ${question}\n`,
    options.length === 0 ? "" : `Options:\n${options.join("")}`,
  ].join("");
}

/** The generic words; with options they end in a space and a line break. */
export function genericChoiceText(row: BenchmarkRow): string {
  const isChoice = optionsOf(row).length > 0;
  return `${choiceBody(row)}${isChoice ? `${CHOOSE} \n` : ""}`;
}

/** Python's `rstrip`. */
const trimEnd = (text: string): string => text.replace(/\s+$/u, "");

/** Every image of the row, then one text. */
export function imagesThen(row: BenchmarkRow, text: string): MessageItem[] {
  return [...row.images.map((image): MessageItem => ({ kind: "image", image })), { kind: "text", text }];
}

/** MMStar and AI2D. */
export function choicePrompt(row: BenchmarkRow, form: PromptForm): MessageItem[] {
  if (form === "generic") return imagesThen(row, genericChoiceText(row));
  const body = choiceBody(row);
  const isChoice = optionsOf(row).length > 0;
  const request = isChinese(body) ? CHOOSE_IN_CHINESE : CHOOSE;
  return imagesThen(row, trimEnd(`${body}${isChoice ? request : ""}`));
}

const IMAGE_MARK = "<image ";

/** A text behind a mark: `1>…` names the row's first image. */
function imageAt(row: BenchmarkRow, piece: string): MessageItem[] {
  const found = /^(\d)>/.exec(piece);
  const image = found && row.images[Number(found[1]) - 1];
  if (!image) {
    const mark = JSON.stringify(`${IMAGE_MARK}${piece.slice(0, 6)}`);
    throw new BenchmarkError(
      `index ${row.index}: invalid image mark: ${mark}: expected <image 1> to <image ${Math.min(9, row.images.length)}>`,
    );
  }
  return [
    { kind: "image", image },
    { kind: "text", text: piece.slice(2) },
  ];
}

/**
 * MMMU. Generic: the text is cut at its `<image N>` marks and the images stand between the pieces; an image nobody
 * mentions is left out, one mentioned twice is sent twice, empty pieces stay. Qwen: images first, marks stay as words.
 * @throws BenchmarkError for a mark that names no image
 */
export function interleavedPrompt(row: BenchmarkRow, form: PromptForm): MessageItem[] {
  const text = genericChoiceText(row);
  if (form === "qwen") return imagesThen(row, trimEnd(text));
  const [first = "", ...others] = text.split(IMAGE_MARK);
  if (others.length === 0) return imagesThen(row, text);
  return [{ kind: "text", text: first }, ...others.flatMap((piece) => imageAt(row, piece))];
}

const SHORT = "\nPlease try to answer the question with short words or phrases if possible.";

/**
 * MathVista, MathVision, MathVerse: images, then the bare question.
 * @param column generic words only: the Qwen form always asks `question`
 */
export function questionPrompt(row: BenchmarkRow, form: PromptForm, column = "question"): MessageItem[] {
  if (form === "generic") return imagesThen(row, cellToAsk(row, column));
  return imagesThen(row, `${cellToAsk(row, "question")}${SHORT}`);
}
