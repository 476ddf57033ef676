/**
 * @module Jupyter counts a cursor's position in code points, TypeScript in UTF-16 units.
 */

/** @param count code points @returns UTF-16 units */
export function utf16Index(text: string, count: number): number {
  return [...text].slice(0, count).join("").length;
}

/** @param index UTF-16 units @returns code points */
export function codePointIndex(text: string, index: number): number {
  return [...text.slice(0, index)].length;
}
