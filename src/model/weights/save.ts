/**
 * @module Weights written as transformers writes them: one file, or shards with an index, tensor by tensor, so that a
 * model of any size passes through a little memory.
 */
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { writeError, writeFileAtomic } from "../../core/files/atomic.js";
import { encodeHeader } from "./header.js";
import { type StoredDtype, storedBytes } from "./numbers.js";

/** A tensor to be written. */
export interface TensorSource {
  readonly name: string;
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  /** Its bytes, when their turn comes. */
  read(): Promise<Uint8Array>;
}

export interface SaveOptions {
  /** Bytes of a shard at most; a larger tensor has one of its own. Default: 5 GB, as transformers. */
  readonly shardBytes?: number;
  readonly onTensor?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

const SHARD_BYTES = 5e9;

/**
 * Writes `model.safetensors`, or shards and `model.safetensors.index.json`, into an existing folder.
 * @throws CheckpointError when they cannot be written
 */
export async function saveTensors(
  folder: string,
  tensors: readonly TensorSource[],
  options: SaveOptions = {},
): Promise<void> {
  const shards = shardsOf(
    [...tensors].sort((a, b) => (a.name < b.name ? -1 : 1)),
    options.shardBytes ?? SHARD_BYTES,
  );
  const weightMap: Record<string, string> = {};
  let done = 0;
  for (const [at, shard] of shards.entries()) {
    const file = shards.length === 1 ? "model.safetensors" : shardName(at, shards.length);
    await writeShard(join(folder, file), shard, () => {
      options.signal?.throwIfAborted();
      options.onTensor?.(++done, tensors.length);
    });
    for (const { name } of shard) weightMap[name] = file;
  }
  if (shards.length === 1) return;
  const index = { metadata: { total_size: sizeOfAll(tensors) }, weight_map: weightMap };
  await writeFileAtomic(
    join(folder, "model.safetensors.index.json"),
    `${JSON.stringify(index, undefined, 2)}\n`,
  );
}

function shardName(at: number, count: number): string {
  const number = (value: number) => String(value).padStart(5, "0");
  return `model-${number(at + 1)}-of-${number(count)}.safetensors`;
}

function bytesOf({ dtype, shape }: TensorSource): number {
  return storedBytes(dtype, shape);
}

function sizeOfAll(tensors: readonly TensorSource[]): number {
  return tensors.reduce((sum, tensor) => sum + bytesOf(tensor), 0);
}

/** Consecutive tensors, as many as there is room for. */
function shardsOf(tensors: readonly TensorSource[], shardBytes: number): TensorSource[][] {
  const shards: TensorSource[][] = [[]];
  for (const tensor of tensors) {
    const last = shards.at(-1) as TensorSource[];
    if (last.length > 0 && sizeOfAll(last) + bytesOf(tensor) > shardBytes) shards.push([tensor]);
    else last.push(tensor);
  }
  return shards;
}

async function writeShard(
  path: string,
  tensors: readonly TensorSource[],
  onTensor: () => void,
): Promise<void> {
  let offset = 0;
  const entries = tensors.map((tensor) => {
    const begin = offset;
    offset += bytesOf(tensor);
    return [
      tensor.name,
      { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [begin, offset] },
    ] as const;
  });
  const header = encodeHeader({ __metadata__: { format: "pt" }, ...Object.fromEntries(entries) });
  const file = await open(path, "wx").catch((cause: unknown) => {
    throw writeError(path, cause);
  });
  try {
    await writeBytes(file, path, header);
    for (const tensor of tensors) {
      await writeBytes(file, path, await tensor.read());
      onTensor();
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Bytes that are handed over at once. */
const MAX_WRITE_BYTES = 1 << 30;

async function writeBytes(file: FileHandle, path: string, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const length = Math.min(bytes.length - written, MAX_WRITE_BYTES);
    const result = await file.write(bytes, written, length).catch((cause: unknown) => {
      throw writeError(path, cause);
    });
    written += result.bytesWritten;
  }
}
