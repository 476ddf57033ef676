/**
 * @module Reads the final answer out of a response: the content of the last `\boxed{…}`, braces balanced.
 *
 * Departure: what cannot be read is a value with a reason; MathRuler returns the string "None", which a gold answer of
 * "none" would accept.
 */
import type { Extracted } from "../records.js";

const OPENING = "\\boxed{";

/** Index of the brace that closes the one before `from`; −1 if none does. */
export function closingBrace(text: string, from: number): number {
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === 0x7b) depth++;
    else if (unit === 0x7d && --depth === 0) return at;
  }
  return -1;
}

/** Content of the last box, trimmed. An earlier complete box does not count when the last one is unclosed. */
export function extractBoxed(text: string): Extracted {
  const opening = text.lastIndexOf(OPENING);
  if (opening < 0) return { kind: "none", reason: "no \\boxed{" };
  const start = opening + OPENING.length;
  const end = closingBrace(text, start);
  if (end < 0) return { kind: "none", reason: "the last \\boxed{ is not closed" };
  return { kind: "answer", text: text.slice(start, end).trim() };
}
