/**
 * @module `eager(fn)`: the signature of `jit(fn)` without compiling, on an ordinary TensorFlow.js backend. The oracle
 * that compiled functions are tested against, and the mode for exploring.
 */
import type { NdArray } from "../core/ndarray.js";
import { type Tensor, tf } from "../core/tf.js";
import { type EagerBackend, loadBackend } from "./backends.js";
import type { HostArgs } from "./jit.js";
import { type GraphArray, isDeviceArray } from "./runtime/session.js";
import { flatten, type HostOf, unflatten } from "./tree.js";

export interface EagerOptions {
  /** Default: cpu. */
  readonly backend?: EagerBackend;
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
    const { leaves: given, structure: shape } = flatten<GraphArray>(args);
    const host = await Promise.all(given.map((leaf) => (isDeviceArray(leaf) ? leaf.read() : leaf)));
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
