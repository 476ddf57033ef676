/**
 * @module White space as Python's `str.strip()` and `\s` know it: with the four information separators and the next line
 * character, without the byte order mark.
 */

const ONLY_PYTHON = new Set([..."\u001c\u001d\u001e\u001f\u0085"]);
const BYTE_ORDER_MARK = "\ufeff";

/** Whether `text[at]` is white space. */
export function isSpaceAt(text: string, at: number): boolean {
  const unit = text[at] ?? "";
  return (/\s/.test(unit) && unit !== BYTE_ORDER_MARK) || ONLY_PYTHON.has(unit);
}

/** Python's `str.strip()`. */
export function stripAsPython(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isSpaceAt(text, start)) start++;
  while (end > start && isSpaceAt(text, end - 1)) end--;
  return text.slice(start, end);
}
