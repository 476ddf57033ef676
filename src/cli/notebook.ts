/**
 * @module `sharegrpo notebook run`: runs notebooks from first cell to last, without Jupyter.
 */
import type { Command } from "commander";
import { compareNotebooks, formatDifference } from "../kernel/compareNotebooks.js";
import { type Notebook, readNotebook, writeNotebook } from "../kernel/notebook.js";
import { type NotebookRun, runNotebook } from "../kernel/runNotebook.js";
import { timeLimit } from "./arguments.js";
import type { CommandContext } from "./context.js";

interface Flags {
  readonly write?: boolean;
  readonly compare?: boolean;
  readonly timeout: number;
}

/** What a run came to, for people, and whether it is as it should be. */
interface Verdict {
  readonly isFine: boolean;
  readonly text: string;
}

function verdictOf(path: string, { cells, failure, notebook }: NotebookRun, kept?: Notebook): Verdict {
  if (failure) return { isFine: false, text: `${path}: cell ${failure.count} failed\n${failure.error}` };
  const seconds = cells.reduce((sum, { elapsedMs }) => sum + elapsedMs, 0) / 1000;
  const differences = kept ? compareNotebooks(kept, notebook).map(formatDifference) : [];
  const lines = [`${path}: ${cells.length} cells, ${seconds.toFixed(1)} s`, ...differences];
  return { isFine: differences.length === 0, text: lines.join("\n") };
}

async function runOne(path: string, flags: Flags, { terminal, print }: CommandContext): Promise<boolean> {
  const kept = flags.compare ? await readNotebook(path) : undefined;
  const run = await runNotebook(path, {
    cellTimeoutMs: 1000 * flags.timeout,
    onCell: ({ count, elapsedMs }) =>
      terminal.onProgress({ phase: path, done: count, total: 0, note: `${elapsedMs.toFixed(0)} ms` }),
  });
  terminal.finish();
  const { isFine, text } = verdictOf(path, run, kept);
  print(text);
  if (flags.write && !run.failure) await writeNotebook(path, run.notebook);
  return isFine;
}

export function addNotebook(program: Command, context: CommandContext): void {
  program
    .command("notebook")
    .description("run notebooks without Jupyter")
    .command("run")
    .description("run every cell in order, in the notebook's folder; exit 1 if one fails")
    .argument("<files...>", "notebooks")
    .option("--write", "save the outputs into the notebooks that ran to their end")
    .option("--compare", "exit 1 if outputs differ from the kept ones in more than times, paths and pixels")
    .option("--timeout <seconds>", "longest time for a cell", timeLimit, 600)
    .action(async (files: string[], flags: Flags) => {
      for (const path of files) {
        if (!(await runOne(path, flags, context))) context.exitWith(1);
      }
    });
}
