/**
 * @module Cells of data files: texts, lists of texts, and lists that were written as text. Read, never evaluated.
 */
import { parsePythonStrings } from "../core/pythonLiteral.js";

/** A cell that says nothing. */
export function isAbsent(cell: unknown): cell is null | undefined {
  return cell === null || cell === undefined;
}

/** Words, numbers and truth values as text; undefined for anything else, such as lists. */
export function readText(cell: unknown): string | undefined {
  if (typeof cell === "string") return cell;
  if (typeof cell === "number" || typeof cell === "bigint" || typeof cell === "boolean") return String(cell);
  if (cell instanceof Uint8Array) return Buffer.from(cell).toString("utf8");
  return undefined;
}

export type TextList = { readonly items: readonly string[] } | { readonly problem: string };

function readItems(items: readonly unknown[]): TextList {
  const texts = items.filter((item) => !isAbsent(item)).map(readText);
  const isWhole = texts.every((text) => text !== undefined);
  return isWhole ? { items: texts } : { problem: "a list with something else than texts" };
}

function parseJsonArray(text: string): readonly unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A list of texts: a list, or text that encodes one as JSON or as Python writes it. Nothing is an empty list. */
export function readTextList(cell: unknown): TextList {
  if (isAbsent(cell)) return { items: [] };
  if (Array.isArray(cell)) return readItems(cell);
  const text = readText(cell)?.trim();
  if (text === undefined) return { problem: "not a list of texts" };
  if (["", "None", "null", "nan"].includes(text)) return { items: [] };
  const json = parseJsonArray(text);
  if (json) return readItems(json);
  const python = parsePythonStrings(text);
  return python ? { items: python } : { problem: "text that is not a list in JSON or Python notation" };
}
