/**
 * @module Weights that graphs map where they stand: nothing is read, and all sessions share the same pages.
 */
import { resolve } from "node:path";
import type { ArgumentArray } from "../../compile/tree.js";
import { BYTES_PER_NUMBER, type ExternalArray } from "../../core/ndarray.js";
import type { StoredDtype } from "./numbers.js";
import type { TensorStore } from "./tensorStore.js";

const MAPPABLE: Partial<Record<StoredDtype, ExternalArray["dtype"]>> = {
  BF16: "bfloat16",
  F16: "float16",
  F32: "float32",
  U8: "uint8",
};

/** A tensor's place in its file; one that cannot be mapped (float64, an odd place) is read. */
export async function mappedTensor(store: TensorStore, name: string): Promise<ArgumentArray> {
  const entry = store.entries.get(name);
  const dtype = entry && MAPPABLE[entry.dtype];
  if (!dtype || entry.offset % BYTES_PER_NUMBER[dtype] !== 0) return store.readArgument(name);
  return { dtype, shape: entry.shape, file: resolve(entry.file), offset: entry.offset };
}
