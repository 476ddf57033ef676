/**
 * @module The weights of a policy on a server as files here: the archive of a sampler checkpoint, which holds an adapter
 * in PEFT's format, or a model folder where all weights are trained.
 */
import { readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { shownUrl } from "../../core/chat/http.js";
import { CheckpointError, DataError, ServerError } from "../../core/errors.js";
import { makeFolder } from "../../core/files/atomic.js";
import { download } from "../../core/files/download.js";
import { unpackTarGz } from "../../core/files/tar.js";
import { given } from "../../core/given.js";
import { MODEL_FILES } from "../../model/load.js";
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS } from "../../model/lora/peft.js";
import { readSafetensorsMetadata } from "../../model/safetensors.js";
import type { Transport } from "./transport.js";

/** More than any adapter, and than the models that are trained whole over this wire. */
const LIMITS = { bytes: 256 * 1024 ** 3, files: 1000 } as const;

const linkSchema = z.object({ url: z.string() });
const SAMPLER_PATH = /^tinker:\/\/([^/]+)\/(.+)$/;

/** Where the archive of a sampler checkpoint is; servers name it by all of its path, or by the last part. */
async function archiveUrl(transport: Transport, path: string, signal?: AbortSignal): Promise<URL> {
  const [, run = "", rest = ""] = SAMPLER_PATH.exec(path) ?? [];
  const names = [...new Set([rest, rest.split("/").at(-1) ?? ""])];
  for (const [at, name] of names.entries()) {
    const call = {
      ...({
        method: "GET",
        path: `/training_runs/${run}/checkpoints/${name}/archive`,
        answer: linkSchema,
      } as const),
      ...{ isRepeatable: true, isLink: true, signal },
    };
    try {
      return new URL((await transport.call(call)).url, transport.base);
    } catch (error) {
      const isUnknown = error instanceof ServerError && error.details.status === 404;
      if (!isUnknown || at === names.length - 1) throw error;
    }
  }
  throw new DataError(`${path}: not the path of a sampler checkpoint`);
}

/** The folder that holds the files: this one, or the only one in it. */
async function innermost(folder: string): Promise<string> {
  const [only, ...others] = await readdir(folder, { withFileTypes: true });
  return only?.isDirectory() && others.length === 0 ? innermost(join(folder, only.name)) : folder;
}

const isWeights = (name: string) => /\.safetensors(\.index\.json)?$/.test(name);
const isKept = (name: string) => name === ADAPTER_CONFIG || isWeights(name) || MODEL_FILES.includes(name);

/** The files of an adapter or a model among those of an archive. @throws DataError when they are neither */
async function usableFiles(folder: string, shown: string): Promise<string[]> {
  const names = (await readdir(folder)).filter(isKept);
  const isAdapter = names.includes(ADAPTER_CONFIG) && names.includes(ADAPTER_WEIGHTS);
  const isModel = names.includes("config.json") && names.some(isWeights);
  if (!isAdapter && !isModel) {
    const wanted = `${ADAPTER_CONFIG} with ${ADAPTER_WEIGHTS}, or a model's config.json with its safetensors`;
    throw new DataError(
      `${shown}: the archive holds no policy: expected ${wanted}, got ${names.join(", ") || "neither"}`,
    );
  }
  for (const name of names.filter((each) => each.endsWith(".safetensors"))) {
    await readSafetensorsMetadata(join(folder, name)).catch((cause: unknown) => {
      if (!(cause instanceof CheckpointError)) throw cause;
      throw new DataError(
        `${shown}: the archive's weights are damaged: ${cause.message.replaceAll(join(folder, name), name)}`,
        { cause },
      );
    });
  }
  return names;
}

/**
 * Puts the weights of a sampler checkpoint into a folder that is there.
 * @param path `tinker://…`, of `save_weights_for_sampler`
 * @param folder nothing stays in it of an archive that cannot be used
 * @returns names of the files
 * @throws ServerError when the server gives no archive; DataError when it is none of a policy's
 */
export async function fetchWeights(
  transport: Transport,
  { path, folder, signal }: { readonly path: string; readonly folder: string; readonly signal?: AbortSignal },
): Promise<string[]> {
  const url = await archiveUrl(transport, path, signal);
  const [archive, staging] = [join(folder, ".archive.tar.gz"), join(folder, ".archive.partial")];
  try {
    await rm(staging, { recursive: true, force: true });
    await download(url.href, archive, {
      // The key is the server's; where it sends us may be anybody's.
      ...(url.origin === transport.base.origin ? { headers: transport.keyHeader, redirect: "error" } : {}),
      ...{ mostBytes: LIMITS.bytes, label: shownUrl(url) },
      ...given({ signal }),
    });
    await makeFolder(staging);
    await unpackTarGz(archive, staging, LIMITS).catch((error: unknown) => {
      if (!(error instanceof DataError)) throw error;
      throw new DataError(error.message.replace(archive, shownUrl(url)), { cause: error });
    });
    const from = await innermost(staging);
    const names = await usableFiles(from, shownUrl(url));
    for (const name of names) await rename(join(from, name), join(folder, name));
    return names;
  } finally {
    await rm(staging, { recursive: true, force: true });
    await rm(archive, { force: true });
  }
}

/** What a checkpoint keeps of the weights: their names, or why there are none. */
export type KeptWeights = { readonly files: readonly string[] } | { readonly problem: string };

/** As `fetchWeights`; a server that gives no archive, or a useless one, is no reason to end a run. */
export async function tryFetchWeights(
  transport: Transport,
  request: Parameters<typeof fetchWeights>[1],
): Promise<KeptWeights> {
  try {
    return { files: await fetchWeights(transport, request) };
  } catch (error) {
    request.signal?.throwIfAborted();
    if (error instanceof ServerError || error instanceof DataError) return { problem: error.message };
    throw error;
  }
}
