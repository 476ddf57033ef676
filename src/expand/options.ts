/**
 * @module The answer options of a multiple-choice question, wherever in its text they stand.
 */

/** A question in two parts. */
export interface SplitQuestion {
  /** The words around the options. */
  readonly stem: string;
  /** Option texts by letter, as written; empty where there are none. */
  readonly options: ReadonlyMap<string, string>;
}

interface Label {
  readonly letter: string;
  readonly start: number;
  /** Where its text begins. */
  readonly end: number;
}

/** `A.`, `(A)`, `A)` or `A:` after a space or on a new line. */
const LABEL = /(?<=^|\s)\(?([A-J])[.):：]\s*/g;

function labelsOf(text: string): Label[] {
  return [...text.matchAll(LABEL)].map(([whole, letter = ""], at, all) => {
    const start = all[at]?.index ?? 0;
    return { letter, start, end: start + whole.length };
  });
}

/** The first A that a B follows, and the letters after it in order. */
function firstRun(labels: readonly Label[]): readonly Label[] {
  for (const [at, label] of labels.entries()) {
    if (label.letter !== "A" || labels[at + 1]?.letter !== "B") continue;
    const run: Label[] = [];
    for (const next of labels.slice(at)) {
      if (next.letter === String.fromCharCode("A".charCodeAt(0) + run.length)) run.push(next);
    }
    return run;
  }
  return [];
}

/** The last option ends with its line; among options in one line, also with its sentence. */
function lastEnd(text: string, first: Label, last: Label): number {
  const isInline = !text.slice(first.start, last.start).includes("\n");
  const ending = isInline ? /\n|[.?!。]\s/ : /\n/;
  const found = ending.exec(text.slice(last.end));
  return found ? last.end + found.index : text.length;
}

/** Takes the options out of a question. */
export function splitOptions(text: string): SplitQuestion {
  const run = firstRun(labelsOf(text));
  const [first, last] = [run[0], run.at(-1)];
  if (!first || !last) return { stem: text, options: new Map() };
  const end = lastEnd(text, first, last);
  const options = run.map((label, at): [string, string] => [
    label.letter,
    text.slice(label.end, run[at + 1]?.start ?? end).trim(),
  ]);
  return { stem: `${text.slice(0, first.start)}${text.slice(end)}`, options: new Map(options) };
}
