/**
 * Every notebook through nbclient and the kernel, as people and their tools run them, with the outputs it is kept with.
 * Skipped where Python has no nbconvert; `notebooks.test.ts` needs none.
 */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compareNotebooks, formatDifference } from "../src/kernel/compareNotebooks.js";
import { joinText, readNotebook } from "../src/kernel/notebook.js";
import { JUPYTER_ENV, jupyterPython } from "./support/jupyter.js";
import { NOTEBOOKS } from "./support/notebooks.js";

const python = jupyterPython("nbconvert");
if (python === undefined) process.stderr.write("no Python with nbconvert: skipping notebooks in Jupyter\n");

const CELL_SECONDS = 300;
const PATIENCE = 2000 * CELL_SECONDS;

/** Runs a program. @returns what it says, and whether it succeeded */
function run(program: string, args: readonly string[]): Promise<{ isFine: boolean; text: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: JUPYTER_ENV, stdio: ["ignore", "ignore", "pipe"] });
    let text = "";
    child.stderr.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ isFine: code === 0, text }));
  });
}

describe.skipIf(python === undefined)("in Jupyter", { timeout: PATIENCE }, () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sharegrpo-jupyter-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(NOTEBOOKS)("$name runs, and puts out what it is kept with", async ({ path }) => {
    const options = ["--to", "notebook", "--execute", "--output-dir", folder];
    const limits = [
      `--ExecutePreprocessor.timeout=${CELL_SECONDS}`,
      "--ExecutePreprocessor.kernel_name=tslab",
    ];
    const { isFine, text } = await run(python ?? "", ["-m", "nbconvert", ...options, ...limits, path]);
    expect(isFine, text).toBe(true);
    const [kept, done] = await Promise.all([path, join(folder, basename(path))].map(readNotebook));
    expect(kept && done && compareNotebooks(kept, done).map(formatDifference)).toEqual([]);
  });

  it("become pages, each with its title and all its outputs", async () => {
    const paths = NOTEBOOKS.map(({ path }) => path);
    const options = ["--to", "html", "--output-dir", folder];
    const { isFine, text } = await run(python ?? "", ["-m", "nbconvert", ...options, ...paths]);
    expect(isFine, text).toBe(true);
    for (const { name, path } of NOTEBOOKS) {
      const { cells } = await readNotebook(path);
      const page = await readFile(join(folder, name.replace(/ipynb$/, "html")), "utf8");
      const outputs = cells.reduce((sum, cell) => sum + (cell.outputs ?? []).length, 0);
      const title =
        joinText(cells[0]?.source ?? "")
          .split("\n")[0]
          ?.replace(/^# /, "") ?? "";
      expect(page, name).toContain(title);
      expect(page.match(/<div class="jp-OutputArea-child/g), name).toHaveLength(outputs);
    }
  });
});
