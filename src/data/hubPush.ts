/**
 * @module Sends a model folder to a hub, in one commit: whole, or not at all.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { commitIter, createRepo, HubApiError } from "@huggingface/hub";
import { ConfigError, DataError, ModelError, messageOf } from "../core/errors.js";
import type { OnProgress } from "../core/progress.js";
import { MODEL_FILES } from "../model/load.js";
import { type HubAccess, repositoryUrl } from "./hubRepository.js";

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
  const isForbidden = cause.statusCode === 401 || cause.statusCode === 403;
  const advice = isForbidden ? "set HF_TOKEN to a token that may write there" : "try again later";
  return new DataError(`${where}: the hub refuses: HTTP ${cause.statusCode}: ${cause.message}; ${advice}`, {
    cause,
  });
}

async function ensureRepository({ id, isPrivate }: PushRequest, access: HubAccess): Promise<void> {
  try {
    await createRepo({
      repo: { type: "model", name: id },
      visibility: isPrivate ? "private" : "public",
      hubUrl: access.endpoint,
      accessToken: access.token ?? "",
    });
  } catch (error) {
    if (!(error instanceof HubApiError && error.statusCode === 409)) throw error; // it is there already
  }
}

/** Says which file is under way, in percent of it. */
function tell(
  event: { readonly path: string; readonly progress: number; readonly state: string },
  onProgress: OnProgress,
): void {
  onProgress({ phase: event.state, done: Math.round(100 * event.progress), total: 100, note: event.path });
}

/**
 * Sends the model in a folder. The repository is made where there is none.
 * @throws ConfigError without a token; ModelError when the folder has no weights; DataError when the hub refuses or
 *   cannot be reached
 */
export async function pushModel(request: PushRequest, access: HubAccess): Promise<Pushed> {
  const { folder, id, branch, title } = request;
  if (access.token === undefined) {
    throw new ConfigError("push: HF_TOKEN is not set: the hub wants a token that may write");
  }
  const files = pushedFiles(await readdir(folder).catch(() => []));
  if (!files.some((name) => name.endsWith(".safetensors"))) {
    throw new ModelError(`${folder}: missing weights: give a checkpoint or another model folder`);
  }
  const where = repositoryUrl({ kind: "model", id }, access.endpoint);
  try {
    await ensureRepository(request, access);
    const commits = commitIter({
      repo: { type: "model", name: id },
      operations: files.map((name) => ({
        operation: "addOrUpdate" as const,
        path: name,
        content: pathToFileURL(join(folder, name)),
      })),
      title,
      hubUrl: access.endpoint,
      accessToken: access.token,
      useWebWorkers: false,
      ...(branch === undefined ? {} : { branch }),
      ...(access.signal ? { abortSignal: access.signal } : {}),
    });
    for (;;) {
      const { done, value } = await commits.next();
      if (done) return { url: where, commit: value?.commit.oid ?? "", files };
      if (value.event === "fileProgress" && access.onProgress) tell(value, access.onProgress);
    }
  } catch (cause) {
    access.signal?.throwIfAborted();
    if (cause instanceof HubApiError) throw refused(cause, where);
    throw new DataError(
      `${where}: cannot be reached: ${messageOf(cause)}; check the network and HF_ENDPOINT`,
      {
        cause,
      },
    );
  }
}
