/**
 * @module Host arrays: plain numbers with a shape. What compiled functions take and return, and what files hold.
 */
import { ShapeError } from "./errors.js";

export type DType = "float32" | "int32";

/** Row-major numbers. A compiled function that is given an array to take over (`donate`) replaces its `data`. */
export interface NdArray {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/** What files hold and graphs widen: bfloat16 and float16 as their bits, to float32; uint8 to int32. */
export type NarrowType = "bfloat16" | "float16" | "uint8";

/** Row-major numbers of a narrow type. */
export interface NarrowArray {
  readonly dtype: NarrowType;
  readonly shape: readonly number[];
  readonly data: Uint16Array | Uint8Array;
}

/** Numbers in a file, little-endian and row-major, which a graph maps instead of reading. */
export interface ExternalArray {
  readonly dtype: DType | NarrowType;
  readonly shape: readonly number[];
  /** Absolute path. */
  readonly file: string;
  /** Of the first number, bytes. */
  readonly offset: number;
}

/** Bytes of one number. */
export const BYTES_PER_NUMBER: Readonly<Record<DType | NarrowType, number>> = {
  float32: 4,
  int32: 4,
  bfloat16: 2,
  float16: 2,
  uint8: 1,
};

/** Named arrays, as a checkpoint holds them: keys are Hugging Face parameter names. */
export type Params = Readonly<Record<string, NdArray>>;

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, side) => size * side, 1);
}

/** Bytes of an array's numbers. */
export function bytesOf({ dtype, shape }: Pick<ExternalArray, "dtype" | "shape">): number {
  return sizeOf(shape) * BYTES_PER_NUMBER[dtype];
}

/** A new array of zeros. */
export function zeros(shape: readonly number[], dtype: DType = "float32"): NdArray {
  const size = sizeOf(shape);
  return { dtype, shape, data: dtype === "int32" ? new Int32Array(size) : new Float32Array(size) };
}

/**
 * Copies numbers into a new array.
 * @throws ShapeError when the count does not fit the shape
 */
export function ndarray(
  values: ArrayLike<number>,
  shape: readonly number[],
  dtype: DType = "float32",
): NdArray {
  if (values.length !== sizeOf(shape)) {
    throw new ShapeError(`ndarray: expected ${sizeOf(shape)} values for [${shape}], got ${values.length}`);
  }
  const array = zeros(shape, dtype);
  array.data.set(values);
  return array;
}

/** A rank-0 float. */
export function scalar(value: number): NdArray {
  return ndarray([value], []);
}

/** Zeros in the shapes of `params`. */
export function zerosLike(params: Params): Params {
  return Object.fromEntries(Object.entries(params).map(([name, { shape }]) => [name, zeros(shape)]));
}

/** The same numbers in new memory. */
export function copyOf(params: Params): Params {
  return Object.fromEntries(
    Object.entries(params).map(([name, array]) => [name, { ...array, data: array.data.slice() }]),
  );
}

/** Writes the numbers of `source` into the arrays of the same names. */
export function copyInto(target: Params, source: Params): void {
  for (const [name, { data }] of Object.entries(source)) target[name]?.data.set(data);
}
