/**
 * Every notebook is run from its first cell to its last without Jupyter or Python, and its outputs are those it is kept
 * with. Run `sharegrpo notebook run --write notebooks/*.ipynb` after a change that is meant to change them.
 */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { packageRoot } from "../src/core/files/packageRoot.js";
import { compareNotebooks, formatDifference } from "../src/kernel/compareNotebooks.js";
import { joinText, readNotebook } from "../src/kernel/notebook.js";
import { runNotebook } from "../src/kernel/runNotebook.js";
import { NOTEBOOKS, notebooksIn } from "./support/notebooks.js";

const FIXTURES = notebooksIn(join(packageRoot(), "tests", "kernel", "notebooks"));
const MINUTES = 60_000;

describe.each([...NOTEBOOKS, ...FIXTURES])("$name", ({ path }) => {
  it("runs, and puts out what it is kept with", { timeout: 5 * MINUTES }, async () => {
    const { notebook, failure } = await runNotebook(path);
    expect(failure?.error).toBeUndefined();
    expect(compareNotebooks(await readNotebook(path), notebook).map(formatDifference)).toEqual([]);
  });
});

describe.each(NOTEBOOKS)("$name", ({ path }) => {
  it("has cells of at most 15 lines", async () => {
    const { cells } = await readNotebook(path);
    const long = cells
      .filter(({ cell_type: type }) => type === "code")
      .map(({ source }) => joinText(source).split("\n"))
      .filter((lines) => lines.length > 15);
    expect(long.map(([first]) => first)).toEqual([]);
  });

  it("can be read without a network: no formulas that a browser sets, nothing loaded from elsewhere", async () => {
    const { cells } = await readNotebook(path);
    const prose = cells
      .filter(({ cell_type: type }) => type === "markdown")
      .map(({ source }) => joinText(source));
    expect(prose.filter((source) => /\$[^$\n]+\$|\$\$/.test(source))).toEqual([]);
    expect(JSON.stringify(cells)).not.toMatch(/(src|href)=\\?["']https?:[^"']*\.(js|css|png|svg)/);
  });

  it("is kept with outputs that name no folder of a machine", async () => {
    const { cells } = await readNotebook(path);
    const text = JSON.stringify(cells.map(({ outputs }) => outputs));
    expect(text).not.toMatch(/\/(home|root|Users|work|tmp)\//);
    expect(cells.some(({ outputs }) => (outputs ?? []).length > 0)).toBe(true);
  });
});
