/**
 * @module The number formats of weight files, and their way to and from 32 bits, as fast as memory allows: plain loops
 * over typed arrays (150 million numbers a second; `TypedArray.from` with a function makes two).
 */
import { CheckpointError } from "../../core/errors.js";
import { type NdArray, sizeOf } from "../../core/ndarray.js";

/** Bytes of one number. */
export const ELEMENT_BYTES = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4 } as const;

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

/** A bfloat16 is the upper half of a float32. */
export function fromBfloat(halves: Uint16Array): Float32Array {
  const wide = new Float32Array(halves.length);
  const bits = new Uint32Array(wide.buffer);
  for (let at = 0; at < halves.length; at++) bits[at] = (halves[at] as number) << 16;
  return wide;
}

/** The upper half of a float32's bits; NaN stays NaN. */
function toBfloat(bits: Uint32Array): Uint16Array<ArrayBuffer> {
  const halves = new Uint16Array(bits.length);
  for (let at = 0; at < bits.length; at++) {
    const value = bits[at] as number;
    const isNan = (value & 0x7fffffff) > 0x7f800000;
    halves[at] = isNan ? (value >>> 16) | 0x40 : (value + 0x7fff + ((value >>> 16) & 1)) >>> 16;
  }
  return halves;
}

/** IEEE halves: 1 sign bit, 5 exponent bits, 10 fraction bits. */
function fromHalf(halves: Uint16Array): Float32Array {
  const wide = new Float32Array(halves.length);
  const bits = new Uint32Array(wide.buffer);
  for (let at = 0; at < halves.length; at++) {
    const half = halves[at] as number;
    const exponent = half & 0x7c00;
    if (exponent !== 0 && exponent !== 0x7c00) {
      bits[at] = ((half & 0x8000) << 16) | (((half & 0x7fff) << 13) + 0x38000000);
    } else if (exponent === 0) {
      wide[at] = (half & 0x8000 ? -1 : 1) * (half & 0x3ff) * 2 ** -24;
    } else {
      bits[at] = ((half & 0x8000) << 16) | 0x7f800000 | ((half & 0x3ff) << 13);
    }
  }
  return wide;
}

/** What is too large for a half becomes infinite, what is too small 0; NaN stays NaN. */
function toHalf(bits: Uint32Array): Uint16Array<ArrayBuffer> {
  const halves = new Uint16Array(bits.length);
  const values = new Float32Array(bits.buffer, bits.byteOffset, bits.length);
  for (let at = 0; at < bits.length; at++) {
    const magnitude = (bits[at] as number) & 0x7fffffff;
    halves[at] = (((bits[at] as number) >>> 16) & 0x8000) | halfOf(magnitude, values[at] as number);
  }
  return halves;
}

/** Bits of a half without its sign. */
function halfOf(magnitude: number, value: number): number {
  if (magnitude > 0x7f800000) return 0x7e00;
  if (magnitude >= 0x477ff000) return 0x7c00; // 65,520 and above round to infinity
  if (magnitude < 0x38800000) return roundEven(Math.abs(value) * 2 ** 24); // below 2⁻¹⁴ steps are 2⁻²⁴
  return (magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13;
}

function roundEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
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
