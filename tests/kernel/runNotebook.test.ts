import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packageRoot } from "../../src/core/files/packageRoot.js";
import { joinText, type Notebook, type Output } from "../../src/kernel/notebook.js";
import { type NotebookRun, runNotebook } from "../../src/kernel/runNotebook.js";

/** Inside of the package, so that cells can import it by name. */
async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(packageRoot(), "dist", "notebook-"));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

interface Source {
  readonly text: string;
  readonly tags?: string[];
}

function notebookOf(sources: readonly Source[]): Notebook {
  const cells = sources.map(({ text, tags }) => ({
    cell_type: "code" as const,
    metadata: tags ? { tags } : {},
    source: text,
    execution_count: null,
    outputs: [],
  }));
  return { cells, metadata: {}, nbformat: 4, nbformat_minor: 4 };
}

const meantToFail = (text: string): Source => ({ text, tags: ["raises-exception"] });

/** Every cell of this notebook, with what must come of it. */
const CELLS: readonly Source[] = [
  { text: "const a: number = 1;\ninterface Point { x: number }\nlet s = String(a);" },
  { text: "const point: Point = { x: a };\npoint" },
  { text: "const late = await new Promise<number>((done) => setTimeout(() => done(42), 5));\nlate + a" },
  meantToFail("const text: string = a;"),
  meantToFail("const maybe: string | undefined = [s].find((v) => v === 'x');\nmaybe.length"),
  { text: "function fail(p: Point): never {\n  // why\n  throw new RangeError('no ' + p.x);\n}" },
  meantToFail("type Unused = string;\n\nfail(point)"),
  meantToFail("throw 'a word'"),
  { text: "import { ConfigError } from 'sharegrpo';\n// its message says what to do" },
  meantToFail("throw new ConfigError('missing x: give x')"),
  { text: "({ [Symbol.for('Jupyter.display')]: async () => ({ 'text/html': '<b>' }) })" },
  meantToFail("({ [Symbol.for('Jupyter.display')]() { throw new Error('cannot show'); } })"),
  { text: "const a = 'redeclared';\nconst wrapped = { a };\nwrapped.a.length" },
  {
    text: "process.stdout.write(Buffer.from([0xe2, 0x82]));\nvoid process.stdout.write(Buffer.from([0xac]));",
  },
  { text: "await new Promise<void>((done) => process.stdout.write('written', () => done()))" },
  { text: "void Promise.reject(new Error('nobody waits'));\n'went on'" },
  { text: "import { four } from './helper';\nfour" },
];

/** TypeScript beside the notebook, one file through the other. */
const HELPERS = {
  "helper.ts": "import { twice } from './deeper';\nexport const four: number = twice(2);\n",
  "deeper.ts": "export const twice = (x: number): number => 2 * x;\n",
};

