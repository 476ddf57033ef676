/**
 * @module Checkpoints: everything an exact resume needs.
 *
 * `step-000100/` holds what the engine keeps there (ours: a Hugging Face model folder and `optimizer.safetensors`),
 * `state.json`, and `manifest.json` with the hash of each. The folder is built under another name, the manifest is
 * written last and synced, and the folder is renamed into place: what has the name is whole.
 */
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { CheckpointError, messageOf } from "../../core/errors.js";
import { syncPath, writeFileAtomic } from "../../core/files/atomic.js";
import { sha256File } from "../../core/files/digest.js";
import type { Learner } from "../../engine/engine.js";

/** Where training stands after a step. */
export interface TrainState {
  /** Steps finished. */
  readonly step: number;
  /** Questions drawn so far: the data cursor. */
  readonly questionsSeen: number;
  /** Optimizer steps finished (AdamW's t). */
  readonly optimizerSteps: number;
  /** β of the KL term, where an adaptive controller moves it. */
  readonly klCoefficient?: number;
  /** Digest of the resolved run config; a resume with another one is refused. */
  readonly configDigest: string;
}

const stateSchema = z.strictObject({
  step: z.int().nonnegative(),
  questionsSeen: z.int().nonnegative(),
  optimizerSteps: z.int().nonnegative(),
  klCoefficient: z.number().nonnegative().exactOptional(),
  configDigest: z.string(),
});
const manifestSchema = z.strictObject({
  format: z.literal("sharegrpo-checkpoint-1"),
  files: z.record(z.string(), z.string()),
});

const STEP_FOLDER = /^step-(\d{6,})$/;

/** Folder name of a step: `step-000100`. */
export function stepFolder(step: number): string {
  return `step-${String(step).padStart(6, "0")}`;
}

/**
 * Writes a checkpoint.
 * @param parent the run's `checkpoints` folder
 * @param learner puts its own files into the folder
 * @returns the checkpoint's folder
 * @throws CheckpointError when it cannot be written (disk full, no permission); nothing is left under its name
 */
export async function saveCheckpoint(
  parent: string,
  state: TrainState,
  learner: Pick<Learner, "save">,
): Promise<string> {
  const folder = join(parent, stepFolder(state.step));
  const partial = `${folder}.partial`;
  try {
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true });
    await learner.save(partial);
    await writeFileAtomic(join(partial, "state.json"), `${JSON.stringify(state, undefined, 2)}\n`);
    const names = (await readdir(partial)).sort();
    const files = Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, await sha256File(join(partial, name))] as const)),
    );
    const manifest = { format: "sharegrpo-checkpoint-1", files };
    await writeFileAtomic(join(partial, "manifest.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
    await replaceFolder(folder, partial);
    await syncPath(parent);
    return folder;
  } catch (cause) {
    await rm(partial, { recursive: true, force: true }).catch(() => undefined);
    // Errors of our own writers say already what to do.
    const cure = cause instanceof CheckpointError ? "" : "; free space or choose another --out";
    throw new CheckpointError(`saveCheckpoint: cannot write ${folder}: ${messageOf(cause)}${cure}`, {
      cause,
    });
  }
}

/** Puts a folder in the place of another, which is there until its place is taken. */
async function replaceFolder(folder: string, by: string): Promise<void> {
  const former = `${folder}.replaced.partial`;
  await rm(former, { recursive: true, force: true });
  await rename(folder, former).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
  await rename(by, folder);
  await rm(former, { recursive: true, force: true });
}

async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  try {
    return schema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (cause) {
    throw new CheckpointError(
      `${path}: not readable as part of a checkpoint: ${messageOf(cause)}: delete ${basename(join(path, ".."))} to resume from the one before it`,
      { cause },
    );
  }
}

/** Where the run stood when a checkpoint was written. @throws CheckpointError when the file is missing or damaged */
export function readTrainState(folder: string): Promise<TrainState> {
  return readJson(join(folder, "state.json"), stateSchema);
}

/**
 * Continues from a checkpoint after checking every file against the manifest.
 * @returns where the run stood
 * @throws CheckpointError naming the file that is missing or altered
 */
export async function restoreCheckpoint(
  folder: string,
  learner: Pick<Learner, "restore">,
): Promise<TrainState> {
  const manifest = await readJson(join(folder, "manifest.json"), manifestSchema);
  for (const [name, digest] of Object.entries(manifest.files)) {
    const found = await sha256File(join(folder, name)).catch(() => "missing");
    if (found !== digest) {
      const what = found === "missing" ? "is missing" : "has changed since it was written";
      throw new CheckpointError(
        `${join(folder, name)}: ${what}: delete ${basename(folder)} to resume from the one before it`,
      );
    }
  }
  const state = await readTrainState(folder);
  await learner.restore(folder, state.optimizerSteps);
  return state;
}

/** Whole checkpoints of a run, oldest first. */
export async function listCheckpoints(parent: string): Promise<string[]> {
  const names = await readdir(parent).catch(() => []);
  return names
    .flatMap((name) => {
      const match = STEP_FOLDER.exec(name);
      return match ? [{ name, step: Number(match[1]) }] : [];
    })
    .sort((a, b) => a.step - b.step)
    .map(({ name }) => join(parent, name));
}

/** Deletes all but the newest `keep` checkpoints and any unfinished ones. */
export async function pruneCheckpoints(parent: string, keep: number): Promise<void> {
  const whole = await listCheckpoints(parent);
  const names = await readdir(parent).catch(() => []);
  const unfinished = names.filter((name) => name.endsWith(".partial")).map((name) => join(parent, name));
  const surplus = whole.slice(0, Math.max(0, whole.length - keep));
  for (const folder of [...surplus, ...unfinished]) await rm(folder, { recursive: true, force: true });
}
