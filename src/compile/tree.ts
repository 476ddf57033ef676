/**
 * @module Trees of arrays: nested records and lists whose leaves are tensors (inside a compiled function) or host
 * arrays (outside).
 */
import type { ExternalArray, NdArray } from "../core/ndarray.js";
import type { Tensor } from "../core/tf.js";
import type { GraphArray } from "./runtime/session.js";

/** The same tree with host arrays where there were tensors. */
export type HostOf<T> = T extends Tensor
  ? NdArray
  : T extends object
    ? { [Key in keyof T]: HostOf<T[Key]> }
    : T;

/** What a compiled function takes where it computes with a tensor. */
export type ArgumentArray = GraphArray | ExternalArray;

/** The same tree with arrays that a graph can read. */
export type ArgsOf<T> = T extends Tensor
  ? ArgumentArray
  : T extends object
    ? { [Key in keyof T]: ArgsOf<T[Key]> }
    : T;

/** A tree's shape: leaves are numbered in order of appearance. */
export type Structure = number | readonly Structure[] | { readonly [key: string]: Structure };

function isLeaf(value: unknown): boolean {
  return typeof value === "object" && value !== null && "shape" in value && "dtype" in value;
}

/** Leaves in order (keys as inserted), and the structure to put others in their place. Absent keys stay absent. */
export function flatten<Leaf>(tree: unknown): { leaves: Leaf[]; structure: Structure } {
  const leaves: Leaf[] = [];
  const visit = (node: unknown): Structure => {
    if (isLeaf(node)) return leaves.push(node as Leaf) - 1;
    if (Array.isArray(node)) return node.map(visit);
    if (typeof node !== "object" || node === null) {
      throw new TypeError(`flatten: expected arrays in records and lists, got ${String(node)}`);
    }
    const structure: Record<string, Structure> = {};
    for (const key of Object.keys(node)) {
      const value = (node as Record<string, unknown>)[key];
      if (value !== undefined) structure[key] = visit(value);
    }
    return structure;
  };
  const structure = visit(tree);
  return { leaves, structure };
}

/** Whether two trees have the same leaves in the same places. */
export function isSameStructure(a: Structure, b: Structure): boolean {
  if (typeof a === "number" || typeof b === "number") return a === b;
  const [keys, others] = [Object.keys(a), Object.keys(b)];
  if (Array.isArray(a) !== Array.isArray(b) || keys.length !== others.length) return false;
  const part = (of: Structure, key: string) => (of as Readonly<Record<string, Structure>>)[key] as Structure;
  return keys.every((key, at) => key === others[at] && isSameStructure(part(a, key), part(b, key)));
}

/** The tree of this structure with these leaves. */
export function unflatten(structure: Structure, leaves: readonly unknown[]): unknown {
  if (typeof structure === "number") return leaves[structure];
  if (Array.isArray(structure)) return structure.map((part: Structure) => unflatten(part, leaves));
  return Object.fromEntries(
    Object.entries(structure).map(([key, part]) => [key, unflatten(part as Structure, leaves)]),
  );
}

/** Applies a function to every leaf. */
export function mapTree<From, To>(tree: unknown, f: (leaf: From) => To): unknown {
  const { leaves, structure } = flatten<From>(tree);
  return unflatten(structure, leaves.map(f));
}

/** Leaf numbers of a part of a tree, with the keys that lead to them: `/0/weights/bias`. */
export function leafPaths(structure: Structure, path = ""): { path: string; leaf: number }[] {
  if (typeof structure === "number") return [{ path, leaf: structure }];
  return Object.entries(structure).flatMap(([key, part]) => leafPaths(part as Structure, `${path}/${key}`));
}
