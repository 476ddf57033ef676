/**
 * @module The notebooks that the project shows.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../src/core/files/packageRoot.js";

export interface NotebookFile {
  readonly name: string;
  readonly path: string;
}

export function notebooksIn(folder: string): NotebookFile[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".ipynb"))
    .map((name) => ({ name, path: join(folder, name) }));
}

export const NOTEBOOKS = notebooksIn(join(packageRoot(), "notebooks"));
