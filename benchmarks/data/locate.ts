/**
 * @module Where a dataset's file is: in a folder the person names, among the bundled samples, or in VLMEvalKit's data
 * root, where it is downloaded when it is missing or not the published one.
 */
import { existsSync } from "node:fs";
import { rename } from "node:fs/promises";
import { basename, join } from "node:path";
import { BenchmarkError, DataError, messageOf } from "../../src/core/errors.js";
import { md5File } from "../../src/core/files/digest.js";
import { type DownloadOptions, download } from "../../src/core/files/download.js";
import { packageRoot } from "../../src/core/files/packageRoot.js";
import type { DatasetInfo } from "../records.js";

/** Folder with a small file in each benchmark's format. */
export function samplesFolder(): string {
  return join(packageRoot(), "data", "samples");
}

/**
 * VLMEvalKit's data root.
 * @param named the value of `LMUData`; used when that folder exists
 */
export function dataRoot(named: string | undefined, home: string): string {
  return named !== undefined && named !== "" && existsSync(named) ? named : join(home, "LMUData");
}

export interface LocateOptions extends Omit<DownloadOptions, "checksum"> {
  /** Told what is done about a file that is not the published one. */
  readonly onNote?: (text: string) => void;
}

/** A file in a folder that is used as it is. @throws BenchmarkError naming what is missing */
export function fileIn(folder: string, { name }: DatasetInfo): string {
  const path = join(folder, `${name}.tsv`);
  if (existsSync(path)) return path;
  throw new BenchmarkError(`${path}: missing: put the file there, or leave out --data to download it`);
}

/** A file saved under the last part of its address, when its sum is right. */
async function adoptDownloaded(root: string, path: string, { url, md5 }: DatasetInfo): Promise<boolean> {
  const saved = join(root, basename(new URL(url).pathname));
  if (saved === path || md5 === undefined || !existsSync(saved) || (await md5File(saved)) !== md5)
    return false;
  await rename(saved, path);
  return true;
}

/**
 * A dataset's file below the data root, downloaded when needed. A file with another sum than the published one is
 * downloaded again, as VLMEvalKit does; it is replaced only once the new one is whole.
 * @throws BenchmarkError when it cannot be had, saying how to bring it by hand
 */
export async function fetchDataset(
  root: string,
  dataset: DatasetInfo,
  { onNote, ...options }: LocateOptions = {},
): Promise<string> {
  const { name, url, md5 } = dataset;
  const path = join(root, `${name}.tsv`);
  const isPresent = existsSync(path);
  if (isPresent && (md5 === undefined || (await md5File(path)) === md5)) return path;
  if (isPresent) onNote?.(`${path}: not the published file (other MD5): downloading it again`);
  else if (await adoptDownloaded(root, path, dataset)) return path;
  try {
    const checksum = md5 === undefined ? {} : { checksum: { name: "MD5", expected: md5, of: md5File } };
    await download(url, path, { ...options, ...checksum });
    return path;
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    const sum = md5 === undefined ? "" : ` (MD5 ${md5})`;
    const asIs = isPresent ? `; to use the file that is there, give --data ${root}` : "";
    const advice = `to work offline, copy the file${sum} to ${path}, or try the bundled samples with --data samples${asIs}`;
    throw new BenchmarkError(`${name}: ${messageOf(error)}; ${advice}`, { cause: error });
  }
}
