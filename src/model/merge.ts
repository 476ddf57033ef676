/**
 * @module A model folder of its own from a checkpoint, or from an adapter and its base: weights pass through memory in
 * pieces, and keep their format and their bits where nothing is to change.
 */
import { copyFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { ModelError } from "../core/errors.js";
import { createFolder } from "../core/files/folder.js";
import { given } from "../core/given.js";
import type { OnProgress } from "../core/progress.js";
import type { Network } from "./family.js";
import { loadNetwork, MODEL_FILES } from "./load.js";
import { ADAPTER_CONFIG, adapterBase, isAdapterFolder, readAdapter } from "./lora/peft.js";
import { createRowMerger, type RowMerger } from "./lora/rowMerger.js";
import type { AdaptedModule } from "./lora/spec.js";
import { readModelJson } from "./modelFiles.js";
import { type FloatDtype, narrow, type StoredDtype } from "./weights/numbers.js";
import { openWeights } from "./weights/open.js";
import { saveTensors, type TensorSource } from "./weights/save.js";
import type { Rows, TensorStore } from "./weights/tensorStore.js";

export interface MergeOptions {
  /** A checkpoint, a model folder, or an adapter's. */
  readonly checkpoint: string;
  readonly out: string;
  /** An adapter's base; default: the folder that the adapter names. */
  readonly base?: string;
  /** Format of all weights; default: as they are. */
  readonly dtype?: FloatDtype;
  /** Bytes of a shard at most; default: 5 GB. */
  readonly shardBytes?: number;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

/** What FSDP leaves of a policy: one pickle per process. */
const FSDP_SHARD = /^model_world_size_\d+_rank_\d+\.pt$/;

/** @throws ModelError for files that hold Python objects, with what converts them */
async function refusePickles(dir: string): Promise<void> {
  const names = await readdir(dir).catch(() => [] as string[]);
  const inside = names.includes("actor") ? await readdir(join(dir, "actor")).catch(() => []) : names;
  const where = inside === names ? dir : join(dir, "actor");
  if (!inside.some((name) => FSDP_SHARD.test(name))) return;
  throw new ModelError(
    `${where}: unsupported weights: shards of FSDP are Python pickles; convert them where they were made: ` +
      `python3 scripts/model_merger.py --local_dir ${where}  (EasyR1's), then give ${join(where, "huggingface")}`,
  );
}

/** @throws ModelError for a checkpoint whose weights stayed on a server, with why */
async function refuseRemote(dir: string): Promise<void> {
  const path = join(dir, "tinker.json");
  const { problem, sampler } = ((await readModelJson(path)) ?? {}) as {
    problem?: unknown;
    sampler?: unknown;
  };
  if (typeof problem !== "string") return;
  throw new ModelError(
    `${dir}: the weights are on the server alone${sampler ? ` (${sampler})` : ""}: ${problem}; download their archive and give its folder`,
  );
}

/**
 * Writes a Hugging Face folder that needs nothing else.
 * @returns how many tensors were written, and how many of them an adapter changed
 * @throws ModelError when checkpoint and base do not fit; CheckpointError when a file is damaged or `out` is there
 */
export async function mergeCheckpoint(options: MergeOptions): Promise<{ tensors: number; adapted: number }> {
  const { checkpoint, out } = options;
  await refusePickles(checkpoint);
  await refuseRemote(checkpoint);
  const isAdapter = await isAdapterFolder(checkpoint);
  const base = isAdapter ? (options.base ?? (await adapterBase(checkpoint))) : checkpoint;
  if (base === undefined) {
    throw new ModelError(`${join(checkpoint, ADAPTER_CONFIG)}: names no base; give one with --base DIR`);
  }
  const network = await loadNetwork(base);
  const adapter = isAdapter ? await readAdapter(checkpoint, network) : undefined;
  const store = await openWeights(base, network);
  const merger = createRowMerger(adapter?.params ?? {});
  const modules = adapter?.modules ?? [];
  try {
    const sources = sourcesOf(store, network, { merger, modules, dtype: options.dtype });
    await createFolder(out, async (partial) => {
      await copyPresent(base, partial);
      await saveTensors(partial, sources, {
        ...given({ shardBytes: options.shardBytes, signal: options.signal }),
        onTensor: (done, total) => options.onProgress?.({ phase: "merge", done, total }),
      });
    });
    return { tensors: sources.length, adapted: modules.length };
  } finally {
    await merger.dispose();
    await store.close();
  }
}

/** Config, tokenizer and processor files. */
async function copyPresent(from: string, to: string): Promise<void> {
  const present = new Set(await readdir(from));
  for (const name of MODEL_FILES.filter((file) => present.has(file))) {
    await copyFile(join(from, name), join(to, name));
  }
}

function sourcesOf(
  store: TensorStore,
  { family }: Network,
  {
    merger,
    modules,
    dtype,
  }: {
    readonly merger: RowMerger;
    readonly modules: readonly AdaptedModule[];
    readonly dtype: FloatDtype | undefined;
  },
): TensorSource[] {
  const memoryFor = turns();
  const byWeight = new Map(modules.map((module) => [`${module.name}.weight`, module]));
  return [...store.entries].map(([name, entry]) => {
    const wanted: StoredDtype = dtype ?? entry.dtype;
    const module = byWeight.get(name);
    const isKept = module === undefined && wanted === entry.dtype;
    const from = (rows?: Rows) => {
      const share = rows ? (rows[1] - rows[0]) / (entry.shape[0] as number) : 1;
      return { rows, into: memoryFor(entry.bytes * share) };
    };
    const changed = async (rows?: Rows): Promise<Uint8Array> => {
      if (!isFloat(wanted)) {
        throw new ModelError(`${name}: unsupported dtype of a weight: ${wanted}; give --dtype`);
      }
      if (module) {
        return merger.merge(await store.readArgument(name, from(rows)), module, { rows, dtype: wanted });
      }
      return narrow((await store.readWide(name, { rows })).data as Float32Array, wanted);
    };
    return {
      name: family.publishedName(name),
      dtype: wanted,
      shape: entry.shape,
      read: async (rows) => (isKept ? (await store.read(name, from(rows))).bytes : changed(rows)),
    };
  });
}

const isFloat = (dtype: StoredDtype): dtype is FloatDtype => ["F32", "F16", "BF16"].includes(dtype);

/** Memory of two pieces, by turns: one is read while the other is written. */
function turns() {
  const memory = [new Uint8Array(0), new Uint8Array(0)];
  return (bytes: number): Uint8Array<ArrayBuffer> => {
    const held = memory.shift() as Uint8Array<ArrayBuffer>;
    const next = held.byteLength >= bytes ? held : new Uint8Array(bytes);
    memory.push(next);
    return next;
  };
}
