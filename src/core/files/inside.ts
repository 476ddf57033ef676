/**
 * @module Files below a folder. A data file comes from elsewhere: a path in it must not lead to any file of this machine.
 */
import { realpathSync } from "node:fs";
import { isAbsolute, relative, resolve, sep } from "node:path";

/** Where a path ends once links are followed; the path itself when there is nothing. */
function followed(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** The absolute path of `name` in `folder`; undefined when it leads outside, as written or by a link. */
export function pathInside(folder: string, name: string): string | undefined {
  const path = resolve(folder, name);
  const stays =
    !name.includes("\0") && isInside(resolve(folder), path) && isInside(followed(folder), followed(path));
  return stays ? path : undefined;
}
