/**
 * @module The weights of a model folder, opened under our names for them and checked against its config.json.
 */
import { join } from "node:path";
import { CheckpointError, ModelError } from "../../core/errors.js";
import { isThere } from "../../core/files/folder.js";
import type { Network } from "../family.js";
import { fitProblems, paramShapes } from "../params.js";
import { type TensorEntry, type TensorStore, tryOpenTensors } from "./tensorStore.js";

/** Weight files of a folder in Hugging Face layout: one, or the index of shards. */
export const WEIGHT_FILES = ["model.safetensors", "model.safetensors.index.json"] as const;

/** @throws ModelError when the folder has no weights */
export async function weightFile(dir: string): Promise<string> {
  for (const name of WEIGHT_FILES) {
    const path = join(dir, name);
    if (await isThere(path)) return path;
  }
  throw new ModelError(`${dir}: missing ${WEIGHT_FILES.join(" and ")}; copy the weights into the folder`);
}

/**
 * Opens a folder's weights; reads headers only.
 * @returns tensors under our names, all of `paramShapes(network)` and no others
 * @throws CheckpointError when files are damaged, ModelError when all are whole and do not fit the network: naming
 *   everything that is wrong in any of them
 */
export async function openWeights(dir: string, network: Network): Promise<TensorStore> {
  const path = await weightFile(dir);
  const { store, problems, lost } = await tryOpenTensors(path);
  const { family, config } = network;
  const rename = (name: string) => family.rename(name, config);
  const theirs = new Map<string, string>();
  const entries = new Map<string, TensorEntry>();
  for (const [name, entry] of store.entries) {
    const ours = rename(name);
    if (ours === undefined) continue;
    theirs.set(ours, name);
    entries.set(ours, entry);
  }
  const shapes = Object.fromEntries([...entries].map(([name, { shape }]) => [name, shape]));
  // Without an index nobody knows what a damaged file should have held.
  const isBlind = problems.length > 0 && !path.endsWith(".index.json");
  const excused = isBlind
    ? Object.keys(paramShapes(network))
    : [...lost].flatMap((name) => rename(name) ?? []);
  const misfits = fitProblems(network, shapes, new Set(excused));
  const all = [
    ...problems,
    ...(misfits.length > 0 ? [`${path}: parameters do not fit config.json: ${misfits.join("; ")}`] : []),
  ];
  if (all.length > 0) {
    await store.close();
    throw problems.length > 0 ? new CheckpointError(all.join("\n")) : new ModelError(all.join("\n"));
  }
  const nameIn = (name: string) => theirs.get(name) ?? name;
  return {
    ...store,
    entries,
    read: (name, options) => store.read(nameIn(name), options),
    readWide: (name, options) => store.readWide(nameIn(name), options),
    readArgument: (name, options) => store.readArgument(nameIn(name), options),
  };
}
