import { describe, expect, it } from "vitest";
import { ShapeError } from "../../src/core/errors.js";
import { ndarray, scalar, sizeOf, zeros } from "../../src/core/ndarray.js";

describe("sizeOf", () => {
  it("multiplies the sides; a scalar has one element, an empty axis none", () => {
    expect([sizeOf([2, 3, 4]), sizeOf([]), sizeOf([5, 0, 2])]).toEqual([24, 1, 0]);
  });
});

describe("zeros", () => {
  it("has the dtype's array", () => {
    expect(zeros([2, 2])).toEqual({ dtype: "float32", shape: [2, 2], data: new Float32Array(4) });
    expect(zeros([3], "int32").data).toEqual(new Int32Array(3));
  });
});

describe("ndarray", () => {
  it("copies its values", () => {
    const values = [1, 2, 3, 4, 5, 6];
    const array = ndarray(values, [2, 3], "int32");
    values[0] = 9;
    expect(Array.from(array.data)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(array.data).toBeInstanceOf(Int32Array);
  });

  it("refuses a count that does not fit, with both numbers", () => {
    expect(() => ndarray([1, 2, 3], [2, 2])).toThrow(ShapeError);
    expect(() => ndarray([1, 2, 3], [2, 2])).toThrow("ndarray: expected 4 values for [2,2], got 3");
    expect(() => ndarray([], [])).toThrow("expected 1 values for [], got 0");
  });
});

describe("scalar", () => {
  it("is a float of rank 0", () => {
    expect(scalar(2.5)).toEqual({ dtype: "float32", shape: [], data: new Float32Array([2.5]) });
  });
});
