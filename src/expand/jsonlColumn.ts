/**
 * @module JSON Lines rewritten with one more key. The text of a line is kept as it is, so that no number changes.
 */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { DataError, messageOf } from "../core/errors.js";
import { listed } from "../core/listed.js";

export interface TextLine {
  /** From 1, blank lines counted. */
  readonly number: number;
  readonly text: string;
}

/** Lines that are not blank. @throws DataError when the file cannot be read */
export async function* linesOf(path: string): AsyncGenerator<TextLine> {
  const input = createReadStream(path, "utf8");
  let failure: unknown;
  input.on("error", (error) => {
    failure = error;
  });
  let number = 0;
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      number++;
      const text = number === 1 ? line.replace(/^\uFEFF/, "") : line;
      if (text.trim() !== "") yield { number, text };
    }
  } catch (error) {
    failure ??= error;
  }
  if (failure) throw new DataError(`${path}: cannot read: ${messageOf(failure)}`, { cause: failure });
}

function parseLine(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** @throws DataError with the numbers of all lines that are no JSON objects */
export async function refuseBadLines(path: string): Promise<void> {
  const bad: number[] = [];
  for await (const { number, text } of linesOf(path)) if (!parseLine(text)) bad.push(number);
  if (bad.length === 0) return;
  throw new DataError(`${path}: invalid JSON object on line ${listed(bad)}: repair or remove these lines`);
}

/** A line's object with this key; only a line that has the key already is written anew. */
export function lineWith(text: string, key: string, value: readonly string[]): string {
  const row = parseLine(text) ?? {};
  if (key in row) return JSON.stringify({ ...row, [key]: value });
  const body = text.trimEnd().slice(0, -1).trimEnd();
  const comma = Object.keys(row).length === 0 ? "" : ", ";
  return `${body}${comma}${JSON.stringify(key)}: ${JSON.stringify(value)}}`;
}
