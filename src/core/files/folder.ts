/**
 * @module Folders that are there whole or not at all: everything goes into one of another name, which is renamed when it
 * is whole. What was there before is never touched, and what has the name can be used.
 */
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { CheckpointError } from "../errors.js";
import { makeFolder, syncPath, writeError } from "./atomic.js";

/** Whether there is a file or folder of this name. */
export const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/**
 * Makes a new folder whole or not at all.
 * @param fill writes into a folder that becomes `out`
 * @throws CheckpointError when `out` is there already, or cannot be written
 */
export async function createFolder(out: string, fill: (partial: string) => Promise<void>): Promise<void> {
  const folder = resolve(out); // without a slash at its end, where the other name goes
  if (await isThere(folder))
    throw new CheckpointError(`${out}: is there already; choose another --out or delete it`);
  const partial = `${folder}.partial`;
  const refused = (error: unknown) => {
    throw writeError(folder, error);
  };
  try {
    await makeFolder(dirname(partial));
    await rm(partial, { recursive: true, force: true }).catch(refused);
    await mkdir(partial).catch(refused);
    await fill(partial);
    await rename(partial, folder).catch(refused);
    await syncPath(dirname(folder));
  } catch (error) {
    await rm(partial, { recursive: true, force: true }).catch(() => undefined);
    throw error;
  }
}
