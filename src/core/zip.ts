/**
 * @module Pairs up two lists that must have the same length.
 */
import { invariant } from "./errors.js";

/** `[a[0], b[0]], [a[1], b[1]], …`. @throws Error when the lengths differ */
export function zip<A, B>(a: readonly A[], b: readonly B[]): [A, B][] {
  invariant(a.length === b.length, `zip: ${a.length} against ${b.length} elements`);
  return a.map((element, at) => [element, b[at] as B]);
}
