/**
 * @module Sends a model folder to a hub, in one commit: whole, or not at all.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { commitIter, createRepo, HubApiError, repoExists } from "@huggingface/hub";
import { isLocked } from "../core/chat/http.js";
import { ConfigError, DataError, ModelError, reasonOf } from "../core/errors.js";
import { DOWNLOAD_DEFAULTS } from "../core/files/download.js";
import { pause } from "../core/pause.js";
import type { OnProgress } from "../core/progress.js";
import { MODEL_FILES } from "../model/load.js";
import { checkToken, type HubAccess, repositoryUrl } from "./hubRepository.js";

export interface PushRequest {
  /** A model folder. */
  readonly folder: string;
  /** `owner/name`. */
  readonly id: string;
  /** Of a repository that is made by this. */
  readonly isPrivate: boolean;
  readonly branch?: string;
  /** The commit's title. */
  readonly title: string;
}

export interface Pushed {
  readonly url: string;
  readonly commit: string;
  readonly files: readonly string[];
}

const WEIGHTS = /^(model|adapter_model)[\w.-]*\.safetensors(\.index\.json)?$/;
const OTHERS = ["README.md", "adapter_config.json", ...MODEL_FILES];

/** What of a checkpoint is the model: not the optimizer, nor the place in the data. */
export function pushedFiles(names: readonly string[]): string[] {
  return names.filter((name) => WEIGHTS.test(name) || OTHERS.includes(name)).sort();
}

function refused(cause: HubApiError, where: string): DataError {
  const advice = isLocked(cause.statusCode)
    ? "set HF_TOKEN to a token that may write there"
    : "try again later";
  return new DataError(`${where}: the hub refuses: HTTP ${cause.statusCode}: ${cause.message}; ${advice}`, {
    cause,
  });
}

/** Asks again after a network fault, or where the hub has too much to do. The signal ends every request. */
function patientFetch(access: HubAccess): typeof fetch {
  const { tries, pauseMs } = { ...DOWNLOAD_DEFAULTS, ...access };
  const signals = access.signal ? [access.signal] : [];
  return async (input, init) => {
    const signal = AbortSignal.any([...signals, ...(init?.signal ? [init.signal] : [])]);
    for (let tried = 1; ; tried++) {
      try {
        const response = await fetch(input, { ...init, signal });
        const isBusy = response.status >= 500 || response.status === 429;
        if (!isBusy || tried >= tries) return response;
        await response.body?.cancel();
      } catch (error) {
        signal.throwIfAborted();
        if (tried >= tries) throw error;
      }
      await pause(pauseMs * 2 ** (tried - 1), signal);
    }
  };
}

type HubParams = Pick<Parameters<typeof createRepo>[0], "hubUrl" | "fetch"> & {
  readonly accessToken: string;
};

/** A token may be allowed to write to a repository and not to make one: then it must be there. */
async function ensureRepository({ id, isPrivate }: PushRequest, hub: HubParams): Promise<void> {
  const repo = { type: "model", name: id } as const;
  try {
    await createRepo({ repo, visibility: isPrivate ? "private" : "public", ...hub });
  } catch (error) {
    if (!(error instanceof HubApiError)) throw error;
    const isThere =
      error.statusCode === 409 || (error.statusCode === 403 && (await repoExists({ repo, ...hub })));
    if (!isThere) throw error;
  }
}

/** Says which file is under way, in percent of it. */
function tell(
  event: { readonly path: string; readonly progress: number; readonly state: string },
  onProgress: OnProgress,
): void {
  onProgress({ phase: event.state, done: Math.round(100 * event.progress), total: 100, note: event.path });
}

/** What of a model folder is sent. @throws ModelError when it has no weights */
export async function filesToPush(folder: string): Promise<string[]> {
  const files = pushedFiles(await readdir(folder).catch(() => []));
  if (files.some((name) => name.endsWith(".safetensors"))) return files;
  throw new ModelError(`${folder}: missing weights: give a checkpoint or another model folder`);
}

/**
 * Sends the model in a folder. The repository is made where there is none; what was sent before an interruption is not
 * sent again.
 * @throws ConfigError without a token; ModelError when the folder has no weights; DataError when the hub refuses or
 *   cannot be reached
 */
export async function pushModel(request: PushRequest, access: HubAccess): Promise<Pushed> {
  const { folder, id, branch, title } = request;
  const files = await filesToPush(folder);
  if (access.token === undefined) {
    throw new ConfigError("push: HF_TOKEN is not set: the hub wants a token that may write");
  }
  checkToken(access);
  const where = repositoryUrl({ kind: "model", id }, access.endpoint);
  const hub = { hubUrl: access.endpoint, accessToken: access.token, fetch: patientFetch(access) };
  try {
    await ensureRepository(request, hub);
    const commits = commitIter({
      repo: { type: "model", name: id },
      operations: files.map((name) => ({
        operation: "addOrUpdate" as const,
        path: name,
        content: pathToFileURL(join(folder, name)),
      })),
      title,
      useWebWorkers: false,
      ...hub,
      ...(branch === undefined ? {} : { branch }),
    });
    for (;;) {
      const { done, value } = await commits.next();
      if (done) return { url: where, commit: value?.commit.oid ?? "", files };
      access.signal?.throwIfAborted(); // reading and hashing ask nobody
      if (value.event === "fileProgress" && access.onProgress) tell(value, access.onProgress);
    }
  } catch (cause) {
    access.signal?.throwIfAborted();
    if (cause instanceof HubApiError) throw refused(cause, where);
    throw new DataError(
      `${where}: cannot be reached: ${reasonOf(cause)}; check the network and HF_ENDPOINT`,
      {
        cause,
      },
    );
  }
}
