/**
 * @module ONNX Runtime's tensors over JavaScript's memory: made once for arrays that come again, freed when the memory
 * is collected.
 */
import { ShapeError } from "../../../core/errors.js";
import { bytesOf } from "../../../core/ndarray.js";
import { ONNX_TYPE_CODE } from "../../onnxWriter.js";
import { isSame, kindOf } from "../hostArray.js";
import type { ArrayKind, HostArray } from "../session.js";
import type { Api } from "./api.js";

/** Stands for the memory of arrays without numbers: a tensor's address must not be null. */
const NOTHING = new Uint8Array(new ArrayBuffer(8));

/** A shape as C takes it. */
export const dimensions = (shape: readonly number[]): BigInt64Array => {
  const sides = new BigInt64Array(new ArrayBuffer(8 * Math.max(1, shape.length)));
  shape.forEach((side, at) => {
    sides[at] = BigInt(side);
  });
  return sides;
};

/** A tensor of this kind. */
interface Made extends ArrayKind {
  readonly value: bigint;
}

/**
 * Tensors by the memory they read, and by shape. The caller keeps the array until the run is over.
 * @returns a function giving a tensor's address
 */
export function hostValues(api: Api): (array: HostArray) => bigint {
  const cpu = api.made((out) => api.CreateCpuMemoryInfo(1, 0, out));
  const known = new WeakMap<HostArray["data"], Made[]>();
  const collected = new FinalizationRegistry((values: readonly Made[]) => {
    for (const { value } of values) api.free.ReleaseValue(value);
  });
  return (array) => {
    const { dtype, shape, data } = array;
    const bytes = bytesOf(array);
    if (data.byteLength !== bytes) {
      throw new ShapeError(
        `array: ${kindOf(array)} takes ${bytes} bytes, got ${data.byteLength} (moved away?)`,
      );
    }
    const values = known.get(data) ?? [];
    const found = values.find((made) => isSame(made, array));
    if (found) return found.value;
    // Reading `buffer` moves small arrays out of V8's heap, where they could not stay where they are.
    const memory = bytes > 0 && data.buffer ? data : NOTHING;
    const value = api.made((out) =>
      api.CreateTensorWithDataAsOrtValue(
        cpu,
        memory,
        bytes,
        dimensions(shape),
        shape.length,
        ONNX_TYPE_CODE[dtype],
        out,
      ),
    );
    if (values.length === 0) {
      known.set(data, values);
      collected.register(data, values);
    }
    values.push({ dtype, shape, value });
    return value;
  };
}
