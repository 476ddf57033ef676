import { describe, expect, it } from "vitest";
import { ConfigError } from "../../src/core/errors.js";
import { packageRoot } from "../../src/core/files/packageRoot.js";
import { cellError, INTERRUPTED, typeErrors } from "../../src/kernel/cellError.js";
import type { CellMaps } from "../../src/kernel/cellMaps.js";

/** Stacks as they are. */
const maps: CellMaps = { begin: () => undefined, record: (code) => code, restore: (stack) => stack };

/** An error with the frames of a stack. */
function errorWith<Thrown extends Error>(error: Thrown, ...frames: readonly string[]): Thrown {
  error.stack = [`${error.name}: ${error.message}`, ...frames.map((frame) => `    at ${frame}`)].join("\n");
  return error;
}

describe("cellError", () => {
  it.each<readonly [unknown, string]>([
    ["text", "'text'"],
    [5, "5"],
    [undefined, "undefined"],
    [null, "null"],
    [{ a: 1 }, "{ a: 1 }"],
  ])("shows a thrown %o, which is no error, as it is", (thrown, text) => {
    expect(cellError(thrown, maps)).toEqual({
      name: "Thrown",
      message: text,
      traceback: [`Thrown: ${text}`],
    });
  });

  it("keeps the person's frames and leaves out those below the cell", () => {
    const error = errorWith(
      new TypeError("bad"),
      "f (cell 1, line 2:3)",
      "helper (/home/me/helper.ts:1:1)",
      "cell 2, line 1:1",
      "Script.runInThisContext (node:vm:1:1)",
      "run (/x/tslab/dist/executor.js:1:1)",
      "main (/x/main.js:1:1)",
    );
    expect(cellError(error, maps)).toEqual({
      name: "TypeError",
      message: "bad",
      traceback: [
        "TypeError: bad",
        "    at f (cell 1, line 2:3)",
        "    at helper (/home/me/helper.ts:1:1)",
        "    at cell 2, line 1:1",
      ],
    });
  });

  it("shows an error made on purpose with the cell's lines only", () => {
    const error = errorWith(
      new ConfigError("steps: invalid"),
      "train (/lib/train.js:1:1)",
      "cell 2, line 1:1",
    );
    expect(cellError(error, maps).traceback.filter((line) => line.includes(" at "))).toEqual([
      "    at cell 2, line 1:1",
    ]);
  });

  it("names the package instead of its folder", () => {
    const error = errorWith(new Error("x"), `f (${packageRoot()}/dist/src/a.js:1:1)`);
    expect(cellError(error, maps).traceback.join("\n")).toContain("f (sharegrpo/dist/src/a.js:1:1)");
    expect(cellError(error, maps).traceback.join("\n")).not.toContain(packageRoot());
  });

  it("keeps messages of several lines, and causes", () => {
    const error = errorWith(
      new Error("one\ntwo", { cause: errorWith(new Error("deeper"), "g (cell 1, line 1:1)") }),
      "f (cell 2, line 1:1)",
    );
    const text = cellError(error, maps).traceback.join("\n");
    for (const part of ["one\ntwo", "deeper", "cell 1, line 1:1", "cell 2, line 1:1"])
      expect(text).toContain(part);
  });

  it("says of a script that was interrupted that the cell was", () => {
    const error = Object.assign(new Error("Script execution was interrupted"), {
      code: "ERR_SCRIPT_EXECUTION_INTERRUPTED",
    });
    expect(cellError(error, maps)).toBe(INTERRUPTED);
  });
});

describe("typeErrors", () => {
  const source = "const a = 1;\n  foo(a);\n";

  it("points at the place", () => {
    expect(typeErrors(["2:3 - Cannot find name 'foo'."], source)).toEqual({
      name: "TypeScriptError",
      message: "2:3 - Cannot find name 'foo'.",
      traceback: ["2:3 - Cannot find name 'foo'.", "      foo(a);", "      ^"],
    });
  });

  it("keeps several, in order", () => {
    const { message, traceback } = typeErrors(["1:7 - a", "2:3 - b"], source);
    expect(message).toBe("1:7 - a\n2:3 - b");
    expect(traceback).toEqual([
      "1:7 - a",
      "    const a = 1;",
      "          ^",
      "2:3 - b",
      "      foo(a);",
      "      ^",
    ]);
  });

  it("shows no line where there is none, or no place", () => {
    expect(typeErrors(["9:1 - beyond"], source).traceback).toEqual(["9:1 - beyond"]);
    expect(typeErrors(["other.ts 1:1 - elsewhere"], source).traceback).toEqual(["other.ts 1:1 - elsewhere"]);
  });

  it("says what to do where a type cannot be named", () => {
    const fault =
      "1:7 - Exported variable 'a' has or is using name 'T' from external module but cannot be named.";
    expect(typeErrors([fault], source).traceback[1]).toBe(
      "  (give the variable a type, or import its type at the top of the cell)",
    );
  });
});
