/**
 * @module Cuts a text into sentences of words and formulas: `$…$`, `$$…$$`, `\(…\)`, `\[…\]` and environments.
 */

/** Part of a sentence. */
export interface Piece {
  readonly kind: "words" | "formula";
  /** Of a formula, without its delimiters. */
  readonly text: string;
}

/** Pieces up to a full stop, a question mark, or an empty line. */
export type Sentence = readonly Piece[];

/** Opening and closing delimiters; longer ones first. */
const DELIMITERS: readonly (readonly [open: string, close: string])[] = [
  ["$$", "$$"],
  ["$", "$"],
  ["\\(", "\\)"],
  ["\\[", "\\]"],
  ...["align*", "align", "equation*", "equation", "gather*", "gather"].map((name): [string, string] => [
    `\\begin{${name}}`,
    `\\end{${name}}`,
  ]),
];

/** Longer ones are no formula but a sum of money, with the next one far away. */
const LONGEST_FORMULA = 1000;

/** Where a sentence ends, outside of formulas: 3.5 and e.g. "No.5" go on. */
const END = /[.!?。](?=["'”’)*]*(?:\s|$))|\n\s*\n/;

interface Formula {
  readonly text: string;
  readonly end: number;
}

function formulaAt(text: string, at: number): Formula | null {
  const unit = text[at];
  if ((unit !== "$" && unit !== "\\") || text[at - 1] === "\\") return null;
  const found = DELIMITERS.find(([open]) => text.startsWith(open, at));
  if (!found) return null;
  const [open, close] = found;
  const start = at + open.length;
  const window = text.slice(start, start + LONGEST_FORMULA);
  const length = closing(window, close);
  return length < 0 ? null : { text: window.slice(0, length), end: start + length + close.length };
}

/** Position of the delimiter, a dollar of money (`\$`) left out; −1 where it is missing. */
function closing(window: string, close: string): number {
  let at = window.indexOf(close);
  while (close === "$" && at > 0 && window[at - 1] === "\\") at = window.indexOf(close, at + 1);
  return at;
}

/** The sentences of a text, in order; none is empty. Time grows with the text's length. */
export function sentencesOf(text: string): Sentence[] {
  const sentences: Sentence[] = [];
  let sentence: Piece[] = [];
  let words = "";
  const endWords = () => {
    if (words.trim() !== "") sentence.push({ kind: "words", text: words });
    words = "";
  };
  const endSentence = () => {
    endWords();
    if (sentence.length > 0) sentences.push(sentence);
    sentence = [];
  };
  const addWords = (part: string) => {
    const [first = "", ...others] = part.split(END);
    words += first;
    for (const other of others) {
      endSentence();
      words = other;
    }
  };
  let from = 0;
  const marks = /[$\\]/g;
  for (let mark = marks.exec(text); mark; mark = marks.exec(text)) {
    const formula = formulaAt(text, mark.index);
    if (!formula) continue;
    addWords(text.slice(from, mark.index));
    endWords();
    sentence.push({ kind: "formula", text: formula.text });
    from = formula.end;
    marks.lastIndex = from;
    if (/[.!?]\s*$/.test(formula.text) && /^\s+\p{Lu}/u.test(text.slice(from, from + 20))) endSentence();
  }
  addWords(text.slice(from));
  endSentence();
  return sentences;
}
