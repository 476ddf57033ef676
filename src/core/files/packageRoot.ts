/**
 * @module Where this package lies, from source and from `dist` alike.
 */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { invariant } from "../errors.js";

/** The folder with this package's `package.json`. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) {
    const parent = dirname(folder);
    invariant(parent !== folder, "packageRoot: no package.json above this file");
    folder = parent;
  }
  return folder;
}
