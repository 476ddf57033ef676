/**
 * @module Data sets from a hub: the card and the files of one split, kept under the revision they belong to.
 */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { DataError, messageOf } from "../core/errors.js";
import { makeFolder, writeFileAtomic } from "../core/files/atomic.js";
import { given } from "../core/given.js";
import { filesOfSplit } from "./hubFolder.js";
import {
  fetchFile,
  type HubAccess,
  isRefusal,
  listSnapshot,
  type Repository,
  repositoryUrl,
  type Snapshot,
} from "./hubRepository.js";

export interface HubOptions extends HubAccess {
  /** Folder for what is downloaded. */
  readonly cacheDir: string;
}

export interface HubRequest {
  /** `owner/name`. */
  readonly id: string;
  readonly revision?: string;
  readonly config?: string;
  /** Names that will do, best first. */
  readonly splits: readonly string[];
}

export const HUB_ENDPOINT = "https://huggingface.co";

/** What a repository on a hub is called. */
export function isHubId(text: string): boolean {
  return /^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(text);
}

/** Why the hub is not asked. */
export function offline({ kind, id }: Pick<Repository, "kind" | "id">): DataError {
  return new DataError(`${kind} ${id}: HF_HUB_OFFLINE is set: unset it to download, or give a folder`);
}

/** What an earlier download left for this request, for work without a network. */
async function earlierFiles(note: string): Promise<readonly string[] | undefined> {
  const text = await readFile(note, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const files = JSON.parse(text) as readonly string[];
  const present = await Promise.all(files.map((path) => stat(path).catch(() => undefined)));
  return present.every((found) => found !== undefined) ? files : undefined;
}

/**
 * Brings the files of a split to this machine. Without a network, what an earlier call brought is used.
 * @returns their paths, in order of their names
 * @throws DataError when the hub cannot be reached, refuses, has no such split, or sends other bytes
 */
export async function downloadSplit(request: HubRequest, options: HubOptions): Promise<readonly string[]> {
  const { id, config, splits, revision = "main" } = request;
  const root = join(options.cacheDir, id.replace("/", "--"));
  const note = join(
    root,
    `${[revision, config ?? "default", ...splits].join("+").replaceAll("/", "-")}.json`,
  );
  const repository: Repository = { kind: "dataset", id, revision };
  let snapshot: Snapshot;
  try {
    if (options.isOffline) throw offline(repository);
    snapshot = await listSnapshot(repository, options);
  } catch (error) {
    const files = isRefusal(error) ? undefined : await earlierFiles(note);
    if (!files) throw error;
    options.onNote?.(`${messageOf(error)}; using what was downloaded before`);
    return files;
  }
  const at = { ...repository, commit: snapshot.commit, folder: join(root, snapshot.commit) };
  const readme = snapshot.files.find(({ path }) => path === "README.md");
  if (readme) await fetchFile(readme, at, options);
  const card = readme ? await readFile(join(at.folder, "README.md"), "utf8") : undefined;
  const paths = snapshot.files.map(({ path }) => path);
  const chosen = filesOfSplit({
    paths,
    where: repositoryUrl(repository, options.endpoint),
    splits,
    ...given({ config, card }),
  });
  for (const entry of snapshot.files.filter(({ path }) => chosen.includes(path))) {
    await fetchFile(entry, at, options);
  }
  const files = chosen.map((path) => join(at.folder, path));
  await makeFolder(root);
  await writeFileAtomic(note, JSON.stringify(files));
  return files;
}
