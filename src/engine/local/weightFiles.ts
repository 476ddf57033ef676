/**
 * @module The state of a local learner as files: a Hugging Face model folder with AdamW's moments beside the weights.
 */
import { constants } from "node:fs";
import { copyFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Network } from "../../model/family.js";
import { MODEL_FILES } from "../../model/load.js";
import { checkParams, ownParams, publishedParams } from "../../model/params.js";
import { readSafetensors, writeSafetensors } from "../../model/safetensors.js";
import type { SavedParts } from "../engine.js";
import { type LearnerState, OPTIMIZER_FILE, unprefixed, writeMoments } from "./optimizerFile.js";

const WEIGHTS = "model.safetensors";
/** Copies the files of a model folder except its weights. */
export async function copyModelFiles(from: string, to: string): Promise<void> {
  const present = new Set(await readdir(from));
  for (const name of MODEL_FILES.filter((file) => present.has(file))) {
    await copyFile(join(from, name), join(to, name), constants.COPYFILE_FICLONE);
  }
}

/**
 * Writes the state into an existing folder; weights have the names that their family publishes.
 * @param model where config and tokenizer files are copied from
 */
export async function writeWeights(
  folder: string,
  { params, ...moments }: LearnerState,
  model: Network & { readonly dir: string },
  parts: SavedParts = "all",
): Promise<void> {
  await copyModelFiles(model.dir, folder);
  await writeSafetensors(join(folder, WEIGHTS), publishedParams(model, params));
  await writeMoments(folder, moments, parts);
}

/**
 * @param trained parameters that have moments; default: all
 * @throws CheckpointError when a file is missing or damaged; ModelError when it is another model's
 */
export async function readWeights(
  folder: string,
  network: Network,
  trained?: readonly string[],
): Promise<LearnerState> {
  const optimizer = await readSafetensors(join(folder, OPTIMIZER_FILE));
  const state = {
    params: ownParams(network, await readSafetensors(join(folder, WEIGHTS))),
    first: unprefixed("first", optimizer),
    second: unprefixed("second", optimizer),
  };
  checkParams(network, state.params, `${folder}: ${WEIGHTS}`);
  checkParams(network, state.first, `${folder}: ${OPTIMIZER_FILE}, first moments`, trained);
  checkParams(network, state.second, `${folder}: ${OPTIMIZER_FILE}, second moments`, trained);
  return state;
}
