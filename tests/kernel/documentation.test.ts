import ts from "typescript";
import { describe, expect, it } from "vitest";
import { createDocumenter } from "../../src/kernel/documentation.js";

const TEXT = `/** Twice a number. @param x any number */
export declare function twice(x: number): number;
/** A place. */
export interface Place {
    /** From the left. */
    readonly x: number;
    readonly y: number;
}
/** The first. */
export declare const origin: Place;
`;

/** The checker of one declaration file that was parsed without comments, and its exports. */
function parsed() {
  const file = ts.createSourceFile("a.d.ts", TEXT, {
    languageVersion: ts.ScriptTarget.Latest,
    jsDocParsingMode: ts.JSDocParsingMode.ParseNone,
  });
  const options: ts.CompilerOptions = { noLib: true, types: [] };
  const host: ts.CompilerHost = {
    ...ts.createCompilerHost(options),
    getSourceFile: (name) => (name === file.fileName ? file : undefined),
  };
  const checker = ts.createProgram([file.fileName], options, host).getTypeChecker();
  const symbol = checker.getSymbolAtLocation(file);
  const exported = (name: string) => symbol?.exports?.get(ts.escapeLeadingUnderscores(name)) as ts.Symbol;
  const comment = (of: ts.Symbol) => ts.displayPartsToString(of.getDocumentationComment(checker));
  return { checker, exported, comment };
}

describe("createDocumenter", () => {
  it("gives a function, a variable, a type and its members their comments", () => {
    const { exported, comment, checker } = parsed();
    createDocumenter(ts)(exported("twice"));
    const [x, y] = checker.getDeclaredTypeOfSymbol(exported("Place")).getProperties() as [
      ts.Symbol,
      ts.Symbol,
    ];
    const symbols = [exported("twice"), exported("origin"), exported("Place"), x, y];
    expect(symbols.map(comment)).toEqual(["Twice a number.", "The first.", "A place.", "From the left.", ""]);
    expect(exported("twice").getJsDocTags(checker)).toMatchObject([{ name: "param" }]);
  });

  it("is needed: without it there are none", () => {
    const { exported, comment } = parsed();
    expect(comment(exported("twice"))).toBe("");
  });
});
