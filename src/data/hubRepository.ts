/**
 * @module A repository on a hub: which files it has at a revision, and each of them on this machine, continued where a
 * download stopped and checked by the digest that the hub lists.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { datasetInfo, HubApiError, type ListFileEntry, listFiles, modelInfo } from "@huggingface/hub";
import { isLocked } from "../core/chat/http.js";
import { ConfigError, DataError, reasonOf } from "../core/errors.js";
import { makeFolder } from "../core/files/atomic.js";
import { sha256File } from "../core/files/digest.js";
import { type Checksum, type DownloadOptions, download } from "../core/files/download.js";

export interface HubAccess extends Pick<DownloadOptions, "onProgress" | "signal" | "tries" | "pauseMs"> {
  /** `https://huggingface.co`, or a mirror (`HF_ENDPOINT`). */
  readonly endpoint: string;
  /** Sent to the endpoint only; begins with `hf_`. */
  readonly token?: string;
  /** Nothing is asked: what is here already is used, or none (`HF_HUB_OFFLINE`). */
  readonly isOffline?: boolean;
  /** Told what is used instead when the hub cannot be reached. */
  readonly onNote?: (note: string) => void;
}

/** A repository at a branch, tag or commit. */
export interface Repository {
  readonly kind: "dataset" | "model";
  /** `owner/name`. */
  readonly id: string;
  readonly revision: string;
}

/** How addresses of a kind begin. */
const PREFIX = { dataset: "datasets/", model: "" } as const;

/** What people see of a repository: its page. */
export function repositoryUrl({ kind, id }: Pick<Repository, "kind" | "id">, endpoint: string): string {
  return `${endpoint}/${PREFIX[kind]}${id}`;
}

/** @throws ConfigError for a token of another kind, without showing it */
export function checkToken({ token }: HubAccess): void {
  if (token !== undefined && !token.startsWith("hf_"))
    throw new ConfigError("HF_TOKEN: invalid token: expected one that begins with hf_");
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

function hubProblem(cause: unknown, { endpoint }: HubAccess, repository: Repository): DataError {
  const where = repositoryUrl(repository, endpoint);
  const { revision } = repository;
  if (!(cause instanceof HubApiError)) {
    const advice = "check the network and HF_ENDPOINT, or give the path of a downloaded folder";
    return new DataError(`${where}: cannot be reached: ${reasonOf(cause)}; ${advice}`, { cause });
  }
  const status = `HTTP ${cause.statusCode}`;
  const advice =
    cause.statusCode === 404
      ? `is the name right${revision === "main" ? "" : `, and is there a revision ${revision}`}?`
      : isLocked(cause.statusCode)
        ? "it is private or gated: set HF_TOKEN to a token that may read it"
        : "try again later";
  return new DataError(`${where}: the hub refuses: ${status}; ${advice}`, { cause });
}

/** The files of a repository at one commit. */
export interface Snapshot {
  /** Commit that the files belong to. */
  readonly commit: string;
  readonly files: readonly ListFileEntry[];
}

/** @throws ConfigError for a token of another kind; DataError when the hub cannot be reached (its `cause` is no HubApiError), refuses, or lists odd names */
export async function listSnapshot(repository: Repository, options: HubAccess): Promise<Snapshot> {
  const { kind, id, revision } = repository;
  checkToken(options);
  const common = { hubUrl: options.endpoint, ...(options.token ? { accessToken: options.token } : {}) };
  try {
    const { sha } =
      kind === "model"
        ? await modelInfo({ name: id, revision, additionalFields: ["sha"], ...common })
        : await datasetInfo({ name: id, revision, additionalFields: ["sha"], ...common });
    const repo = { type: kind, name: id } as const;
    const files: ListFileEntry[] = [];
    for await (const entry of listFiles({ repo, recursive: true, revision: sha, ...common })) {
      if (entry.type === "file") files.push(entry);
    }
    for (const { path } of files) checkPath(path, id);
    return { commit: sha, files };
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw hubProblem(cause, options, repository);
  }
}

/** Whether the hub answered, and said no. */
export function isRefusal(error: unknown): boolean {
  return error instanceof DataError && error.cause instanceof HubApiError;
}

/** One file of a snapshot, unless it is there. @throws DataError when it cannot be had, or is not what was listed */
export async function fetchFile(
  entry: ListFileEntry,
  at: Pick<Repository, "kind" | "id"> & { readonly folder: string; readonly commit: string },
  options: HubAccess,
): Promise<void> {
  const path = join(at.folder, entry.path);
  // Only whole, checked files carry their final name.
  const present = await stat(path).catch(() => undefined);
  if (present?.size === entry.size) return;
  const name = entry.path.split("/").map(encodeURIComponent).join("/");
  const url = `${repositoryUrl(at, options.endpoint)}/resolve/${at.commit}/${name}`;
  const authorization = options.token ? { authorization: `Bearer ${options.token}` } : {};
  await makeFolder(dirname(path));
  await download(url, path, {
    ...options,
    checksum: checksumOf(entry),
    headers: { "accept-encoding": "identity", ...authorization },
  });
}
