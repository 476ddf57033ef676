import ts from "typescript";
import { describe, expect, it } from "vitest";
import { type CellMaps, compiledCode, createCellMaps } from "../../src/kernel/cellMaps.js";

const ES = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, inlineSourceMap: true };
const COMMON = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.CommonJS, sourceMap: true };

/** Both steps of a cell; tslab's converter puts a line before it. */
function compile(source: string, fileName = "__tslab__.ts") {
  const first = ts.transpileModule(`export {};\n${source}`, { compilerOptions: ES, fileName });
  const second = ts.transpileModule(first.outputText, { compilerOptions: COMMON, fileName: "__tslab__.js" });
  return compiledCode(first.outputText, second);
}

function recorded(maps: CellMaps, cell: number, source: string): string {
  const { code, maps: steps } = compile(source);
  if (!steps) throw new Error("a cell has maps");
  maps.begin(cell);
  return maps.record(code, steps);
}

/** Line and column of a word, from 1. */
function placeOf(text: string, word: string): readonly [number, number] {
  const before = text.slice(0, text.indexOf(word)).split("\n");
  return [before.length, (before.at(-1)?.length ?? 0) + 1];
}

const SOURCE = `interface Shape {
  readonly side: number;
}
function area(shape: Shape): number {
  return measure(shape.side);
}
type Unused = string;
const total: number =
  summed([1, 2]);
export { area, total };`;

describe("compiledCode", () => {
  it("takes both maps out of a cell's code, and the line before it", () => {
    const { code, maps } = compile(SOURCE);
    expect(code).not.toContain("sourceMappingURL");
    expect(code).not.toContain("use strict");
    expect(maps?.first.sources).toEqual(["__tslab__.ts"]);
    expect(maps?.second.sources).toEqual(["__tslab__.js"]);
  });

  it("keeps no maps of a file that a cell imports", () => {
    expect(compile(SOURCE, "helper.ts")).not.toHaveProperty("maps");
  });

  it("refuses code without maps", () => {
    const first = ts.transpileModule("1", { compilerOptions: ES, fileName: "__tslab__.ts" }).outputText;
    expect(() => compiledCode("1", { outputText: '"use strict";\n1' })).toThrow(
      "first step has its source map",
    );
    expect(() => compiledCode(first, { outputText: '"use strict";\n1' })).toThrow(
      "second step has a source map",
    );
    expect(() => compiledCode(first, { outputText: "1", sourceMapText: "{}" })).toThrow("a line of its own");
  });
});

describe("restore", () => {
  it.each(["measure", "summed"])("finds where the person wrote %s", (word) => {
    const maps = createCellMaps();
    const code = recorded(maps, 3, SOURCE);
    const [line, column] = placeOf(code, word);
    const [ownLine, ownColumn] = placeOf(SOURCE, word);
    expect(maps.restore(`Error: x\n    at area (tslab-cell-3:${line}:${column})`)).toBe(
      `Error: x\n    at area (cell 3, line ${ownLine}:${ownColumn})`,
    );
  });

  it("names the code by its cell", () => {
    const maps = createCellMaps();
    expect(recorded(maps, 7, "1").endsWith("\n//# sourceURL=tslab-cell-7")).toBe(true);
    expect(recorded(maps, 8, "1").endsWith("\n//# sourceURL=tslab-cell-8")).toBe(true);
  });

  it("keeps the cells apart, and a cell's last code", () => {
    const maps = createCellMaps();
    recorded(maps, 1, "\n\n\nfirst();");
    const code = recorded(maps, 2, "second();");
    const [line, column] = placeOf(code, "second");
    const again = recorded(maps, 1, "\nthird();");
    expect(maps.restore(`tslab-cell-2:${line}:${column}`)).toBe("cell 2, line 1:1");
    const [thirdLine, thirdColumn] = placeOf(again, "third");
    expect(maps.restore(`tslab-cell-1:${thirdLine}:${thirdColumn}`)).toBe("cell 1, line 2:1");
  });

  it("leaves out the executor's own call below the code", () => {
    const maps = createCellMaps();
    const lines = recorded(maps, 3, SOURCE).split("\n").length;
    expect(maps.restore(`Error: x\n    at tslab-cell-3:${lines + 5}:3\n    at other`)).toBe(
      "Error: x\n    at other",
    );
  });

  it("drops the prefix where there is no map, and leaves other text alone", () => {
    const maps = createCellMaps();
    expect(maps.restore("at f (tslab-cell-9:1:1)")).toBe("at f (cell-9:1:1)");
    expect(maps.restore("Error: x\n    at f (file.ts:1:2)")).toBe("Error: x\n    at f (file.ts:1:2)");
    expect(maps.restore("")).toBe("");
  });
});
