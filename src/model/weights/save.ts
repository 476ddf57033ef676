/**
 * @module Weights written as transformers writes them: one file, or shards with an index, piece by piece, so that a model
 * of any size passes through a little memory. A piece is made while the one before it is written, and what is written
 * goes to the disk meanwhile: the disk, the slowest of the three, never waits.
 */
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { writeError, writeFileAtomic } from "../../core/files/atomic.js";
import { encodeHeader } from "./header.js";
import { type StoredDtype, storedBytes } from "./numbers.js";
import type { Rows } from "./tensorStore.js";

/** A tensor to be written. */
export interface TensorSource {
  readonly name: string;
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  /**
   * Its bytes, when their turn comes: all, or those of rows of the first axis. Rows are asked for once and in order, the
   * next ones while these are written.
   */
  read(rows?: Rows): Promise<Uint8Array>;
}

export interface SaveOptions {
  /** Bytes of a shard at most; a larger tensor has one of its own. Default: 5 GB, as transformers. */
  readonly shardBytes?: number;
  readonly onTensor?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

const SHARD_BYTES = 5e9;

/** Of a tensor, what is made at once; never more than a shard. */
const PIECE_BYTES = 2 ** 25;

/** What is written before the disk is told to take it. */
const FLUSH_BYTES = 2 ** 28;

/**
 * Writes `model.safetensors`, or shards and `model.safetensors.index.json`, into an existing folder.
 * @throws CheckpointError when they cannot be written
 */
export async function saveTensors(
  folder: string,
  tensors: readonly TensorSource[],
  options: SaveOptions = {},
): Promise<void> {
  const { shardBytes = SHARD_BYTES } = options;
  const shards = shardsOf(
    [...tensors].sort((a, b) => (a.name < b.name ? -1 : 1)),
    shardBytes,
  );
  const pieceBytes = Math.min(PIECE_BYTES, shardBytes);
  const weightMap: Record<string, string> = {};
  let done = 0;
  for (const [at, shard] of shards.entries()) {
    const file = shards.length === 1 ? "model.safetensors" : shardName(at, shards.length);
    const onTensor = () => {
      options.signal?.throwIfAborted();
      options.onTensor?.(++done, tensors.length);
    };
    await writeShard(join(folder, file), shard, { pieceBytes, onTensor });
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
  { pieceBytes, onTensor }: { readonly pieceBytes: number; readonly onTensor: () => void },
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
  const disk = flusher(file, path);
  let next: Promise<Uint8Array> | undefined;
  try {
    await writeBytes(file, path, header);
    const pieces = tensors.flatMap((tensor) => piecesOf(tensor, pieceBytes));
    next = pieces[0]?.read();
    for (const [at, { isLast }] of pieces.entries()) {
      const bytes = (await next) as Uint8Array;
      const written = writeBytes(file, path, bytes);
      next = pieces[at + 1]?.read();
      next?.catch(() => undefined); // told when its turn comes
      await written;
      disk.wrote(bytes.length);
      if (isLast) onTensor();
    }
    await disk.flushed();
    await file.sync();
  } finally {
    await next?.catch(() => undefined); // before the caller closes what it reads from
    await disk.flushed().catch(() => undefined);
    await file.close();
  }
}

/** A tensor in pieces of whole rows. */
function piecesOf(
  tensor: TensorSource,
  pieceBytes: number,
): { isLast: boolean; read: () => Promise<Uint8Array> }[] {
  const [rows = 1] = tensor.shape;
  const bytes = bytesOf(tensor);
  if (bytes <= pieceBytes) return [{ isLast: true, read: () => tensor.read() }];
  const most = Math.max(1, Math.floor((pieceBytes * rows) / bytes));
  return Array.from({ length: Math.ceil(rows / most) }, (_, at) => {
    const end = Math.min(rows, (at + 1) * most);
    return { isLast: end === rows, read: () => tensor.read([at * most, end]) };
  });
}

/** Has the disk take what is written, one call at a time, beside whatever goes on. */
function flusher(file: FileHandle, path: string) {
  let unflushed = 0;
  let flushing: Promise<void> | undefined;
  let failure: unknown;
  return {
    wrote(bytes: number): void {
      unflushed += bytes;
      if (unflushed < FLUSH_BYTES || flushing) return;
      unflushed = 0;
      flushing = file
        .datasync()
        .catch((cause: unknown) => {
          failure ??= cause;
        })
        .finally(() => {
          flushing = undefined;
        });
    },
    /** @throws CheckpointError when the disk did not take something */
    async flushed(): Promise<void> {
      await flushing;
      if (failure !== undefined) throw writeError(path, failure);
    },
  };
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
