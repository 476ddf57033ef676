/**
 * @module Where ONNX Runtime's library lies: in the npm package, or the same file beside its CUDA provider.
 */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { cudaRuntimeFolder } from "../../../config/load.js";
import { CompileError } from "../../../core/errors.js";

/** Written last into a folder with a provider: what it was made of. */
export const NOTE = "provider.json";

const find = createRequire(import.meta.url);

/** The library inside the npm package, and the package's version. @throws CompileError when it is not there */
export function npmLibrary(): { readonly path: string; readonly version: string } {
  const manifest = find.resolve("onnxruntime-node/package.json");
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  const folder = join(dirname(manifest), "bin", "napi-v6", process.platform, process.arch);
  const name =
    { darwin: `libonnxruntime.${version}.dylib`, win32: "onnxruntime.dll" }[process.platform as string] ??
    "libonnxruntime.so.1";
  const path = join(folder, name);
  if (!existsSync(path))
    throw new CompileError(`ONNX Runtime: missing library: ${path}: reinstall onnxruntime-node`);
  return { path, version };
}

/** The npm package's library, or its copy where a CUDA provider was put beside one. */
export function libraryToLoad(): ReturnType<typeof npmLibrary> {
  const { path, version } = npmLibrary();
  const folder = cudaRuntimeFolder(version);
  return existsSync(join(folder, NOTE)) ? { path: join(folder, basename(path)), version } : { path, version };
}
