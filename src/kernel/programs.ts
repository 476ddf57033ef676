/**
 * @module How the programs are made that cells are checked in: of what TypeScript does for editors and builds, only what
 * cells need, so that the first cell does not wait.
 *
 * Seven hundred declaration files take part. Parsing them once is most of the kernel's start; making a checker of them
 * is most of a cell's compilation.
 */
import type TypeScript from "typescript";
import type { TypeScriptInside } from "./forkFunctions.js";

type SourceFile = TypeScript.SourceFile;
type Specifier = TypeScript.StringLiteralLike;

/** What the compiler knows of imports; internal to TypeScript 5.9. */
type ImportsOf = SourceFile & { readonly imports?: readonly Specifier[] };
type ProgramInside = TypeScript.Program & {
  getResolvedModuleFromModuleSpecifier(
    specifier: Specifier,
    file: SourceFile,
  ): { readonly resolvedModule?: TypeScript.ResolvedModuleFull } | undefined;
};

/** A program as tslab asks for it; of a builder it uses this only. */
type Builder = TypeScript.BuilderProgram;

/** Watches only what a person edits, not a thousand declaration files of packages. */
export function withoutPackageWatches(system: TypeScript.System): TypeScript.System {
  const unwatched: TypeScript.FileWatcher = { close: () => undefined };
  const isPackage = (path: string) => path.includes("/node_modules/");
  return Object.assign(Object.create(system) as TypeScript.System, {
    watchFile: (...args: Parameters<NonNullable<TypeScript.System["watchFile"]>>) =>
      isPackage(args[0]) ? unwatched : (system.watchFile?.(...args) ?? unwatched),
    watchDirectory: () => unwatched,
  });
}

/** The file and the TypeScript files that it imports, directly or not. Declarations lead to nothing that is compiled. */
function sourcesFrom(program: TypeScript.Program, from: SourceFile): string[] {
  const inside = program as ProgramInside;
  const found = new Set([from]);
  for (const file of found) {
    for (const specifier of (file as ImportsOf).imports ?? []) {
      const name = inside.getResolvedModuleFromModuleSpecifier(specifier, file)?.resolvedModule
        ?.resolvedFileName;
      const next = name === undefined ? undefined : program.getSourceFile(name);
      if (next && !next.isDeclarationFile) found.add(next);
    }
  }
  return [...found].map(({ fileName }) => fileName);
}

/** A host that leaves the comments of declarations out, a third of the work: they are read when a person hovers. */
function hostWithoutComments(ts: TypeScriptInside, host: TypeScript.CompilerHost): TypeScript.CompilerHost {
  const frugal = Object.create(host) as TypeScript.CompilerHost;
  frugal.getSourceFile = (name, options, ...rest) => {
    const jsDocParsingMode = ts.JSDocParsingMode.ParseNone;
    const isFrugal = typeof options === "object" && name.endsWith(".d.ts");
    return host.getSourceFile(name, isFrugal ? { ...options, jsDocParsingMode } : options, ...rest);
  };
  return frugal;
}

const CELL_FILE = /\/__(tslab|prev)__(\.d)?\.ts$/;

/**
 * Makes programs without a builder's record of what depends on what, which takes a checker of its own for every
 * program: cells are compiled one by one.
 */
export function programCreator(ts: TypeScriptInside): TypeScript.CreateProgram<Builder> {
  return (roots, options, host, ...rest) => {
    const frugal = host && hostWithoutComments(ts, host);
    const builder = ts.createAbstractBuilder(roots, options, frugal, ...rest);
    // tslab reads the names that a cell declares before it asks for a checker.
    for (const file of builder.getSourceFiles()) {
      if (CELL_FILE.test(file.fileName)) ts.bindSourceFile(file, builder.getCompilerOptions());
    }
    return Object.assign(builder, {
      getAllDependencies: (file: SourceFile) => sourcesFrom(builder.getProgram(), file),
    });
  };
}
