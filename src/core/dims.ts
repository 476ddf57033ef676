/**
 * @module Checks a shape at the door and names its axes in one line.
 *
 * `const { B, T } = dims("attention: q", q, "B T H D", { D: 64 })` throws a ShapeError that says which axis is wrong,
 * and knows at compile time which names exist.
 */
import { ShapeError } from "./errors.js";

type Names<Pattern extends string> = Pattern extends `${infer Head} ${infer Rest}`
  ? Head | Names<Rest>
  : Pattern;

/**
 * @param where what the message starts with, for example `"attention: q"`
 * @param array anything with a shape
 * @param pattern axis names, separated by one space
 * @param known sizes that axes must have
 * @throws ShapeError when the rank or a known size differs
 */
export function dims<const Pattern extends string>(
  where: string,
  array: { readonly shape: readonly number[] },
  pattern: Pattern,
  known: Partial<Record<Names<Pattern>, number>> = {},
): Record<Names<Pattern>, number> {
  const names = pattern.split(" ") as Names<Pattern>[];
  const fits =
    names.length === array.shape.length &&
    names.every((name, axis) => known[name] === undefined || known[name] === array.shape[axis]);
  if (!fits) {
    const sizes = Object.entries(known).map(([name, size]) => `${name}=${size}`);
    const wanted = `[${names.join(", ")}]${sizes.length > 0 ? ` with ${sizes.join(", ")}` : ""}`;
    throw new ShapeError(`${where}: expected ${wanted}, got [${array.shape.join(", ")}]`);
  }
  return Object.fromEntries(names.map((name, axis) => [name, array.shape[axis]])) as Record<
    Names<Pattern>,
    number
  >;
}
