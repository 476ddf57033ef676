import { describe, expect, it } from "vitest";
import { signatureTable } from "../../src/compile/signatures.js";
import { flatten } from "../../src/compile/tree.js";
import { type ExternalArray, type NdArray, zeros } from "../../src/core/ndarray.js";
import { Rng } from "../../src/core/rng.js";

type Leaf = NdArray | ExternalArray;

const mapped = (file: string, offset: number): ExternalArray => ({
  dtype: "float32",
  shape: [2],
  file,
  offset,
});

/** Trees of which no two are of one signature. */
const DISTINCT: readonly unknown[] = [
  { a: zeros([2]), b: zeros([2]) },
  { b: zeros([2]), a: zeros([2]) },
  { a: zeros([2]), c: zeros([2]) },
  { a: zeros([2]) },
  { a: { b: zeros([2]) } },
  [zeros([2]), zeros([2])],
  { 0: zeros([2]), 1: zeros([2]) },
  [[zeros([2])], zeros([2])],
  [zeros([2]), [zeros([2])]],
  { a: zeros([2]), b: zeros([3]) },
  { a: zeros([2]), b: zeros([2, 1]) },
  { a: zeros([2]), b: zeros([2], "int32") },
  { a: zeros([2]), b: mapped("/x", 0) },
  { a: zeros([2]), b: mapped("/x", 8) },
  { a: zeros([2]), b: mapped("/y", 0) },
  {},
  [],
];

const none = () => undefined;
const treeOf = (tree: unknown) => flatten<Leaf>(tree);

describe("signatureTable", () => {
  it("finds what was added for the same trees of the same arrays, in whatever order it is asked", () => {
    const table = signatureTable<number>();
    for (const [at, tree] of DISTINCT.entries()) {
      expect(table.find(treeOf(tree), none), `${at}`).toBeUndefined();
      expect(table.add(treeOf(tree), undefined, at)).toBe(at);
    }
    const draws = Rng.fromSeed(1);
    for (let call = 0; call < 2000; call++) {
      // In turn for a while, so that guesses are right, then anywhere.
      const at = Math.floor(call / 100) % 2 ? call % DISTINCT.length : draws.integer(0, DISTINCT.length);
      expect(table.find(treeOf(DISTINCT[at]), none)).toBe(at);
    }
    expect(table.all()).toEqual([...DISTINCT.keys()]);
  });

  it("takes any number of rows where they are free, and no other side", () => {
    const table = signatureTable<string>();
    const free = () => (leaf: number) => leaf === 0;
    table.add(treeOf([zeros([2, 3]), zeros([2, 3])]), free(), "two");
    for (let round = 0; round < 2; round++) {
      expect(table.find(treeOf([zeros([5, 3]), zeros([2, 3])]), free)).toBe("two");
      expect(table.find(treeOf([zeros([5, 4]), zeros([2, 3])]), free)).toBeUndefined();
      expect(table.find(treeOf([zeros([5, 3]), zeros([5, 3])]), free)).toBeUndefined();
    }
  });

  it("forgets all", () => {
    const table = signatureTable<number>();
    table.add(treeOf([]), undefined, 1);
    table.find(treeOf([]), none);
    table.clear();
    expect(table.find(treeOf([]), none)).toBeUndefined();
    expect(table.all()).toEqual([]);
  });
});