describe("runNotebook", () => {
  let run: NotebookRun;
  const outputs = (at: number): readonly Output[] => run.notebook.cells[at]?.outputs ?? [];
  const value = (at: number) => {
    const last = outputs(at).at(-1);
    return last?.output_type === "execute_result" ? joinText(last.data["text/plain"] as string[]) : undefined;
  };
  const error = (at: number) => {
    const last = outputs(at).at(-1);
    return last?.output_type === "error" ? last : undefined;
  };

  beforeAll(async () => {
    const folder = await temporaryFolder();
    for (const [name, text] of Object.entries(HELPERS)) await writeFile(join(folder, name), text);
    const path = join(folder, "cells.ipynb");
    await writeFile(path, JSON.stringify(notebookOf(CELLS)));
    run = await runNotebook(path);
  });

  it("runs all cells and numbers them", () => {
    expect(run.failure?.error).toBeUndefined();
    expect(run.notebook.cells.map(({ execution_count: count }) => count)).toEqual(
      CELLS.map((_, at) => at + 1),
    );
  });

  it("shows the last expression, with variables and types of earlier cells", () => {
    expect([value(0), value(1), value(2)]).toEqual([undefined, "{ x: 1 }", "43"]);
  });

  it("refuses a cell whose types are wrong, in strict TypeScript, and points at the place", () => {
    expect(error(3)).toMatchObject({
      ename: "TypeScriptError",
      evalue: "1:7 - Type 'number' is not assignable to type 'string'.",
      traceback: [expect.any(String), "    const text: string = a;", "          ^"],
    });
    expect(error(4)?.evalue).toBe("2:1 - 'maybe' is possibly 'undefined'.");
  });

  it("gives a thrown error the lines of the cells, of the earlier one too, and no frame of the kernel", () => {
    expect(error(6)?.traceback).toEqual([
      "RangeError: no 1",
      "    at fail (cell 6, line 3:9)",
      "    at cell 7, line 3:1",
    ]);
  });

  it("says what was thrown if it was no error", () => {
    expect(error(7)).toMatchObject({ ename: "Thrown", evalue: "'a word'" });
  });

  it("shows an error made on purpose with its message and the cell's line only", () => {
    expect(error(9)?.traceback).toEqual(["ConfigError: missing x: give x", "    at cell 10, line 1:7"]);
  });

  it("lets a value describe itself, and fails the cell if it cannot", () => {
    expect(outputs(10)).toMatchObject([{ output_type: "execute_result", data: { "text/html": ["<b>"] } }]);
    expect(error(11)?.evalue).toBe("cannot show");
  });

  it("takes a variable's new type, also where the name alone is a property", () => {
    expect(value(12)).toBe("10");
  });

  it("joins the bytes of a letter and calls back after a write", () => {
    expect(outputs(13)).toEqual([{ output_type: "stream", name: "stdout", text: ["€"] }]);
    expect(outputs(14)).toEqual([{ output_type: "stream", name: "stdout", text: ["written"] }]);
  });

  it("reports what fails behind a cell and goes on", () => {
    const texts = outputs(15).map((output) => (output.output_type === "stream" ? joinText(output.text) : ""));
    expect(texts.join("")).toContain("nobody waits");
    expect(value(15)).toBe("went on");
  });

  it("compiles the TypeScript files that a cell imports", () => {
    expect(value(16)).toBe("4");
  });

  it("makes a notebook that Jupyter can open: format, kernel, ids", () => {
    expect(run.notebook.nbformat_minor).toBe(5);
    expect(run.notebook.metadata).toMatchObject({ kernelspec: { name: "tslab" } });
    const ids = run.notebook.cells.map(({ id }) => id);
    expect(new Set(ids).size).toBe(CELLS.length);
  });
});

describe("runNotebook refuses", () => {
  it("a file that is no notebook, and one that is not there", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "no.ipynb");
    await writeFile(path, '{"cells": 3}');
    await expect(runNotebook(path)).rejects.toThrow(/no notebook of format 4/);
    await expect(runNotebook(join(folder, "absent.ipynb"))).rejects.toThrow(/no such notebook/);
  });

  it("a cell that takes too long, and a cell that ends its process", async () => {
    const folder = await temporaryFolder();
    const endless = join(folder, "endless.ipynb");
    await writeFile(endless, JSON.stringify(notebookOf([{ text: "while (true) {}" }])));
    await expect(runNotebook(endless, { cellTimeoutMs: 100 })).rejects.toThrow(/cell 1 took more than 0.1 s/);
    const leaving = join(folder, "leaving.ipynb");
    await writeFile(leaving, JSON.stringify(notebookOf([{ text: "1" }, { text: "process.exit(3)" }])));
    await expect(runNotebook(leaving)).rejects.toThrow(/process ended in cell 2 \(3\)/);
  });

  it("to go on after a failed cell", async () => {
    const path = join(await temporaryFolder(), "fails.ipynb");
    await writeFile(path, JSON.stringify(notebookOf([{ text: "throw new Error('x')" }, { text: "1" }])));
    const { failure, notebook } = await runNotebook(path);
    expect(failure?.count).toBe(1);
    expect(notebook.cells[1]).toMatchObject({ execution_count: null, outputs: [] });
  });
});
