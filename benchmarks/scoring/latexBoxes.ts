/**
 * @module What stands in the boxes of a text, as `latex2sympy2_extended` takes it before it reads
 * (`math_normalization.py:264`): of `\boxed{…}` and `\fbox{…}` all of them, from the last one back.
 */
import { closingBrace } from "../../src/reward/boxed.js";

const BOX = /\\(?:boxed|fbox)\s*/g;

/**
 * The contents of all boxes in order, joined by commas, equal neighbours once; the text itself where there are none.
 * A box without braces, or one that is not closed before the next box begins, holds the rest of the text where it is
 * the last box, and ends the search where it is not. Time is linear.
 */
export function boxContents(text: string): string {
  const contents: string[] = [];
  let end = text.length;
  for (const { index, 0: command } of [...text.matchAll(BOX)].reverse()) {
    const start = index + command.length;
    if (start >= text.length) break;
    const close = text[start] === "{" ? closingBrace(text.slice(0, end), start + 1) : -1;
    if (close < 0) {
      if (contents.length === 0) contents.push(text.slice(start));
      break;
    }
    const content = text.slice(start + 1, close).trim();
    if (contents.at(-1) !== content) contents.push(content);
    end = index;
  }
  return contents.length === 0 ? text : contents.reverse().join(",");
}
