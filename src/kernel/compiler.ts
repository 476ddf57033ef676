/**
 * @module Puts the project's TypeScript in the place of the compiler that tslab brings along: a fork of 5.0 that cannot
 * be made strict, does not read the `exports` of packages and does not know the types of newer libraries.
 *
 * Nothing in node_modules is changed: the module that tslab requires is found in the cache of loaded modules.
 */
import Module, { createRequire } from "node:module";
import { dirname, join } from "node:path";
import process from "node:process";
import type TypeScript from "typescript";
import { type CellMaps, createCellMaps } from "./cellMaps.js";
import { forkFunctions, type TypeScriptInside } from "./forkFunctions.js";

export type { CellMaps };

const require = createRequire(import.meta.url);

export interface ReplacedCompiler {
  readonly ts: typeof TypeScript;
  /** From positions in compiled cells to positions in cells. */
  readonly maps: CellMaps;
}

/** Library types for what this Node has. */
function libraries(): string[] {
  const major = Number(process.versions.node.split(".")[0]);
  const newer = major >= 22 ? ["es2024", "esnext.iterator", "esnext.collection"] : ["es2023"];
  return [...newer, "esnext.disposable"].map((name) => `lib.${name}.d.ts`);
}

/** tslab's compiler options, without those only its fork has, and with those a library of this decade needs. */
function cellOptions(ts: TypeScriptInside, given: TypeScript.CompilerOptions): TypeScript.CompilerOptions {
  const { disableTopLevelAwait, noImplicitUseStrict, ...kept } = given;
  return {
    ...kept,
    moduleResolution: ts.ModuleResolutionKind.Bundler, // reads "exports" and "imports" of package.json
    lib: libraries(),
    strict: true,
    checkJs: false,
    inlineSourceMap: true,
    types: ["node"],
    // A notebook outside of this project has no node_modules with the types of Node.
    typeRoots: [...(given.typeRoots ?? []), join(dirname(require.resolve("@types/node/package.json")), "..")],
  };
}

/** Watches only what a person edits: a program has a thousand declaration files of packages. */
function withoutPackageWatches(system: TypeScript.System): TypeScript.System {
  const unwatched: TypeScript.FileWatcher = { close: () => undefined };
  const isPackage = (path: string) => path.includes("/node_modules/");
  return Object.assign(Object.create(system) as TypeScript.System, {
    watchFile: (...args: Parameters<NonNullable<TypeScript.System["watchFile"]>>) =>
      isPackage(args[0]) ? unwatched : (system.watchFile?.(...args) ?? unwatched),
    watchDirectory: () => unwatched,
  });
}

/** The project's TypeScript with what tslab expects of its fork. */
function compilerFor(ts: TypeScriptInside, maps: CellMaps, preloads: readonly string[]): object {
  return {
    ...ts,
    ...forkFunctions(ts),
    createWatchCompilerHost(
      files: string[],
      options: TypeScript.CompilerOptions,
      system: TypeScript.System,
      ...rest: [undefined, TypeScript.DiagnosticReporter, TypeScript.WatchStatusReporter]
    ) {
      return ts.createWatchCompilerHost(
        [...files, ...preloads],
        cellOptions(ts, options),
        withoutPackageWatches(system),
        ...rest,
      );
    },
    transpileModule(source: string, { compilerOptions, ...rest }: TypeScript.TranspileOptions) {
      const { noImplicitUseStrict, ...kept } = compilerOptions ?? {};
      const outcome = ts.transpileModule(source, { ...rest, compilerOptions: { ...kept, sourceMap: true } });
      return { ...outcome, outputText: maps.record(source, outcome) };
    },
  };
}

/**
 * Replaces tslab's compiler. Call it before tslab is loaded.
 * @param preloads declaration files that cells are going to import
 */
export function replaceCompiler(preloads: readonly string[]): ReplacedCompiler {
  const ts = require("typescript") as TypeScriptInside;
  const maps = createCellMaps();
  const id = createRequire(require.resolve("tslab/package.json")).resolve("@tslab/typescript-for-tslab");
  const replacement = new Module(id);
  Object.assign(replacement, { filename: id, loaded: true, exports: compilerFor(ts, maps, preloads) });
  require.cache[id] = replacement;
  return { ts, maps };
}
