/**
 * @module Whole safetensors files: all tensors read, and written.
 *
 * Writing goes to a temporary name that is synced and renamed, so a file under its own name is complete.
 *
 * Source: the format description at github.com/huggingface/safetensors.
 */
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { syncPath, writeError } from "../core/files/atomic.js";
import type { NdArray, Params } from "../core/ndarray.js";
import { encodeHeader } from "./weights/header.js";
import { type FloatDtype, narrow, storedBytes } from "./weights/numbers.js";
import { openTensors, readAllAndClose } from "./weights/tensorStore.js";

/**
 * Reads all tensors of a file, or of all shards when `path` ends in `.index.json`.
 * F32, F16, BF16 and F64 become float32; I32 and I64 become int32.
 * @throws CheckpointError naming the file and the cure
 */
export async function readSafetensors(path: string): Promise<Params> {
  return readAllAndClose(await openTensors(path));
}

/** The `__metadata__` of a file. @throws CheckpointError when the file is not whole */
export async function readSafetensorsMetadata(path: string): Promise<Readonly<Record<string, string>>> {
  const store = await openTensors(path);
  await store.close();
  return store.metadata;
}

export interface WriteOptions {
  /** How float32 arrays are stored; int32 arrays always are I32. Default: F32. */
  readonly dtype?: FloatDtype;
  /** Added to `{ format: "pt" }`, without which some readers refuse the file. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Writes tensors in order of their names: the same parameters give the same bytes.
 * @throws CheckpointError when the file cannot be written; nothing is left under `path` that was not there before
 */
export async function writeSafetensors(
  path: string,
  params: Params,
  options: WriteOptions = {},
): Promise<void> {
  const partial = `${path}.partial`;
  const names = Object.keys(params).sort();
  const header: Record<string, unknown> = { __metadata__: { format: "pt", ...options.metadata } };
  let offset = 0;
  const chunks = names.map((name) => {
    const array = params[name] as NdArray;
    const dtype = array.dtype === "int32" ? ("I32" as const) : (options.dtype ?? "F32");
    const end = offset + storedBytes(dtype, array.shape);
    header[name] = { dtype, shape: array.shape, data_offsets: [offset, end] };
    offset = end;
    return { array, dtype };
  });
  const file = await open(partial, "w").catch((cause: unknown) => {
    throw writeError(path, cause);
  });
  try {
    try {
      await writeAll(file, encodeHeader(header));
      for (const { array, dtype } of chunks) await writeAll(file, encode(array, dtype));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
    await syncPath(dirname(path));
  } catch (cause) {
    await rm(partial, { force: true });
    throw writeError(path, cause);
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written);
    written += bytesWritten;
  }
}

function encode({ data }: NdArray, dtype: FloatDtype | "I32"): Uint8Array {
  if (dtype === "I32" || data instanceof Int32Array) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  return narrow(data, dtype);
}
