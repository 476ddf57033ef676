/**
 * @module Puts exports of ours in the place of a CommonJS module, for everyone in this thread who requires it later.
 * Nothing in node_modules is changed: the module is found in the cache of loaded ones.
 */
import Module, { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** @param path the module's resolved file; it has not been required yet */
export function replaceModule(path: string, exports: object): void {
  const replacement = new Module(path);
  Object.assign(replacement, { filename: path, loaded: true, exports });
  require.cache[path] = replacement;
}
