/**
 * @module Reads JSON files.
 */
import { readFile } from "node:fs/promises";
import { messageOf, type SharegrpoError } from "../errors.js";

/** A text without the byte order mark that editors and shells on Windows put before it. */
export const withoutMark = (text: string): string => (text.startsWith("\ufeff") ? text.slice(1) : text);

/**
 * @param Kind what is thrown
 * @throws Kind naming the file when it cannot be read or is not JSON
 */
export async function readJson(
  path: string,
  Kind: new (message: string, options: { readonly cause: unknown }) => SharegrpoError,
): Promise<unknown> {
  try {
    return JSON.parse(withoutMark(await readFile(path, "utf8")));
  } catch (cause) {
    throw new Kind(`${path}: cannot read as JSON: ${messageOf(cause)}`, { cause });
  }
}
