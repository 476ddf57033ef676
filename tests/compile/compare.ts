import { expect } from "vitest";
import { flatten } from "../../src/compile/tree.js";
import type { NdArray } from "../../src/core/ndarray.js";
import { zip } from "../../src/core/zip.js";

/** Difference relative to max(1, |expected|); equal infinities and NaNs differ by 0. */
function gap(found: number, expected: number): number {
  if (Object.is(found, expected) || found === expected) return 0;
  const difference = Math.abs(found - expected) / Math.max(1, Math.abs(expected));
  return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
}

/** The largest difference between two trees of arrays, which must have the same structure, shapes and dtypes. */
export function largestGap(found: unknown, expected: unknown): number {
  const [a, b] = [flatten<NdArray>(found), flatten<NdArray>(expected)];
  expect(a.structure).toEqual(b.structure);
  const gaps = zip(a.leaves, b.leaves).flatMap(([left, right]) => {
    expect({ shape: left.shape, dtype: left.dtype }).toEqual({ shape: right.shape, dtype: right.dtype });
    return zip([...left.data], [...right.data]).map(([x, y]) => gap(x, y));
  });
  return gaps.reduce((most, each) => Math.max(most, each), 0);
}
