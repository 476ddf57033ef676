import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import ts from "typescript";
import { beforeAll, describe, expect, it } from "vitest";
import { packageRoot } from "../src/core/files/packageRoot.js";

/** What users of the package may lean on. `UPDATE_PUBLIC=1` writes it anew: a change here is a change for them. */
const FROZEN = join(packageRoot(), "tests", "golden", "public.json");
const ENTRIES = { sharegrpo: "src/index.ts", "sharegrpo/benchmarks": "benchmarks/index.ts" } as const;

interface Public {
  readonly name: string;
  readonly isType: boolean;
  readonly words: string;
}
type Surface = Readonly<
  Record<string, { readonly values: readonly string[]; readonly types: readonly string[] }>
>;

/** Names that a file exports, with what their documentation says. */
function publicNames(checker: ts.TypeChecker, file: ts.SourceFile): Public[] {
  const module = checker.getSymbolAtLocation(file);
  return (module ? checker.getExportsOfModule(module) : []).map((symbol) => {
    const own = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    return {
      name: symbol.name,
      isType: (own.flags & ts.SymbolFlags.Value) === 0,
      words: ts.displayPartsToString(own.getDocumentationComment(checker)),
    };
  });
}

describe("the public surface", () => {
  let names: Readonly<Record<string, Public[]>>;
  beforeAll(() => {
    const { NodeNext } = ts.ModuleKind;
    const options = {
      module: NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      skipLibCheck: true,
    };
    const files = Object.values(ENTRIES).map((path) => join(packageRoot(), path));
    const program = ts.createProgram(files, { ...options, target: ts.ScriptTarget.ES2023, types: ["node"] });
    names = Object.fromEntries(
      Object.entries(ENTRIES).map(([entry, path]) => {
        const file = program.getSourceFile(join(packageRoot(), path));
        return [entry, file ? publicNames(program.getTypeChecker(), file) : []];
      }),
    );
  }, 120_000);

  it("is the frozen list", () => {
    const listed = (entry: Public[], isType: boolean) =>
      entry
        .filter((each) => each.isType === isType)
        .map(({ name }) => name)
        .sort();
    const surface: Surface = Object.fromEntries(
      Object.entries(names).map(([entry, all]) => [
        entry,
        { values: listed(all, false), types: listed(all, true) },
      ]),
    );
    if (process.env["UPDATE_PUBLIC"]) writeFileSync(FROZEN, `${JSON.stringify(surface, undefined, 1)}\n`);
    expect(surface).toEqual(JSON.parse(readFileSync(FROZEN, "utf8")));
  });

  it("has words for every name", () => {
    const silent = Object.values(names)
      .flat()
      .filter(({ name, words }) => words.trim() === "" && name !== "tf");
    expect(silent.map(({ name }) => name)).toEqual([]);
  });

  it("is what package.json exports, and no file beside it", () => {
    const { exports } = JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8"));
    expect(Object.keys(exports)).toEqual([".", "./benchmarks", "./package.json"]);
  });
});
