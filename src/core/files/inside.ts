/**
 * @module Files below a folder. A data file comes from elsewhere: a path in it must not lead to any file of this machine.
 */
import { readlinkSync, realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";

function isLink(path: string): boolean {
  try {
    return readlinkSync(path) !== "";
  } catch {
    return false;
  }
}

/** Where a path ends once links are followed, those above it where there is nothing; undefined: a link to nothing. */
function followed(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    if (isLink(path)) return undefined;
    const above = dirname(path) === path ? path : followed(dirname(path));
    return above && join(above, basename(path));
  }
}

function isInside(folder: string | undefined, path: string | undefined): boolean {
  if (folder === undefined || path === undefined) return false;
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
