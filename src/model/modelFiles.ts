/**
 * @module Reads the small text files of a model folder, and says which one is missing or broken.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { z } from "zod";
import { codeOf, ModelError, messageOf } from "../core/errors.js";

const ABSENT_CODES = new Set(["ENOENT", "ENOTDIR"]);

/** A file's text; undefined when there is no such file. @throws ModelError when it is there and cannot be read */
export async function readModelText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (ABSENT_CODES.has(codeOf(error))) return undefined;
    throw new ModelError(`${path}: cannot read: ${messageOf(error)}`, { cause: error });
  }
}

/** A parsed JSON file; undefined when there is no such file. @throws ModelError when it is not JSON */
export async function readModelJson(path: string): Promise<unknown> {
  const text = await readModelText(path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ModelError(`${path}: not JSON: ${messageOf(error)}; copy the file again`, { cause: error });
  }
}

/** Checks a parsed file. @throws ModelError naming the file and every field that is wrong */
export function checkModelFile<Schema extends z.ZodType>(
  schema: Schema,
  json: unknown,
  path: string,
): z.infer<Schema> {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join(".") || "file"}: ${issue.message}`);
  throw new ModelError(`${path}: unsupported content: ${problems.slice(0, 8).join("; ")}`);
}

/** The error for a file that a model folder must have. */
export function missingFile(path: string): ModelError {
  return new ModelError(`${path}: missing file; copy it from the folder the model was published in`);
}

/** The newest checkpoint of a run folder, or of its `checkpoints`. */
async function newestCheckpoint(dir: string): Promise<string | undefined> {
  for (const parent of [dir, join(dir, "checkpoints")]) {
    const names = await readdir(parent).catch(() => []);
    const newest = names
      .filter((name) => /^step-\d+$/.test(name))
      .sort((a, b) => a.localeCompare(b))
      .at(-1);
    if (newest !== undefined) return join(parent, newest);
  }
  return undefined;
}

/** @throws ModelError when there is no such folder, or it is one of checkpoints and not of a model */
export async function requireModelFolder(dir: string): Promise<void> {
  const names = await readdir(dir).catch(() => undefined);
  if (!names) {
    throw new ModelError(`${dir}: missing model folder: give a folder with config.json, or \`tiny\``);
  }
  if (names.includes("config.json")) return;
  const checkpoint = await newestCheckpoint(dir);
  if (checkpoint !== undefined)
    throw new ModelError(`${dir}: not a model folder: did you mean ${checkpoint}?`);
}
