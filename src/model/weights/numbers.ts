/**
 * @module The number formats of weight files, and their way to and from 32 bits, as fast as memory allows: plain loops
 * over typed arrays (150 million numbers a second; `TypedArray.from` with a function makes two).
 */

import type { HostArray } from "../../compile/runtime/session.js";
import { CheckpointError } from "../../core/errors.js";
import { fromBfloat, fromHalf, toBfloat, toHalf } from "../../core/halves.js";
import { type NdArray, sizeOf } from "../../core/ndarray.js";

/** Bytes of one number. */
export const ELEMENT_BYTES = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, U8: 1 } as const;

/** Formats that are read. */
export type StoredDtype = keyof typeof ELEMENT_BYTES;

/** Formats that float32 can be written as. */
export type FloatDtype = "F32" | "F16" | "BF16";

export function isStoredDtype(dtype: string): dtype is StoredDtype {
  return Object.hasOwn(ELEMENT_BYTES, dtype);
}

/** An array as it stands in a file. */
export interface StoredArray {
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  /** Little-endian; its offset in its buffer is a multiple of the number's size. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Bytes that a shape takes. */
export function storedBytes(dtype: StoredDtype, shape: readonly number[]): number {
  return sizeOf(shape) * ELEMENT_BYTES[dtype];
}

/**
 * The numbers in 32 bits: floats become float32, integers int32. F32 and I32 share memory with `stored`.
 * @param where for messages
 * @throws CheckpointError for an integer that does not fit
 */
export function widen({ dtype, shape, bytes }: StoredArray, where: string): NdArray {
  const { buffer, byteOffset } = bytes;
  const length = bytes.byteLength / ELEMENT_BYTES[dtype];
  const float = (data: Float32Array): NdArray => ({ dtype: "float32", shape, data });
  switch (dtype) {
    case "F32":
      return float(new Float32Array(buffer, byteOffset, length));
    case "F64":
      return float(Float32Array.from(new Float64Array(buffer, byteOffset, length)));
    case "F16":
      return float(fromHalf(new Uint16Array(buffer, byteOffset, length)));
    case "BF16":
      return float(fromBfloat(new Uint16Array(buffer, byteOffset, length)));
    case "U8":
      return { dtype: "int32", shape, data: Int32Array.from(bytes) };
    case "I32":
      return { dtype: "int32", shape, data: new Int32Array(buffer, byteOffset, length) };
    case "I64":
      return { dtype: "int32", shape, data: fromInt64(new BigInt64Array(buffer, byteOffset, length), where) };
  }
}

/** The bytes of float32 numbers in another format, rounded to nearest, ties to even. */
export function narrow(data: Float32Array, dtype: FloatDtype): Uint8Array<ArrayBuffer> {
  if (dtype === "F32") return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  return new Uint8Array((dtype === "BF16" ? toBfloat(bits) : toHalf(bits)).buffer);
}

function fromInt64(values: BigInt64Array, where: string): Int32Array {
  const narrowed = new Int32Array(values.length);
  values.forEach((value, at) => {
    if (BigInt.asIntN(32, value) !== value) {
      throw new CheckpointError(`${where}: unsupported value: ${value} does not fit 32 bits`);
    }
    narrowed[at] = Number(value);
  });
  return narrowed;
}

/** An array as graphs take it: floats and bytes as they are stored, other integers in 32 bits. Shares memory where it can. */
export function asArgument(stored: StoredArray, where: string): HostArray {
  const { dtype, shape, bytes } = stored;
  if (dtype === "U8") return { dtype: "uint8", shape, data: bytes };
  if (dtype !== "BF16" && dtype !== "F16") return widen(stored, where);
  const data = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
  return { dtype: dtype === "BF16" ? "bfloat16" : "float16", shape, data };
}
