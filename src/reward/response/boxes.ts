/**
 * @module The boxes that a response ends with: one, or several that are joined into one answer.
 */

const BOX = /\\(?:boxed|fbox)\s*(?:\{|(?=[\w-]))/g;

interface Box {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** End of the content that starts at `from`; −1 when its brace is not closed. Braces behind a backslash are marks. */
function contentEnd(text: string, from: number): number {
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    const unit = text[at];
    if (unit === "\\") at++;
    else if (unit === "{") depth++;
    else if (unit === "}" && --depth === 0) return at;
  }
  return -1;
}

/** Outer boxes in order: `\boxed{…}`, `\fbox{…}`, `\boxed 8`. Reading ends at one that is not closed. */
function boxesOf(text: string): Box[] {
  const boxes: Box[] = [];
  BOX.lastIndex = 0;
  for (let match = BOX.exec(text); match; match = BOX.exec(text)) {
    const from = match.index + match[0].length;
    const isBraced = match[0].endsWith("{");
    const end = isBraced
      ? contentEnd(text, from)
      : from + (/^-?\w+/.exec(text.slice(from, from + 40))?.[0].length ?? 0);
    if (end < 0) break;
    boxes.push({ text: text.slice(from, end).trim(), start: match.index, end: end + (isBraced ? 1 : 0) });
    BOX.lastIndex = end;
  }
  return boxes;
}

/** What stands between formulas and says nothing. */
const MANNERS = /\\[()[\]]|\$|\\(?:quad|qquad|[,;!: ])|\\(?:text|mathrm|textbf)\s*\{([^{}]*)\}/g;
const LONGEST_JOINT = 60;

/** Whether the text between two boxes makes them one answer: "and", "or", a comma, nothing. */
function joins(between: string): boolean {
  if (between.length > LONGEST_JOINT) return false;
  const said = between.replace(MANNERS, " $1 ").trim();
  if (/[.!?]\s|\n\s*\n|\b(?:not|instead|rather|but|wait|so|hence|thus|then|therefore)\b/i.test(said))
    return false;
  return said === "" || /[,;、]|\b(?:and|or)\b/i.test(said);
}

/** What the last box and those joined to it say. */
export interface LastBoxes {
  /** Contents in order. */
  readonly texts: readonly string[];
  /** Where the last one ends. */
  readonly end: number;
}

/** Null without a box. */
export function lastBoxes(text: string): LastBoxes | null {
  const boxes = boxesOf(text);
  let first = boxes.length - 1;
  const last = boxes[first];
  if (!last) return null;
  while (first > 0 && joins(text.slice((boxes[first - 1] as Box).end, (boxes[first] as Box).start))) first--;
  return { texts: boxes.slice(first).map((box) => box.text), end: last.end };
}
