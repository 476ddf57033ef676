/**
 * @module The model of a run on a cluster as a folder here. EasyR1 leaves shards that only Python reads, and Ray sends no
 * files: so a small job merges them where they lie and says what it made, and this machine copies it from storage that
 * both see, checked against the job's digests.
 */
import { randomBytes } from "node:crypto";
import { copyFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { ConfigError, DataError, ModelError } from "../../core/errors.js";
import { sha256File } from "../../core/files/digest.js";
import { createFolder, isThere } from "../../core/files/folder.js";
import { zipBytes } from "../../core/files/zip.js";
import { given } from "../../core/given.js";
import type { OnProgress } from "../../core/progress.js";
import { followJob } from "./follow.js";
import { packageFiles } from "./jobFolder.js";
import type { RayJobs } from "./jobs.js";

export interface FetchModelOptions {
  readonly jobs: RayJobs;
  /** Where the cluster's machines write checkpoints. */
  readonly checkpoints: string;
  /** Where this machine sees that folder; the same path unless given. */
  readonly mounted?: string;
  /** A folder that is not there yet. */
  readonly out: string;
  /** The newest unless given. */
  readonly step?: number;
  /** EasyR1's `scripts/model_merger.py` on the cluster, where it is not beside its package. */
  readonly merger?: string;
  readonly onProgress?: OnProgress;
  readonly onLine?: (line: string) => void;
  /** Aborted: the job is stopped. */
  readonly signal?: AbortSignal;
  readonly everyMs?: number;
}

const MARK = "SHAREGRPO_FOLDER ";
const mergedSchema = z.object({
  step: z.int().positive(),
  folder: z.string(),
  files: z.record(
    z.string().regex(/^[\w.-]+$/, "a plain name"),
    z.object({ bytes: z.int().nonnegative(), sha256: z.string() }),
  ),
});
type Merged = z.output<typeof mergedSchema>;

/** One word of a shell command. */
const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

function readMerged(line: string | undefined, server: string): Merged {
  let json: unknown;
  try {
    json = JSON.parse(line ?? "");
  } catch {
    json = undefined;
  }
  const parsed = mergedSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new ModelError(`${server}: the job did not say what it merged; see its log in Ray's dashboard`);
}

/** Merges a checkpoint where it lies. */
async function mergeThere(options: FetchModelOptions): Promise<Merged> {
  const { jobs, checkpoints, step, merger, onLine, signal, everyMs } = options;
  const id = `sharegrpo-merge-${randomBytes(6).toString("hex")}`;
  const flags = [
    ...["--checkpoints", quoted(checkpoints)],
    ...(step === undefined ? [] : ["--step", String(step)]),
    ...(merger === undefined ? [] : ["--merger", quoted(merger)]),
  ];
  const folder = await jobs.upload(zipBytes(await packageFiles()));
  await jobs.submit({
    ...{ id, folder, entrypoint: `python3 -m sharegrpo_easyr1.merge ${flags.join(" ")}`, cpus: 1 },
    ...{ environment: { PYTHONUNBUFFERED: "1" }, metadata: { name: "sharegrpo merge" } },
  });
  let said: string | undefined;
  const read = (line: string) => {
    const at = line.indexOf(MARK);
    if (at < 0) onLine?.(line);
    else said = line.slice(at + MARK.length);
  };
  try {
    const end = await followJob(jobs, {
      ...{ id, onLine: read, onRow: () => undefined },
      ...given({ signal, everyMs }),
    });
    if (end === "STOPPED") throw new ModelError(`${jobs.server}: job ${id} was stopped before it had merged`);
  } catch (error) {
    if (signal?.aborted) await jobs.stop(id).catch(() => undefined);
    throw error;
  }
  return readMerged(said, jobs.server);
}

/** The path that this machine has for one of the cluster's. */
function pathHere(folder: string, { checkpoints, mounted }: FetchModelOptions): string {
  const root = checkpoints.replace(/\/+$/, "");
  if (mounted === undefined || !folder.startsWith(`${root}/`)) return folder;
  return join(mounted, folder.slice(root.length + 1));
}

/**
 * @returns the step of the model, and how many files it has
 * @throws ConfigError when the cluster's checkpoints are nowhere in particular; ModelError when the job fails, or this
 *   machine does not see what it made; DataError when a copy differs; CheckpointError when `out` is there already
 */
export async function fetchModel(options: FetchModelOptions): Promise<{ step: number; files: number }> {
  const { checkpoints, out, onProgress, signal } = options;
  if (!checkpoints.startsWith("/")) {
    throw new ConfigError(
      `engine.checkpoints: ${checkpoints || "missing"}: a path that begins with / is needed: others lie in a job's own folder, which Ray deletes`,
    );
  }
  const { step, folder, files } = await mergeThere(options);
  const from = pathHere(folder, options);
  if (!(await isThere(from))) {
    throw new ModelError(
      `${from}: not seen from here: the cluster has the merged model of step ${step} at ${folder}: give --mounted with the folder where this machine sees ${checkpoints}, or copy it: rsync -a HEAD:${folder}/ ${basename(out)}/`,
    );
  }
  const names = Object.keys(files);
  await createFolder(out, async (partial) => {
    for (const [done, name] of names.entries()) {
      signal?.throwIfAborted();
      onProgress?.({ phase: "copy", done, total: names.length });
      await copyFile(join(from, name), join(partial, name));
      if ((await sha256File(join(partial, name))) === files[name]?.sha256) continue;
      throw new DataError(
        `${join(from, name)}: other bytes than the cluster has: its storage is not in step yet; run again`,
      );
    }
  });
  return { step, files: names.length };
}
