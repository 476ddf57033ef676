/**
 * @module The process a notebook runs in: cells need a working folder, streams and an interrupt of their own.
 */
import process from "node:process";
import { messageOf } from "../core/errors.js";
import { type Cells, startCells } from "./cells.js";
import { KERNEL_METADATA } from "./language.js";
import { LIBRARY_TYPES, loadLibrary } from "./library.js";
import { type Cell, joinText, type Notebook, readNotebook, withCellIds } from "./notebook.js";
import { createGatherer, type OutputGatherer } from "./outputs.js";
import { startCompiler } from "./remoteCompiler.js";
import type { CellReport, FromNotebook } from "./runNotebook.js";

/** A cell of this tag is meant to fail; Jupyter's own tools know the tag. */
const MAY_FAIL = "raises-exception";

interface Session {
  readonly cells: Cells;
  readonly gatherer: OutputGatherer;
  readonly report: (report: CellReport) => void;
}

async function runCell(cell: Cell, count: number, { cells, gatherer, report }: Session): Promise<Cell> {
  const source = joinText(cell.source);
  const startedMs = performance.now();
  const outcome = await cells.run({ source, count, sink: gatherer.begin() });
  const elapsedMs = performance.now() - startedMs;
  const mayFail = cell.metadata.tags?.includes(MAY_FAIL) ?? false;
  const error = outcome.kind === "failed" && !mayFail ? outcome.error.traceback.join("\n") : undefined;
  report({ count, elapsedMs, ...(error === undefined ? {} : { error }) });
  return { ...cell, execution_count: count, outputs: gatherer.end(outcome, count) };
}

/** Runs the cells in order, up to the first that fails without being meant to. */
async function runCells(notebook: Notebook, session: Session): Promise<Notebook> {
  const done: Cell[] = [];
  let count = 0;
  let hasFailed = false;
  for (const cell of notebook.cells) {
    if (cell.cell_type !== "code") {
      done.push(cell);
    } else if (hasFailed || joinText(cell.source).trim() === "") {
      done.push({ ...cell, execution_count: null, outputs: [] });
    } else {
      const report = (of: CellReport) => {
        hasFailed = of.error !== undefined;
        session.report(of);
      };
      done.push(await runCell(cell, ++count, { ...session, report }));
    }
  }
  return { ...notebook, cells: done, metadata: { ...notebook.metadata, ...KERNEL_METADATA } };
}

function send(message: FromNotebook): Promise<void> {
  return new Promise((resolve) => process.send?.(message, () => resolve()));
}

async function main(path: string): Promise<void> {
  const compiler = startCompiler(LIBRARY_TYPES);
  try {
    const notebook = withCellIds(await readNotebook(path));
    loadLibrary(); // while the compiler starts in its thread
    const cells = startCells(compiler);
    const report = (of: CellReport) => void send({ kind: "cell", report: of });
    const done = await runCells(notebook, { cells, gatherer: createGatherer(), report });
    cells.close();
    await send({ kind: "done", notebook: done });
  } catch (error) {
    await send({ kind: "refused", message: messageOf(error) });
  }
  process.exit();
}

await main(process.argv[2] ?? "");
