/**
 * @module The right option said in several manners: what a rule set reads, it counts. Made from the rows' own answers,
 * so that every difference between two rule sets is one of reading.
 */
import type { BenchmarkRow, Prediction } from "../records.js";
import { plainPrediction } from "./predictionFile.js";

/** One manner of answering, for every row. */
export interface AnswerManner {
  /** The manner, shown on option B. */
  readonly manner: string;
  readonly predictions: readonly Prediction[];
}

/** What is said of an option: its letter, its text, and another letter that was not chosen. */
type Say = (letter: string, text: string, other: string) => string;

const MANNERS: Readonly<Record<string, Say>> = {
  B: (letter) => letter,
  b: (letter) => letter.toLowerCase(),
  "**B**": (letter) => `**${letter}**`,
  "(B)": (letter) => `(${letter})`,
  "B. its text": (letter, text) => `${letter}. ${text}`,
  "its text": (_, text) => text,
  "The answer is B.": (letter) => `The answer is ${letter}.`,
  "\\boxed{B}": (letter) => `\\boxed{${letter}}`,
  "<think>A or B?</think> \\boxed{B}": (letter, _, other) =>
    `<think>${other} or ${letter}?</think> \\boxed{${letter}}`,
  "\\boxed{its text}": (_, text) => `\\boxed{${text}}`,
  "B, not A": (letter, _, other) => `${letter}, not ${other}`,
  "A is wrong. Answer: B": (letter, _, other) => `${other} is wrong. Answer: ${letter}`,
  "A is tempting, but it is B": (letter, _, other) => `${other} is tempting, but it is ${letter}`,
};

/**
 * The right answer to every row with options, in each manner.
 * @param dataset name of the rows' dataset
 */
export function answerManners(rows: readonly BenchmarkRow[], dataset: string): AnswerManner[] {
  return Object.entries(MANNERS).map(([manner, say]) => ({
    manner,
    predictions: rows.map(({ index, cells }): Prediction => {
      const letter = cells["answer"] ?? "";
      const other = letter === "A" ? "B" : "A";
      return plainPrediction(dataset, index, say(letter, cells[letter] ?? letter, other));
    }),
  }));
}
