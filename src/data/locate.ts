/**
 * @module From what a person writes to data files: a file, a folder, or `owner/name` on a hub; `…@split` or
 * `…@config:split` chooses among a folder's splits.
 */

import { readdir, readFile, stat } from "node:fs/promises";
import { extname, join, sep } from "node:path";
import { DataError } from "../core/errors.js";
import { given } from "../core/given.js";
import { downloadSplit, type HubOptions, isHubId } from "./hub.js";
import { filesOfSplit } from "./hubFolder.js";
import { DATA_ENDINGS } from "./rows.js";

export type SplitRole = "train" | "heldout";

/** Splits that will do for a role where none is named, best first. */
const ROLE_SPLITS: Readonly<Record<SplitRole, readonly string[]>> = {
  train: ["train"],
  heldout: ["validation", "val", "dev", "test", "testmini", "train"],
};

interface Location {
  readonly path: string;
  readonly split?: string;
  readonly config?: string;
}

async function kindOf(path: string): Promise<"file" | "folder" | "none"> {
  const found = await stat(path).catch(() => undefined);
  if (!found) return "none";
  return found.isDirectory() ? "folder" : "file";
}

/** `data@train`, `data@algebra:train`, or a plain path; a path that exists as written is one. */
async function parseLocation(text: string): Promise<Location> {
  const at = text.lastIndexOf("@");
  if (at <= 0 || (await kindOf(text)) !== "none") return { path: text };
  const [first = "", second] = text.slice(at + 1).split(":", 2);
  const path = text.slice(0, at);
  return second === undefined ? { path, split: first } : { path, config: first, split: second };
}

async function folderFiles(
  folder: string,
  { split, config }: Location,
  role: SplitRole,
): Promise<readonly string[]> {
  const names = await readdir(folder, { recursive: true });
  const paths = names.map((name) => name.split(sep).join("/")).filter((name) => !/(?:^|\/)\./.test(name));
  const card = await readFile(join(folder, "README.md"), "utf8").catch(() => undefined);
  const chosen = filesOfSplit({
    paths,
    where: folder,
    splits: split === undefined ? ROLE_SPLITS[role] : [split],
    ...given({ config, card }),
  });
  return chosen.map((path) => join(folder, path));
}

/**
 * The data files that `text` means.
 * @param hub how to reach a hub; without it only what is on this machine can be named
 * @throws DataError when there is nothing of that name (a data file's name is never asked for on a hub), or no such split
 */
export async function locateData(
  text: string,
  role: SplitRole,
  hub?: HubOptions,
): Promise<readonly string[]> {
  const location = await parseLocation(text);
  const kind = await kindOf(location.path);
  if (kind === "file") return [location.path];
  if (kind === "folder") return folderFiles(location.path, location, role);
  const isFileName = DATA_ENDINGS.includes(extname(location.path).toLowerCase());
  if (isFileName) throw new DataError(`${text}: missing data: no such file`);
  if (!isHubId(location.path) || !hub) {
    throw new DataError(
      `${text}: missing data: no such file or folder${hub ? ", and not owner/name of a data set on a hub" : ""}`,
    );
  }
  const { path: id, split, config } = location;
  const splits = split === undefined ? ROLE_SPLITS[role] : [split];
  return downloadSplit({ id, splits, ...given({ config }) }, hub);
}
