/**
 * @module The state of a learner of adapters as files: an adapter folder in PEFT's format, the base's config and
 * tokenizer files, and AdamW's moments.
 */
import { join } from "node:path";
import { ModelError } from "../../../core/errors.js";
import type { NdArray, Params } from "../../../core/ndarray.js";
import type { Adapter } from "../../../model/lora/adapter.js";
import { readAdapter, writeAdapter } from "../../../model/lora/peft.js";
import { readSafetensors } from "../../../model/safetensors.js";
import type { SavedParts } from "../../engine.js";
import { type LearnerState, OPTIMIZER_FILE, unprefixed, writeMoments } from "../optimizerFile.js";
import { copyModelFiles } from "../weightFiles.js";
import type { OpenModel } from "./model.js";

export async function writeAdapterState(
  folder: string,
  { adapter, ...moments }: { readonly adapter: Adapter; readonly first: Params; readonly second: Params },
  { dir }: OpenModel,
  parts: SavedParts = "all",
): Promise<void> {
  await copyModelFiles(dir, folder);
  await writeAdapter(folder, adapter, dir);
  await writeMoments(folder, moments, parts);
}

/**
 * @param like the adapter in training
 * @throws ModelError when the folder's is of other layers or ranks; CheckpointError when a file is damaged
 */
export async function readAdapterState(
  folder: string,
  model: OpenModel,
  like: Adapter,
): Promise<LearnerState> {
  const { params } = await readAdapter(folder, model);
  const path = join(folder, OPTIMIZER_FILE);
  const optimizer = await readSafetensors(path);
  const state = {
    params,
    first: unprefixed("first", optimizer),
    second: unprefixed("second", optimizer),
  };
  for (const part of Object.values(state)) requireSame(part, like.params, folder);
  return state;
}

function requireSame(found: Params, wanted: Params, folder: string): void {
  const shapeOf = (array: NdArray | undefined) => array?.shape.join();
  const names = new Set([...Object.keys(found), ...Object.keys(wanted)]);
  const wrong = [...names].find((name) => shapeOf(found[name]) !== shapeOf(wanted[name]));
  if (wrong === undefined) return;
  throw new ModelError(
    `${folder}: not the adapter in training: ${wrong}: expected [${shapeOf(wanted[wrong]) ?? "none"}], got [${shapeOf(found[wrong]) ?? "none"}]`,
  );
}
