/**
 * @module Runs a notebook without Jupyter or Python: tslab's compiler and executor, as in the kernel, in a process of
 * its own.
 */
import { fork } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { ConfigError, DataError } from "../core/errors.js";
import { packageRoot } from "../core/files/packageRoot.js";
import type { Notebook } from "./notebook.js";

/** One cell that has run. */
export interface CellReport {
  /** Its execution count, from 1. */
  readonly count: number;
  readonly elapsedMs: number;
  /** Why it failed, unless it was meant to. */
  readonly error?: string;
}

/** What the notebook's process says. */
export type FromNotebook =
  | { readonly kind: "cell"; readonly report: CellReport }
  | { readonly kind: "done"; readonly notebook: Notebook }
  | { readonly kind: "refused"; readonly message: string };

export interface RunNotebookOptions {
  readonly onCell?: (report: CellReport) => void;
  /** Longest time between two cells' ends, milliseconds. Default: ten minutes. */
  readonly cellTimeoutMs?: number;
  /** Aborted: the notebook's process is ended. */
  readonly signal?: AbortSignal;
}

export interface NotebookRun {
  /** With the outputs of this run. */
  readonly notebook: Notebook;
  readonly cells: readonly CellReport[];
  /** The cell that stopped the run. */
  readonly failure?: CellReport;
}

const TEN_MINUTES = 600_000;

function notebookProgram(): string {
  const program = join(packageRoot(), "dist", "src", "kernel", "notebookProcess.js");
  if (!existsSync(program)) throw new ConfigError(`${program}: missing: run \`npm run build\` first`);
  return program;
}

/**
 * Runs all cells in the notebook's folder, up to the first that fails. Nothing is written.
 * @throws DataError when the file is no notebook, a cell takes too long, or its process ends
 */
export async function runNotebook(path: string, options: RunNotebookOptions = {}): Promise<NotebookRun> {
  const { cellTimeoutMs = TEN_MINUTES, signal } = options;
  const file = resolve(path);
  if (!existsSync(file)) throw new DataError(`${path}: no such notebook`);
  const child = fork(notebookProgram(), [file], {
    cwd: dirname(file),
    execArgv: ["--enable-source-maps", "--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", 2, 2, "ipc"], // what native code prints is no result
  });
  const cells: CellReport[] = [];
  return new Promise<NotebookRun>((fulfil, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const refuse = (why: string) => reject(new DataError(`${path}: ${why}`));
    const watch = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        child.kill("SIGKILL");
        refuse(`cell ${cells.length + 1} took more than ${cellTimeoutMs / 1000} s`);
      }, cellTimeoutMs);
    };
    watch();
    const stop = () => child.kill("SIGTERM");
    signal?.addEventListener("abort", stop, { once: true });
    child.on("message", (message) => {
      const said = message as FromNotebook;
      if (said.kind === "refused") return reject(new DataError(said.message));
      if (said.kind === "cell") {
        watch();
        cells.push(said.report);
        return options.onCell?.(said.report);
      }
      const failure = cells.find(({ error }) => error !== undefined);
      fulfil({ notebook: said.notebook, cells, ...(failure ? { failure } : {}) });
    });
    child.on("error", reject);
    child.on("exit", (code, by) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
      refuse(`the notebook's process ended in cell ${cells.length + 1} (${by ?? code})`);
    });
  });
}
