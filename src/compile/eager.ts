/**
 * @module `eager(fn)`: the signature of `jit(fn)` without compiling, on an ordinary TensorFlow.js backend. The oracle
 * that compiled functions are tested against, and the mode for exploring.
 */
import { open } from "node:fs/promises";
import { DataError } from "../core/errors.js";
import { fromBfloat, fromHalf } from "../core/halves.js";
import { bytesOf, type ExternalArray, type NdArray } from "../core/ndarray.js";
import { type Tensor, tf } from "../core/tf.js";
import { type EagerBackend, loadBackend } from "./backends.js";
import type { HostArgs } from "./jit.js";
import { type HostArray, isDeviceArray } from "./runtime/session.js";
import { isExternal } from "./trace.js";
import { type ArgumentArray, flatten, type HostOf, unflatten } from "./tree.js";

export interface EagerOptions {
  /** Default: cpu. */
  readonly backend?: EagerBackend;
}

/** The numbers of a file. @throws DataError when it ends before them */
async function readExternal(array: ExternalArray): Promise<HostArray> {
  const { dtype, shape, file, offset } = array;
  const bytes = new Uint8Array(bytesOf(array));
  const handle = await open(file);
  try {
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, offset);
    if (bytesRead < bytes.length)
      throw new DataError(`${file}: ends after ${bytesRead} of ${bytes.length} bytes`);
  } finally {
    await handle.close();
  }
  const as = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array };
  const data = new (dtype in as ? as[dtype as keyof typeof as] : Uint16Array)(bytes.buffer);
  return { dtype, shape, data } as HostArray;
}

/** The same numbers as float32 or int32. */
function widen(array: HostArray): NdArray {
  const { dtype, shape, data } = array;
  if (dtype === "float32" || dtype === "int32") return array;
  if (dtype === "uint8") return { dtype: "int32", shape, data: Int32Array.from(data) };
  const halves = data as Uint16Array;
  return { dtype: "float32", shape, data: dtype === "bfloat16" ? fromBfloat(halves) : fromHalf(halves) };
}

/** The numbers of an argument, those of narrow types widened as graphs widen them. */
async function widened(leaf: ArgumentArray): Promise<NdArray> {
  if (isExternal(leaf)) return widened(await readExternal(leaf));
  const array = isDeviceArray(leaf) ? await leaf.read() : leaf;
  return widen(array);
}

/** An array's numbers as a tensor of the active backend. */
function upload({ data, shape, dtype }: NdArray): Tensor {
  return tf.tensor(data, [...shape], dtype);
}

/** A tensor's numbers; truth values become 0 and 1. */
function download(tensor: Tensor): NdArray {
  const dtype = tensor.dtype === "float32" ? "float32" : "int32";
  const data = tensor.dataSync();
  return {
    dtype,
    shape: [...tensor.shape],
    data: dtype === "float32" ? Float32Array.from(data) : Int32Array.from(data),
  };
}

/** `fn` on host arrays, computed at once by TensorFlow.js. Arguments are copied; no tensor outlives the call. */
export function eager<Args extends readonly unknown[], Out>(
  fn: (...args: Args) => Out,
  options: EagerOptions = {},
): (...args: HostArgs<Args>) => Promise<HostOf<Out>> {
  const backend = options.backend ?? "cpu";
  return async (...args) => {
    await loadBackend(backend);
    const { leaves: given, structure: shape } = flatten<ArgumentArray>(args);
    const host = await Promise.all(given.map(widened));
    tf.backend(); // starts one if none has been used yet
    const previous = tf.getBackend();
    void tf.setBackend(backend);
    tf.engine().startScope("eager");
    try {
      const result = fn(...(unflatten(shape, host.map(upload)) as Args));
      const { leaves, structure } = flatten<Tensor>(result);
      return unflatten(structure, leaves.map(download)) as HostOf<Out>;
    } finally {
      tf.engine().endScope();
      void tf.setBackend(previous);
    }
  };
}
