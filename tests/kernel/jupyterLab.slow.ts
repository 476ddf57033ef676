/**
 * JupyterLab in a browser, used by its buttons and keys: run, complete, interrupt, restart. Screenshots are kept in
 * runs/screenshots. Skipped where Jupyter or Chromium is missing.
 */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packageRoot } from "../../src/core/files/packageRoot.js";
import { jupyterPython } from "../support/jupyter.js";
import { chromiumPath, type OpenLab, openLab } from "../support/jupyterLab.js";

const python = jupyterPython();
const canRun = python !== undefined && chromiumPath() !== undefined;
if (!canRun) process.stderr.write("no Jupyter or no Chromium: skipping JupyterLab in the browser\n");

const PATIENCE = 300_000;
const NAME = "lab-test.ipynb";
const PATH = join(packageRoot(), "notebooks", NAME);

const cell = (source: string) => ({
  ...{ cell_type: "code", metadata: {}, source, execution_count: null, outputs: [] },
});
const NOTEBOOK = {
  cells: [
    cell('import { Rng } from "sharegrpo";\nconst rng = Rng.fromSeed(1);\nrng.uniform() < 1'),
    cell(
      'import { interruptSignal } from "sharegrpo";\nconst pause = () => new Promise((r) => setTimeout(r, 200));\nconst signal = interruptSignal();\nwhile (!signal.aborted) await pause();\n"state saved"',
    ),
    cell("rng."),
  ],
  metadata: { kernelspec: { name: "tslab", display_name: "TypeScript (tslab)", language: "typescript" } },
  nbformat: 4,
  nbformat_minor: 4,
};

describe.skipIf(!canRun)("JupyterLab", { timeout: PATIENCE }, () => {
  let lab: OpenLab;
  beforeAll(async () => {
    await writeFile(PATH, JSON.stringify(NOTEBOOK));
    lab = await openLab(python ?? "", NAME);
  }, PATIENCE);
  afterAll(async () => {
    await lab?.close();
    await rm(PATH, { force: true });
  }, PATIENCE);

  const codeCell = (at: number) => lab.page.locator(".jp-Notebook .jp-CodeCell").nth(at);
  const press = (command: string) =>
    lab.page.locator(`.jp-NotebookPanel-toolbar [data-command="${command}"]`).first().click();
  const select = (at: number) => codeCell(at).locator(".cm-content").click();

  it("opens the notebook with the TypeScript kernel", async () => {
    await lab.page.getByText("TypeScript (tslab)").first().waitFor();
    await lab.picture("lab-opened");
  });

  it("runs a cell by its button and shows the value", async () => {
    await select(0);
    await press("notebook:run-cell-and-select-next");
    await codeCell(0).locator(".jp-OutputArea-output").filter({ hasText: "true" }).waitFor();
    expect(await codeCell(0).locator(".jp-InputPrompt").textContent()).toContain("[1]");
  });

  it("colours the code as TypeScript", async () => {
    const colours = await codeCell(0)
      .locator(".cm-line span")
      .evaluateAll((spans) => new Set(spans.map((span) => getComputedStyle(span).color)).size);
    expect(colours).toBeGreaterThan(2);
  });

  it("completes a name with Tab", async () => {
    await select(2);
    const candidate = lab.page.locator(".jp-Completer-item").filter({ hasText: "uniformAt" }).first();
    // The front end waits one second for candidates; the compiler's first ones may take longer.
    for (let tries = 0; tries < 10 && !(await candidate.isVisible()); tries++) {
      await lab.page.keyboard.press("End");
      await lab.page.keyboard.press("Tab");
      await lab.page.waitForTimeout(2000);
    }
    expect(await candidate.isVisible()).toBe(true);
    await lab.picture("lab-completion");
    await lab.page.keyboard.press("Escape");
  });

  it("interrupts work by its button; the work finishes its step", async () => {
    await select(1);
    await press("notebook:run-cell-and-select-next");
    await lab.page.waitForFunction(() =>
      document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")[1]?.textContent?.includes("*"),
    );
    await lab.page.waitForTimeout(3000);
    await press("notebook:interrupt-kernel");
    await codeCell(1).locator(".jp-OutputArea").filter({ hasText: "state saved" }).waitFor();
    await lab.picture("lab-interrupted");
  });

  it("restarts by its button and forgets", async () => {
    await press("notebook:restart-kernel");
    await lab.page.locator(".jp-Dialog button.jp-mod-accept").click();
    await select(2);
    await lab.page.keyboard.press("Control+A");
    await lab.page.keyboard.type("typeof rng");
    await press("notebook:run-cell-and-select-next");
    await codeCell(2).locator(".jp-OutputArea-output").filter({ hasText: "Cannot find name" }).waitFor();
    await lab.picture("lab-restarted");
  });
});
