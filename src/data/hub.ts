/**
 * @module Data sets from a hub: the card and the files of one split, continued where a download stopped, each checked by
 * the digest the hub lists, kept under the revision they belong to.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { datasetInfo, HubApiError, type ListFileEntry, listFiles } from "@huggingface/hub";
import { DataError, messageOf } from "../core/errors.js";
import { makeFolder, writeFileAtomic } from "../core/files/atomic.js";
import { sha256File } from "../core/files/digest.js";
import { type Checksum, type DownloadOptions, download } from "../core/files/download.js";
import { filesOfSplit } from "./hubFolder.js";

export interface HubOptions extends Pick<DownloadOptions, "onProgress" | "signal" | "tries" | "pauseMs"> {
  /** `https://huggingface.co`, or a mirror (`HF_ENDPOINT`). */
  readonly endpoint: string;
  /** Sent to the endpoint only; begins with `hf_`. */
  readonly token?: string;
  /** Folder for what is downloaded. */
  readonly cacheDir: string;
  /** Told what is used instead when the hub cannot be reached. */
  readonly onNote?: (note: string) => void;
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

/** The digest git knows a file by. */
async function gitBlob(path: string): Promise<string> {
  const { size } = await stat(path);
  const hash = createHash("sha1").update(`blob ${size}\0`);
  for await (const piece of createReadStream(path)) hash.update(piece as Uint8Array);
  return hash.digest("hex");
}

function checksumOf({ lfs, oid, path }: ListFileEntry): Checksum {
  const sha = lfs?.oid.replace(/^sha256:/, "");
  if (sha !== undefined) return { name: "SHA-256", expected: sha, of: sha256File };
  if (oid !== undefined) return { name: "git SHA-1", expected: oid, of: gitBlob };
  throw new DataError(`${path}: the hub lists no digest for it: download it by hand`);
}

/** A path from a server must stay in its folder. */
function checkPath(path: string, id: string): void {
  const clean = posix.normalize(path);
  if (clean !== path || clean.startsWith("..") || posix.isAbsolute(clean) || path.includes("\\")) {
    throw new DataError(`${id}: invalid file name in the hub's list: ${JSON.stringify(path)}`);
  }
}

function hubProblem(cause: unknown, { endpoint }: HubOptions, { id, revision }: HubRequest): DataError {
  const where = `${endpoint}/datasets/${id}`;
  if (!(cause instanceof HubApiError)) {
    const inner = cause instanceof Error && cause.cause ? ` (${messageOf(cause.cause)})` : "";
    const advice = "check the network and HF_ENDPOINT, or give the path of a downloaded folder";
    return new DataError(`${where}: cannot be reached: ${messageOf(cause)}${inner}; ${advice}`, { cause });
  }
  const status = `HTTP ${cause.statusCode}`;
  const advice =
    cause.statusCode === 404
      ? `is the name right${revision ? `, and is there a revision ${revision}` : ""}?`
      : cause.statusCode === 401 || cause.statusCode === 403
        ? "the data set is private or gated: set HF_TOKEN to a token that may read it"
        : "try again later";
  return new DataError(`${where}: the hub refuses: ${status}; ${advice}`, { cause });
}

interface Snapshot {
  /** Commit that the files belong to. */
  readonly commit: string;
  readonly files: readonly ListFileEntry[];
}

async function listSnapshot(request: HubRequest, options: HubOptions): Promise<Snapshot> {
  const common = { hubUrl: options.endpoint, ...(options.token ? { accessToken: options.token } : {}) };
  try {
    const revision = request.revision ?? "main";
    const { sha } = await datasetInfo({
      name: request.id,
      revision,
      additionalFields: ["sha"],
      ...common,
    });
    const repo = { type: "dataset", name: request.id } as const;
    const files: ListFileEntry[] = [];
    for await (const entry of listFiles({ repo, recursive: true, revision: sha, ...common })) {
      if (entry.type === "file") files.push(entry);
    }
    for (const { path } of files) checkPath(path, request.id);
    return { commit: sha, files };
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw hubProblem(cause, options, request);
  }
}

async function fetchFile(
  entry: ListFileEntry,
  at: { readonly folder: string; readonly commit: string; readonly id: string },
  options: HubOptions,
): Promise<void> {
  const path = join(at.folder, entry.path);
  // Only whole, checked files carry their final name.
  const present = await stat(path).catch(() => undefined);
  if (present?.size === entry.size) return;
  const name = entry.path.split("/").map(encodeURIComponent).join("/");
  const url = `${options.endpoint}/datasets/${at.id}/resolve/${at.commit}/${name}`;
  const authorization = options.token ? { authorization: `Bearer ${options.token}` } : {};
  await makeFolder(dirname(path));
  await download(url, path, {
    ...options,
    checksum: checksumOf(entry),
    headers: { "accept-encoding": "identity", ...authorization },
  });
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
  let snapshot: Snapshot;
  try {
    snapshot = await listSnapshot(request, options);
  } catch (error) {
    const isRefused = error instanceof DataError && error.cause instanceof HubApiError;
    const files = isRefused ? undefined : await earlierFiles(note);
    if (!files) throw error;
    options.onNote?.(`${messageOf(error)}; using what was downloaded before`);
    return files;
  }
  const at = { id, commit: snapshot.commit, folder: join(root, snapshot.commit) };
  const readme = snapshot.files.find(({ path }) => path === "README.md");
  if (readme) await fetchFile(readme, at, options);
  const card = readme ? await readFile(join(at.folder, "README.md"), "utf8") : undefined;
  const paths = snapshot.files.map(({ path }) => path);
  const chosen = filesOfSplit({
    paths,
    where: `${options.endpoint}/datasets/${id}`,
    splits,
    ...(config === undefined ? {} : { config }),
    ...(card === undefined ? {} : { card }),
  });
  for (const entry of snapshot.files.filter(({ path }) => chosen.includes(path))) {
    await fetchFile(entry, at, options);
  }
  const files = chosen.map((path) => join(at.folder, path));
  await makeFolder(root);
  await writeFileAtomic(note, JSON.stringify(files));
  return files;
}
