/**
 * @module Models by name: `owner/name`, or `owner/name@revision`, in Hugging Face's cache or brought there.
 *
 * The cache is laid out as Hugging Face's own tools do without links: `models--owner--name/snapshots/<commit>/…`, with
 * the commit that a branch pointed to in `refs/<branch>`. What they brought is found here, and the other way round.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { hubEnvironment } from "../config/load.js";
import { ModelError, messageOf } from "../core/errors.js";
import { makeFolder, writeFileAtomic } from "../core/files/atomic.js";
import { isThere } from "../core/files/folder.js";
import { given } from "../core/given.js";
import { MODEL_FILES, modelFolder } from "../model/load.js";
import { isHubId, offline } from "./hub.js";
import { fetchFile, type HubAccess, isRefusal, listSnapshot } from "./hubRepository.js";

export interface ModelHubOptions extends HubAccess {
  /** Hugging Face's cache (`HF_HUB_CACHE`). */
  readonly modelCache: string;
  /** What stands between words or images and the network is enough. */
  readonly isProcessorOnly?: boolean;
}

/** A model on this machine. */
export interface FoundModel {
  readonly folder: string;
  /** Names it for good: `owner/name@commit` for what came from a hub. */
  readonly name: string;
}

interface HubModel {
  readonly id: string;
  readonly revision: string;
}

const COMMIT = /^[0-9a-f]{40}$/;

/** `owner/name@revision`; undefined when it is none, or a folder of that name is here. */
async function hubModelOf(model: string): Promise<HubModel | undefined> {
  const [id = "", revision = "main", ...more] = model.split("@");
  if (!isHubId(id) || revision === "" || more.length > 0) return undefined;
  return (await isThere(model)) ? undefined : { id, revision };
}

/** The repository's folder in the cache. */
function cacheFolder(id: string, { modelCache }: ModelHubOptions): string {
  return join(modelCache, `models--${id.replace("/", "--")}`);
}

const indexSchema = z.looseObject({ weight_map: z.record(z.string(), z.string()) });

/** Whether a folder has the network, the tokenizer and all weights, where those are wanted. */
async function isWhole(folder: string, { isProcessorOnly = false }: ModelHubOptions): Promise<boolean> {
  const has = (name: string) => isThere(join(folder, name));
  if (!(await has("config.json")) || !(await has("tokenizer.json"))) return false;
  if (isProcessorOnly || (await has("model.safetensors"))) return true;
  const index = await readFile(join(folder, "model.safetensors.index.json"), "utf8").catch(() => undefined);
  if (index === undefined) return false;
  const { weight_map } = indexSchema.parse(JSON.parse(index));
  const shards = await Promise.all([...new Set(Object.values(weight_map))].map(has));
  return shards.every((isHere) => isHere);
}

/** The commit that a revision stood for when it was last downloaded. */
async function knownCommit(
  { id, revision }: HubModel,
  options: ModelHubOptions,
): Promise<string | undefined> {
  if (COMMIT.test(revision)) return revision;
  const ref = await readFile(join(cacheFolder(id, options), "refs", revision), "utf8").catch(() => undefined);
  return ref?.trim();
}

async function findInCache(model: HubModel, options: ModelHubOptions): Promise<FoundModel | undefined> {
  const commit = await knownCommit(model, options);
  if (commit === undefined) return undefined;
  const folder = join(cacheFolder(model.id, options), "snapshots", commit);
  return (await isWhole(folder, options)) ? { folder, name: `${model.id}@${commit}` } : undefined;
}

/** Weights in safetensors, and what must be known beside them. */
function isNeeded(path: string): boolean {
  return MODEL_FILES.includes(path) || /^model[\w.-]*\.safetensors(\.index\.json)?$/.test(path);
}

async function bring(model: HubModel, options: ModelHubOptions): Promise<FoundModel> {
  const { id, revision } = model;
  const repository = { kind: "model", id, revision } as const;
  const { commit, files } = await listSnapshot(repository, options);
  const { isProcessorOnly = false } = options;
  const needed = files.filter(({ path }) => (isProcessorOnly ? MODEL_FILES.includes(path) : isNeeded(path)));
  if (!isProcessorOnly && !needed.some(({ path }) => path.endsWith(".safetensors"))) {
    throw new ModelError(`${id}: unsupported model: it has no weights in safetensors`);
  }
  const total = needed.reduce((sum, { size }) => sum + size, 0);
  const folder = join(cacheFolder(id, options), "snapshots", commit);
  options.onNote?.(
    `${id}@${commit.slice(0, 8)}: ${needed.length} files, ${(total / 1e9).toFixed(2)} GB → ${folder}`,
  );
  let before = 0;
  for (const entry of needed) {
    const start = before;
    const onProgress = options.onProgress;
    await fetchFile(
      entry,
      { ...repository, commit, folder },
      {
        ...options,
        // One bar for all files, so that the time left is the model's.
        ...(onProgress
          ? { onProgress: (event) => onProgress({ ...event, done: start + event.done, total }) }
          : {}),
      },
    );
    before += entry.size;
  }
  if (!COMMIT.test(revision)) {
    const refs = join(cacheFolder(id, options), "refs");
    await makeFolder(refs);
    await writeFileAtomic(join(refs, revision), commit);
  }
  return { folder, name: `${id}@${commit}` };
}

/**
 * Finds a model: a folder, `tiny`, or `owner/name[@revision]` in Hugging Face's cache or else from the hub, with
 * progress, continued where an earlier try stopped, each file checked by its digest. A branch is asked for anew each
 * time, and what is here is used where the hub cannot be reached.
 * @throws DataError when the hub refuses or sends other bytes; ModelError when the model has no usable weights
 */
export async function findModel(name: string, options: ModelHubOptions): Promise<FoundModel> {
  const model = await hubModelOf(name);
  if (!model) return { folder: modelFolder(name), name };
  const kept = await findInCache(model, options);
  if (kept && (options.isOffline || COMMIT.test(model.revision))) return kept;
  if (options.isOffline) throw offline({ kind: "model", id: model.id });
  try {
    return await bring(model, options);
  } catch (error) {
    if (!kept || isRefusal(error)) throw error;
    options.onNote?.(`${messageOf(error)}; using what was downloaded before`);
    return kept;
  }
}

/** Finds a model where the environment says that models and the hub are. @throws as `findModel` */
export function locateModel(
  name: string,
  {
    onProgress,
    onNote,
    signal,
    isProcessorOnly = false,
  }: Pick<HubAccess, "onProgress" | "onNote" | "signal"> & Pick<ModelHubOptions, "isProcessorOnly"> = {},
): Promise<FoundModel> {
  const { endpoint, token, modelCache, isOffline } = hubEnvironment();
  return findModel(name, {
    ...{ endpoint, modelCache, isOffline, isProcessorOnly },
    ...given({ token, onProgress, onNote, signal }),
  });
}
