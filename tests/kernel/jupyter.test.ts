/**
 * The kernel through a real Jupyter client, one test for each fault of the stock kernel. Skipped where Python has no
 * jupyter_client and nbclient.
 */
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packageRoot } from "../../src/core/files/packageRoot.js";
import {
  type ExecuteAnswer,
  JUPYTER_ENV,
  type JupyterClient,
  jupyterPython,
  startJupyterClient,
} from "../support/jupyter.js";

const python = jupyterPython();
if (python === undefined)
  process.stderr.write("no Python with jupyter_client and nbclient: skipping its tests\n");

/** Cells end within this time, or a client would have hung. */
const PATIENCE = 180_000;
const FOLDER = join(packageRoot(), "notebooks");

const typesOf = ({ outputs }: ExecuteAnswer) => outputs.map(({ type }) => type);
const textOf = ({ outputs }: ExecuteAnswer) =>
  outputs.flatMap(({ type, content }) => (type === "stream" ? [String(content["text"])] : [])).join("");
const errorOf = ({ outputs }: ExecuteAnswer) => outputs.find(({ type }) => type === "error")?.content;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false; // there is no such process
  }
}

describe.skipIf(python === undefined)("the kernel, asked by Jupyter,", { timeout: PATIENCE }, () => {
  let client: JupyterClient;
  beforeAll(async () => {
    client = await startJupyterClient(python ?? "", FOLDER);
  }, PATIENCE);
  afterAll(() => client.close(), PATIENCE);

  it("sends all of a flood of lines, and its end, in few messages", async () => {
    const flood = await client.execute("for (let i = 0; i < 50_000; i++) console.log(i);");
    const lines = textOf(flood).trimEnd().split("\n");
    expect([lines.length, lines.at(-1)]).toEqual([50_000, "49999"]);
    expect(flood.outputs.length).toBeLessThan(1000);
    expect(flood.outputs.at(-1)?.content).toEqual({ execution_state: "idle" });
  });

  it("announces each cell with its number, and shows its last value", async () => {
    const first = await client.execute("const shared = 20;");
    const second = await client.execute("shared + 1");
    expect(typesOf(second)).toEqual(["status", "execute_input", "execute_result", "status"]);
    expect(second.reply.execution_count).toBe((first.reply.execution_count ?? 0) + 1);
    expect(second.outputs[2]?.content).toMatchObject({ data: { "text/plain": "21" } });
  });

  it("says what failed", async () => {
    const failed = await client.execute("const problem = 'no such thing';\nthrow new RangeError(problem);");
    expect(failed.reply).toMatchObject({ status: "error", ename: "RangeError", evalue: "no such thing" });
    const cell = failed.reply.execution_count;
    expect(errorOf(failed)?.["traceback"]).toEqual([
      "RangeError: no such thing",
      `    at cell ${cell}, line 2:7`,
    ]);
  });

  it("refuses what strict TypeScript refuses", async () => {
    const refused = await client.execute("const count: number = [1].find((v) => v > 0);");
    expect(errorOf(refused)).toMatchObject({ ename: "TypeScriptError" });
  });

  it("aborts what waits behind a failed cell, unless asked to go on", async () => {
    const codes = ["throw new Error('x')", "1", "2"];
    expect(await client.ask({ do: "queue", codes, stopOnError: true })).toEqual([
      "error",
      "aborted",
      "aborted",
    ]);
    await sleep(200);
    expect(await client.ask({ do: "queue", codes, stopOnError: false })).toEqual(["error", "ok", "ok"]);
  });

  it("answers comm_info_request", async () => {
    const answer = await client.ask({ do: "commInfo" });
    expect(answer).toEqual({ type: "comm_info_reply", content: { status: "ok", comms: {} } });
  });

  it("lets a value show itself", async () => {
    const shown = await client.execute(
      "({ [Symbol.for('Jupyter.display')]: async () => ({ 'text/plain': 'p', 'text/html': '<b>' }) })",
    );
    expect(shown.outputs[2]).toMatchObject({
      type: "execute_result",
      content: { data: { "text/plain": "p", "text/html": "<b>" } },
    });
  });

  it("knows the library's names, types and documentation", async () => {
    const imported = await client.execute("import { Rng } from 'sharegrpo';\nconst rng = Rng.fromSeed(1);");
    expect(imported.reply.status).toBe("ok");
    const code = "rng.unif";
    const completion = await client.ask<{ matches: string[]; cursor_start: number }>({
      ...{ do: "complete", code, cursor: code.length },
    });
    expect(completion).toMatchObject({ cursor_start: 4 });
    expect(completion.matches).toContain("uniform");
    const hover = await client.ask<{ data: Record<string, string> }>({
      do: "inspect",
      code: "rng",
      cursor: 1,
    });
    expect(hover.data["text/plain"]).toContain("const rng: Rng");
  });

  it("shows the comments of the library, of Node and of the language when one hovers", async () => {
    const imports = "import { readFileSync } from 'node:fs';\nimport { zip } from 'sharegrpo';";
    expect((await client.execute(imports)).reply.status).toBe("ok");
    const hovering = async (code: string) => {
      const hover = await client.ask<{ data: Record<string, string> }>({
        ...{ do: "inspect", code, cursor: code.length - 1 },
      });
      return hover.data["text/plain"];
    };
    expect(await hovering("zip")).toContain("Error when the lengths differ");
    expect(await hovering("readFileSync")).toContain("Returns the contents of the `path`");
    expect(await hovering("[1].map")).toContain("Calls a defined callback function on each element");
  });

  describe("when interrupted,", () => {
    const go = { interruptOn: "go" };
    const INTERRUPTED = { status: "error", ename: "Interrupted" };

    it("stops a cell that computes, and one that waits", async () => {
      const computing = await client.execute("console.log('go'); while (true) {}", go);
      expect(computing.reply).toMatchObject(INTERRUPTED);
      const waiting = await client.execute(
        "console.log('go'); await new Promise((r) => setTimeout(r, 60_000));",
        go,
      );
      expect(waiting.reply).toMatchObject(INTERRUPTED);
      expect(waiting.seconds).toBeLessThan(30);
    });

    it("lets work that took interruptSignal() finish its step, and keeps its variables", async () => {
      const work = await client.execute(
        `import { interruptSignal } from "sharegrpo";
         const signal = interruptSignal();
         const saved: number[] = [];
         while (!signal.aborted) { console.log("go"); await new Promise((r) => setTimeout(r, 300)); saved.push(saved.length); }
         console.log("saved");`,
        go,
      );
      expect(work.reply).toMatchObject({
        ...INTERRUPTED,
        evalue: expect.stringContaining("variables are kept"),
      });
      expect(textOf(work).endsWith("saved\n")).toBe(true);
      const after = await client.execute("saved.length > 0");
      expect(after.outputs[2]?.content).toMatchObject({ data: { "text/plain": "true" } });
    });

    it("goes on living: at rest, and after a cell that listens to SIGINT itself", async () => {
      expect(await client.ask({ do: "interrupt" })).toBe(true);
      await client.execute("process.on('SIGINT', () => undefined);");
      expect(await client.ask({ do: "interrupt" })).toBe(true);
      expect((await client.execute("1")).reply.status).toBe("ok");
    });
  });

  it("forgets everything when restarted", async () => {
    await client.ask({ do: "restart" });
    expect((await client.execute("shared")).reply.evalue).toContain("Cannot find name 'shared'");
  });
});

