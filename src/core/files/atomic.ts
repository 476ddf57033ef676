/**
 * @module Writes a file whole or not at all: a reader sees the old bytes or the new ones, never a part, also after a
 * power cut.
 */
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { CheckpointError, codeOf, messageOf } from "../errors.js";

const FORBIDDEN_CODES = new Set(["EACCES", "EPERM", "EROFS"]);

function cureOf(code: string): string {
  if (FORBIDDEN_CODES.has(code)) return "allow writing there or choose another --out";
  if (code === "ENOENT") return "create the folder or choose another --out";
  if (code === "ENOTDIR" || code === "EEXIST") return "a file is in the folder's place: choose another --out";
  if (code === "EISDIR") return "a folder has the file's name: choose another --out";
  return "free space or choose another --out";
}

/** The error for a write that the operating system refused: what, where, why, and the cure. */
export function writeError(path: string, error: unknown): CheckpointError {
  const what = `${dirname(path)}: cannot write ${basename(path)}: ${messageOf(error)}`;
  return new CheckpointError(`${what}; ${cureOf(codeOf(error))}`, { cause: error });
}

/**
 * Makes a folder and those above it; one that is there is left as it is.
 * @throws CheckpointError when it cannot be made: no permission, no space, a file in its place
 */
export async function makeFolder(path: string): Promise<void> {
  // Node's own `recursive` calls a read-only disk ENOENT, and below /proc it never ends.
  const made = await mkdir(path).catch((error: unknown) => error);
  if (made === undefined || (await isFolder(path))) return;
  if (codeOf(made) === "ENOENT" && !(await isFolder(dirname(path)))) {
    await makeFolder(dirname(path));
    return makeFolder(path);
  }
  throw writeError(path, made);
}

async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() === true;
}

/** Forces a file or a folder's entries to the disk. Systems that cannot open a folder (Windows) sync it themselves. */
export async function syncPath(path: string): Promise<void> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(path, "r");
  } catch (error) {
    if (["EISDIR", "EPERM", "EACCES"].includes(codeOf(error))) return;
    throw error;
  }
  try {
    await handle.sync();
  } catch (error) {
    // Some file systems refuse to sync a folder or a read-only handle; their renames are ordered anyway.
    if (!["EINVAL", "ENOTSUP", "EPERM", "EBADF"].includes(codeOf(error))) throw error;
  } finally {
    await handle.close();
  }
}

/**
 * Replaces `path` in one step by what `write` puts into a temporary file beside it: written, synced, then renamed.
 * @param write is given the temporary file's path; errors of its own are passed on
 * @throws CheckpointError when the disk is full or writing is not allowed; the old file is then untouched
 */
export async function replaceFile(path: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.partial`);
  try {
    await write(temporary);
    await syncPath(temporary);
    await rename(temporary, path);
    await syncPath(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    // What is no fault of the file system is somebody else's to explain.
    throw codeOf(error) === "" ? error : writeError(path, error);
  }
}

/**
 * Replaces `path` by `data` in one step.
 * @throws CheckpointError when the disk is full or writing is not allowed; the old file is then untouched
 */
export function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  return replaceFile(path, async (temporary) => {
    const handle = await open(temporary, "w");
    await handle.writeFile(data).finally(() => handle.close());
  });
}
