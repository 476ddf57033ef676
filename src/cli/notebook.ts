/**
 * @module `sharegrpo notebook run`: runs notebooks from first cell to last, without Jupyter.
 */
import type { Command } from "commander";
import { writeNotebook } from "../kernel/notebook.js";
import { type NotebookRun, runNotebook } from "../kernel/runNotebook.js";
import { positiveNumber } from "./arguments.js";
import type { CommandContext } from "./context.js";

interface Flags {
  readonly write?: boolean;
  readonly timeout: number;
}

function summary(path: string, { cells, failure }: NotebookRun): string {
  const seconds = cells.reduce((sum, { elapsedMs }) => sum + elapsedMs, 0) / 1000;
  if (failure) return `${path}: cell ${failure.count} failed\n${failure.error}`;
  return `${path}: ${cells.length} cells, ${seconds.toFixed(1)} s`;
}

export function addNotebook(program: Command, { terminal, print, exitWith }: CommandContext): void {
  program
    .command("notebook")
    .description("run notebooks without Jupyter")
    .command("run")
    .description("run every cell in order, in the notebook's folder; exit 1 if one fails")
    .argument("<files...>", "notebooks")
    .option("--write", "save the outputs into the notebooks that ran to their end")
    .option("--timeout <seconds>", "longest time for a cell", positiveNumber, 600)
    .action(async (files: string[], { write, timeout }: Flags) => {
      for (const path of files) {
        const run = await runNotebook(path, {
          cellTimeoutMs: 1000 * timeout,
          onCell: ({ count, elapsedMs }) =>
            terminal.onProgress({ phase: path, done: count, total: 0, note: `${elapsedMs.toFixed(0)} ms` }),
        });
        terminal.finish();
        print(summary(path, run));
        if (run.failure) exitWith(1);
        else if (write) await writeNotebook(path, run.notebook);
      }
    });
}
