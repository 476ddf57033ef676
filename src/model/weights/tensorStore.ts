/**
 * @module Tensors of a safetensors file, or of all shards that an index names: opened, not read. Headers are read and
 * checked; numbers come when they are asked for.
 */
import { type FileHandle, open, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import type { HostArray } from "../../compile/runtime/session.js";
import { CheckpointError, invariant, messageOf } from "../../core/errors.js";
import { listed } from "../../core/listed.js";
import type { NdArray, Params } from "../../core/ndarray.js";
import { COPY_AGAIN, type Header, parseChecked, readHeader, readInto, type TensorPlace } from "./header.js";
import { asArgument, ELEMENT_BYTES, type StoredArray, widen } from "./numbers.js";

/** A tensor and the file it is in. */
export interface TensorEntry extends TensorPlace {
  readonly file: string;
}

/** Rows of the first axis, from the first on and up to but without the second. */
export type Rows = readonly [begin: number, end: number];

export interface ReadOptions {
  /** Default: all. */
  readonly rows?: Rows | undefined;
  /** Memory that may be used again; must have room. Default: new memory. */
  readonly into?: Uint8Array<ArrayBuffer>;
}

/** Named tensors of open files. */
export interface TensorStore {
  readonly entries: ReadonlyMap<string, TensorEntry>;
  /** `__metadata__` of all files; of equal keys the last shard's. */
  readonly metadata: Readonly<Record<string, string>>;
  /**
   * Numbers as they stand in the file. Reading goes on beside a running graph: ask early, wait late.
   * @throws CheckpointError when the file has shrunk since it was opened
   */
  read(name: string, options?: ReadOptions): Promise<StoredArray>;
  /** The same in 32 bits. */
  readWide(name: string, options?: ReadOptions): Promise<NdArray>;
  /** The same as graphs take it: 16-bit floats stay what they are. */
  readArgument(name: string, options?: ReadOptions): Promise<HostArray>;
  close(): Promise<void>;
}

/** All tensors in 32 bits; the store is closed. */
export async function readAllAndClose(store: TensorStore): Promise<Params> {
  try {
    const params: [string, NdArray][] = [];
    for (const name of store.entries.keys()) params.push([name, await store.readWide(name)]);
    return Object.fromEntries(params);
  } finally {
    await store.close();
  }
}

/** What opening found, whole or not. */
export interface Opened {
  readonly store: TensorStore;
  /** One sentence for each file that cannot be used. */
  readonly problems: readonly string[];
  /** Tensors that the index promises from those files. */
  readonly lost: ReadonlySet<string>;
}

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

/** Names that downloads in progress have: ours, and the hub's own client's. */
const UNFINISHED = [".partial", ".incomplete"];

/**
 * @param path a `.safetensors` file, or the `.index.json` of shards
 * @throws CheckpointError naming every file that is missing or damaged
 */
export async function openTensors(path: string): Promise<TensorStore> {
  const { store, problems } = await tryOpenTensors(path);
  if (problems.length === 0) return store;
  await store.close();
  throw new CheckpointError(listed(problems));
}

/**
 * Opens what can be opened.
 * @throws CheckpointError when an index is missing, unreadable or names files outside its folder
 */
export async function tryOpenTensors(path: string): Promise<Opened> {
  const wanted = path.endsWith(".index.json") ? await readIndex(path) : new Map([[path, undefined]]);
  const files = new Map<string, FileHandle>();
  const entries = new Map<string, TensorEntry>();
  const metadata: Record<string, string> = {};
  const problems: string[] = [];
  const lost = new Set<string>();
  for (const [file, names] of wanted) {
    try {
      const header = await openFile(file, files);
      Object.assign(metadata, header.metadata);
      for (const [name, place] of header.tensors) {
        if (!names || names.has(name)) entries.set(name, { ...place, file });
      }
      const absent = [...(names ?? [])].filter((name) => !header.tensors.has(name));
      for (const name of absent) lost.add(name);
      if (absent.length > 0) {
        problems.push(
          `${path}: missing tensor: ${listed(absent)} is not in ${basename(file)}; ${COPY_AGAIN}`,
        );
      }
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
      problems.push(error.message);
      for (const name of names ?? []) lost.add(name);
    }
  }
  return { store: storeOf(files, entries, metadata), problems, lost };
}

/** Which tensors an index promises from which file. */
async function readIndex(path: string): Promise<Map<string, Set<string>>> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new CheckpointError(`${path}: cannot be read: ${messageOf(cause)}`, { cause });
  });
  const byFile = new Map<string, Set<string>>();
  for (const [name, shard] of Object.entries(parseChecked(indexSchema, text, path).weight_map)) {
    if (shard !== basename(shard) || shard.includes("\\") || !shard.endsWith(".safetensors")) {
      throw new CheckpointError(`${path}: invalid shard name: ${shard}; shards stand beside the index`);
    }
    const file = join(dirname(path), shard);
    byFile.set(file, (byFile.get(file) ?? new Set()).add(name));
  }
  return new Map([...byFile].sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function openFile(path: string, files: Map<string, FileHandle>): Promise<Header> {
  const file = await open(path, "r").catch(async (cause: unknown) => {
    const cure = (await isBeingDownloaded(path))
      ? "; its download was interrupted: download it again to continue"
      : "";
    throw new CheckpointError(`${path}: cannot be opened: ${messageOf(cause)}${cure}`, { cause });
  });
  files.set(path, file);
  return readHeader(file, path);
}

async function isBeingDownloaded(path: string): Promise<boolean> {
  const found = await Promise.all(
    UNFINISHED.map((suffix) => stat(`${path}${suffix}`).catch(() => undefined)),
  );
  return found.some((each) => each?.isFile());
}

function storeOf(
  files: ReadonlyMap<string, FileHandle>,
  entries: ReadonlyMap<string, TensorEntry>,
  metadata: Readonly<Record<string, string>>,
): TensorStore {
  const read = async (name: string, { rows, into }: ReadOptions = {}): Promise<StoredArray> => {
    const entry = entries.get(name);
    invariant(entry, `TensorStore.read: no tensor of this name: ${name}`);
    const { dtype, shape, offset, bytes } = rows ? rowsOf(entry, rows, name) : entry;
    invariant(
      !into || into.byteLength >= bytes,
      `TensorStore.read: ${name}: ${into?.byteLength} of ${bytes} bytes`,
    );
    const target = into ? into.subarray(0, bytes) : new Uint8Array(bytes);
    await readInto(files.get(entry.file) as FileHandle, entry.file, offset, target);
    return { dtype, shape, bytes: target };
  };
  const placeOf = (name: string) => `${entries.get(name)?.file}: ${name}`;
  return {
    entries,
    metadata,
    read,
    readWide: async (name, options) => widen(await read(name, options), placeOf(name)),
    readArgument: async (name, options) => asArgument(await read(name, options), placeOf(name)),
    close: async () => {
      await Promise.all([...files.values()].map((file) => file.close()));
    },
  };
}

function rowsOf(entry: TensorEntry, [begin, end]: Rows, name: string): TensorPlace {
  const [count, ...rest] = entry.shape;
  invariant(
    count !== undefined && begin >= 0 && end >= begin && end <= count,
    `TensorStore.read: ${name}: rows ${begin} to ${end} of [${entry.shape}]`,
  );
  const rowBytes = rest.reduce((product, side) => product * side, ELEMENT_BYTES[entry.dtype]);
  return {
    dtype: entry.dtype,
    shape: [end - begin, ...rest],
    offset: entry.offset + begin * rowBytes,
    bytes: (end - begin) * rowBytes,
  };
}
