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

/** Named arrays, as a checkpoint holds them: keys are Hugging Face parameter names. */
export type Params = Readonly<Record<string, NdArray>>;

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, side) => size * side, 1);
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
