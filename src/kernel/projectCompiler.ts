/**
 * @module Puts the project's TypeScript in the place of the compiler that tslab brings along: a fork of 5.0 that cannot
 * be made strict, does not read the `exports` of packages and does not know the types of newer libraries.
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import process from "node:process";
import type TypeScript from "typescript";
import { type CompiledCode, compiledCode } from "./cellMaps.js";
import { forkFunctions, type TypeScriptInside } from "./forkFunctions.js";
import { programCreator, withoutPackageWatches } from "./programs.js";
import { replaceModule } from "./replaceModule.js";

const require = createRequire(import.meta.url);

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

export interface ProjectCompilerOptions {
  /** The library's declaration file, which cells are going to import. */
  readonly library: string;
  /** Told of all code that is compiled, before tslab takes it. */
  readonly onCompiled: (compiled: CompiledCode) => void;
}

/** The project's TypeScript with what tslab expects of its fork. */
function compilerFor(ts: TypeScriptInside, { library, onCompiled }: ProjectCompilerOptions): object {
  return {
    ...ts,
    ...forkFunctions(ts),
    createWatchCompilerHost: (
      files: string[],
      options: TypeScript.CompilerOptions,
      system: TypeScript.System,
      ...[, ...reporters]: [undefined, TypeScript.DiagnosticReporter, TypeScript.WatchStatusReporter]
    ) =>
      ts.createWatchCompilerHost(
        [...files, library],
        cellOptions(ts, options),
        withoutPackageWatches(system),
        programCreator(ts),
        ...reporters,
      ),
    transpileModule(source: string, { compilerOptions, ...rest }: TypeScript.TranspileOptions) {
      const { noImplicitUseStrict, ...kept } = compilerOptions ?? {};
      const outcome = ts.transpileModule(source, { ...rest, compilerOptions: { ...kept, sourceMap: true } });
      const compiled = compiledCode(source, outcome);
      onCompiled(compiled);
      return { ...outcome, outputText: compiled.code };
    },
  };
}

/** Replaces tslab's compiler. Call it before tslab is loaded. @returns the project's */
export function replaceCompiler(options: ProjectCompilerOptions): typeof TypeScript {
  const ts = require("typescript") as TypeScriptInside;
  const fork = createRequire(require.resolve("tslab/package.json")).resolve("@tslab/typescript-for-tslab");
  replaceModule(fork, compilerFor(ts, options));
  return ts;
}
