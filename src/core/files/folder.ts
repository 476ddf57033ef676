/**
 * @module Folders that are there whole or not at all: everything goes into one of another name, which is renamed when it
 * is whole. What has the name can be used.
 */
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import process from "node:process";
import { CheckpointError } from "../errors.js";
import { makeFolder, syncPath, writeError } from "./atomic.js";

/** Whether there is a file or folder of this name. */
export const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/**
 * Makes a new folder whole or not at all; what is there already is never touched.
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

/**
 * Makes a folder whole, and then puts it where another of its name may be; until then that one can be used.
 * @param fill writes into a folder that becomes `folder`
 */
export async function replaceFolder(folder: string, fill: (partial: string) => Promise<void>): Promise<void> {
  const partial = `${folder}.${process.pid}.partial`;
  await makeFolder(dirname(folder));
  try {
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial);
    await fill(partial);
    await rm(folder, { recursive: true, force: true });
    await rename(partial, folder);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}
