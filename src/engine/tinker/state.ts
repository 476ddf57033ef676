/**
 * @module What a checkpoint keeps of a policy on a server: the name its weights and moments are saved under there.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { CheckpointError, messageOf } from "../../core/errors.js";
import { writeFileAtomic } from "../../core/files/atomic.js";

const FILE = "tinker.json";

const stateSchema = z.strictObject({
  server: z.string(),
  /** `tinker://…`: weights with the optimizer's moments. */
  path: z.string(),
  model: z.string(),
  rank: z.int().nonnegative(),
  /** Training calls that the model had had. */
  calls: z.int().nonnegative(),
  /** `tinker://…`: the same weights to sample from, whose archive lies beside this file. */
  sampler: z.string().exactOptional(),
  /** Why it does not. */
  problem: z.string().exactOptional(),
});
export type RemoteState = z.output<typeof stateSchema>;

export async function writeRemoteState(folder: string, state: RemoteState): Promise<void> {
  await writeFileAtomic(join(folder, FILE), `${JSON.stringify(state, undefined, 2)}\n`);
}

/** @throws CheckpointError when the folder has none, or a damaged one */
export async function readRemoteState(folder: string): Promise<RemoteState> {
  const path = join(folder, FILE);
  try {
    return stateSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (cause) {
    throw new CheckpointError(
      `${path}: not the state of a policy on a server: ${messageOf(cause)}; resume with the engine.kind that the run began with`,
      { cause },
    );
  }
}
