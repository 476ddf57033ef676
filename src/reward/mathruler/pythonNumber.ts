/**
 * @module Numbers as Python's `float()` reads them, which decides what the reference grader takes for an integer.
 */
import { digitOf } from "../../core/asciiForms.js";
import { isSpaceAt } from "./pythonSpace.js";

/** Digits with single underscores between them, an optional point, an optional exponent. Linear: no two ways to match. */
const FLOAT = /^[+-]?(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+(?:_\d+)*)?$/;

/** How far from an integer a number may be and still count as one. */
const INTEGER_WITHIN = 1e-7;

const SEPARATORS = new Set([..."\u001c\u001d\u001e\u001f"]);

/** What `float()` leaves out around a number: C's white space, and beyond ASCII Python's, without the separators. */
function isOutsideNumber(text: string, at: number): boolean {
  return isSpaceAt(text, at) && !SEPARATORS.has(text[at] ?? "");
}

function stripped(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isOutsideNumber(text, start)) start++;
  while (end > start && isOutsideNumber(text, end - 1)) end--;
  return text.slice(start, end);
}

/** The number, its digits of any script, or null when Python would refuse it or it is not finite. */
export function parseFloatAsPython(text: string): number | null {
  const trimmed = stripped(text).replace(/(?![0-9])\p{Nd}/gu, digitOf);
  if (!FLOAT.test(trimmed)) return null;
  const value = Number(trimmed.replaceAll("_", ""));
  return Number.isFinite(value) ? value : null;
}

/** Whether the text is a number within 1e-7 of an integer. */
export function nearInteger(text: string): { readonly nearest: bigint; readonly towardsZero: bigint } | null {
  const value = parseFloatAsPython(text);
  if (value === null || Math.abs(value - Math.round(value)) > INTEGER_WITHIN) return null;
  return { nearest: BigInt(Math.round(value)), towardsZero: BigInt(Math.trunc(value)) };
}

/**
 * Removes commas that stand between a digit and exactly three digits. Repeated until nothing changes; a comma right
 * after another group waits for the next round, as in the reference.
 */
export function stripThousandsCommas(text: string): string {
  let current = text;
  for (;;) {
    const next = current.replace(/(\p{Nd}),(\p{Nd}{3})($|\P{Nd})/gu, "$1$2$3");
    if (next === current) return current;
    current = next;
  }
}

/** `nearInteger` after removing well-formed thousands commas. */
export function integerWithCommas(text: string): ReturnType<typeof nearInteger> {
  return nearInteger(text.includes(",") ? stripThousandsCommas(text) : text);
}
