/**
 * @module What tslab's fork of TypeScript exports and the published compiler does not, made from parts that both have.
 * The parts are internal to TypeScript 5.9, which is pinned.
 */
import type TypeScript from "typescript";
import { createDocumenter } from "./documentation.js";

type Node = TypeScript.Node;
type SourceFile = TypeScript.SourceFile;
type TypeChecker = TypeScript.TypeChecker;

interface SymbolText {
  readonly symbolKind: TypeScript.ScriptElementKind;
  readonly displayParts: TypeScript.SymbolDisplayPart[];
  readonly documentation: TypeScript.SymbolDisplayPart[];
  readonly tags: TypeScript.JSDocTagInfo[] | undefined;
}

/** TypeScript with the internal functions that are used. */
export type TypeScriptInside = typeof TypeScript & {
  readonly nullTransformationContext: TypeScript.TransformationContext;
  /** Finds the names that a file declares. */
  bindSourceFile(file: SourceFile, options: TypeScript.CompilerOptions): void;
  getTouchingPropertyName(file: SourceFile, position: number): Node;
  getContainerNode(node: Node): Node | undefined;
  createTextSpanFromNode(node: Node, file: SourceFile): TypeScript.TextSpan;
  readonly SymbolDisplay: {
    getSymbolModifiers(checker: TypeChecker, symbol: TypeScript.Symbol): string;
    getSymbolDisplayPartsDocumentationAndSymbolKind(
      ...args: [TypeChecker, TypeScript.Symbol, SourceFile, Node | undefined, Node]
    ): SymbolText;
  };
  readonly Completions: { getCompletionsAtPosition(...args: readonly unknown[]): unknown };
};

/** tslab's request: a host and a program first, then where and how. */
type CompletionRequest = readonly unknown[];

export function forkFunctions(ts: TypeScriptInside) {
  const readDocumentation = createDocumenter(ts);
  return {
    getDefaultTypeRoots(folder: string, host: { directoryExists(path: string): boolean }): string[] {
      const upwards = (from: string): string[] => {
        const parent = ts.sys.resolvePath(`${from}/..`);
        return parent === from ? [from] : [from, ...upwards(parent)];
      };
      return upwards(folder)
        .map((from) => `${from}/node_modules/@types`)
        .filter((path) => host.directoryExists(path));
    },

    getNullTransformationContext: () => ts.nullTransformationContext,

    getPreEmitDiagnosticsOfFiles: (program: TypeScript.Program, files: readonly SourceFile[]) =>
      ts.sortAndDeduplicateDiagnostics([
        ...program.getOptionsDiagnostics(),
        ...program.getGlobalDiagnostics(),
        ...files.flatMap((file) => [
          ...program.getSyntacticDiagnostics(file),
          ...program.getSemanticDiagnostics(file),
          ...program.getDeclarationDiagnostics(file),
        ]),
      ]),

    getQuickInfoAtPosition(
      ...[file, checker, , position]: [SourceFile, TypeChecker, TypeScript.CancellationToken, number]
    ): TypeScript.QuickInfo | undefined {
      const node = ts.getTouchingPropertyName(file, position);
      const symbol = node === file ? undefined : checker.getSymbolAtLocation(node);
      if (!symbol) return undefined;
      const isAlias = (symbol.flags & ts.SymbolFlags.Alias) !== 0;
      readDocumentation(isAlias ? checker.getAliasedSymbol(symbol) : symbol);
      const { symbolKind, displayParts, documentation, tags } =
        ts.SymbolDisplay.getSymbolDisplayPartsDocumentationAndSymbolKind(
          ...[checker, symbol, file, ts.getContainerNode(node), node],
        );
      return {
        kind: symbolKind,
        kindModifiers: ts.SymbolDisplay.getSymbolModifiers(checker, symbol),
        textSpan: ts.createTextSpanFromNode(node, file),
        displayParts,
        documentation,
        ...(tags ? { tags } : {}),
      };
    },

    Completions: {
      ...ts.Completions,
      getCompletionsAtPositionForTslab: (...request: CompletionRequest) =>
        ts.Completions.getCompletionsAtPosition(...request, undefined),
    },
  };
}
