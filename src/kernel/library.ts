/**
 * @module The library beside the kernel, which nearly every notebook imports.
 */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

/** Its declaration file. */
export const LIBRARY_TYPES = fileURLToPath(new URL("../index.d.ts", import.meta.url));

const LIBRARY = fileURLToPath(new URL("../index.js", import.meta.url));

/** Loads it, so that the first cell finds it loaded; at once, so that no cell comes between. */
export function loadLibrary(): void {
  createRequire(import.meta.url)(LIBRARY);
}