describe.skipIf(python === undefined)("a kernel whose front end dies", { timeout: PATIENCE }, () => {
  it("ends, even in a cell that never does", async () => {
    const client = await startJupyterClient(python ?? "", FOLDER);
    void client.execute("console.log('go'); while (true) {}").catch(() => undefined);
    await sleep(1000);
    client.process.kill("SIGKILL");
    for (let tries = 0; tries < 100 && isAlive(client.pid); tries++) await sleep(100);
    expect(isAlive(client.pid)).toBe(false);
  });
});

describe.skipIf(python === undefined)("nbconvert --execute", { timeout: PATIENCE }, () => {
  it("runs a notebook, numbers its cells and keeps the error of a failed one", async () => {
    const folder = await mkdtemp(join(packageRoot(), "dist", "nbconvert-"));
    afterAll(() => rm(folder, { recursive: true, force: true }));
    const cell = (source: string) => ({
      ...{ cell_type: "code", metadata: {}, source, execution_count: null, outputs: [] },
    });
    const kernelspec = { name: "tslab", display_name: "TypeScript (tslab)", language: "typescript" };
    const path = join(folder, "in.ipynb");
    const cells = [cell("1 + 1"), cell("throw new Error('seen')"), cell("'after'")];
    await writeFile(
      path,
      JSON.stringify({ cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 4 }),
    );
    const options = ["--to", "notebook", "--execute", "--allow-errors", "--output", "out.ipynb", path];
    const run = spawnSync(python ?? "", ["-m", "nbconvert", ...options], {
      env: JUPYTER_ENV,
      encoding: "utf8",
    });
    expect(run.status, run.stderr).toBe(0);
    const done = JSON.parse(await readFile(join(folder, "out.ipynb"), "utf8")) as { cells: object[] };
    expect(done.cells).toMatchObject([
      { execution_count: 1, outputs: [{ output_type: "execute_result" }] },
      { execution_count: 2, outputs: [{ output_type: "error", ename: "Error", evalue: "seen" }] },
      { execution_count: 3, outputs: [{ output_type: "execute_result" }] },
    ]);
  });
});
