/**
 * @module A flat list cut up again into the lists it came from.
 */
import { invariant } from "./errors.js";

/**
 * Cuts a list into pieces as long as those of another: what `shapes.flat()` was mapped to, in its shape.
 * @throws Error when the lengths do not add up
 */
export function regroup<T>(flat: readonly T[], shapes: readonly { readonly length: number }[]): T[][] {
  let next = 0;
  const groups = shapes.map(({ length }) => {
    next += length;
    return flat.slice(next - length, next);
  });
  invariant(next === flat.length, `regroup: ${flat.length} elements for ${next} places`);
  return groups;
}
