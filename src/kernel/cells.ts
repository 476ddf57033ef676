/**
 * @module Runs cells and says what came of them: streams, displays, a value or an error. Knows nothing of Jupyter, so
 * that the kernel and the notebook runner run cells alike.
 */
import process from "node:process";
import { type CellError, cellError, INTERRUPTED, STOPPED, typeErrors } from "./cellError.js";
import type { CellMaps } from "./cellMaps.js";
import type { Compiler, Completions } from "./compiler.js";
import { type Interrupts, listenForInterrupts } from "./interrupts.js";
import { type CapturedStreams, captureStreams, type StreamName } from "./streams.js";
import { type DisplayMessage, type Executor, loadTslab, type Tslab } from "./tslab.js";
import { bundleOf, type ValueBundle } from "./values.js";

/** Where a cell's output goes while it runs, and after it: what comes late goes to the newest cell. */
export interface CellSink {
  stream(name: StreamName, text: string): void;
  display(message: DisplayMessage, isUpdate: boolean): void;
}

export type CellOutcome =
  /** `value`: what the last expression shows of itself. */
  | { readonly kind: "done"; readonly value?: ValueBundle }
  | { readonly kind: "failed"; readonly value?: ValueBundle; readonly error: CellError };

export interface CellRequest {
  readonly source: string;
  /** The cell's execution count, from 1. */
  readonly count: number;
  readonly sink: CellSink;
}

export interface Cells {
  /** Runs one cell. Wait for it before the next. */
  run(request: CellRequest): Promise<CellOutcome>;
  /** As Ctrl-C would. */
  interrupt(): void;
  complete(source: string, position: number): Completions;
  /** What hovering shows of the name at a position. */
  inspect(source: string, position: number): string | undefined;
  isComplete(source: string): { readonly isComplete: boolean; readonly indent: string };
  /** Gives the streams back. */
  close(): void;
}

/** The cell in progress, and what the executor says of it. */
interface Current {
  readonly sink: CellSink;
  readonly values: unknown[];
  readonly thrown: unknown[];
  /** Formatted `line:column - message`. */
  readonly diagnostics: string[];
  /** The person did not wait for the cell. */
  isLeft: boolean;
}

interface Session {
  readonly tslab: Tslab;
  readonly executor: Executor;
  readonly interrupts: Interrupts;
  readonly streams: CapturedStreams;
  /** From here on, what arrives belongs to a new cell. */
  begin(sink: CellSink): Current;
  close(): void;
}

function startOf(sink: CellSink): Current {
  return { sink, values: [], thrown: [], diagnostics: [], isLeft: false };
}

/** Leads what the process writes, shows and is told to the cell in progress. */
function startSession(compiler: Compiler): Session {
  const tslab = loadTslab(compiler);
  let current = startOf({ stream: () => undefined, display: () => undefined });
  const executor = tslab.createExecutor({
    log: (value) => current.values.push(value),
    error: (first, ...more) => {
      if (more.length > 0) current.diagnostics.push(diagnosticText(more));
      else current.thrown.push(first);
    },
  });
  const say = (name: StreamName, text: string) => current.sink.stream(name, text);
  const streams = captureStreams(say);
  tslab.setDisplay((message, isUpdate) => current.sink.display(message, isUpdate));
  const interrupts = listenForInterrupts({
    stop: () => {
      current.isLeft = true;
      executor.interrupt();
    },
    onAsked: () => say("stderr", "stopping at the next safe point (interrupt again to leave at once)\n"),
  });
  // What a cell started and nobody waits for may fail after the cell; the session goes on.
  const reportLate = (error: unknown) =>
    say("stderr", `${cellError(error, tslab.maps).traceback.join("\n")}\n`);
  process.on("uncaughtException", reportLate);
  process.on("unhandledRejection", reportLate);
  return {
    ...{ tslab, executor, interrupts, streams },
    begin(sink) {
      current = startOf(sink);
      return current;
    },
    close() {
      process.off("uncaughtException", reportLate);
      process.off("unhandledRejection", reportLate);
      interrupts.close();
      streams.close();
      executor.close();
    },
  };
}

function errorOf({ isLeft, diagnostics, thrown }: Current, source: string, maps: CellMaps): CellError {
  if (isLeft) return INTERRUPTED;
  if (diagnostics.length > 0) return typeErrors(diagnostics, source);
  return cellError(thrown.at(-1), maps);
}

async function runCell({ source, count, sink }: CellRequest, session: Session): Promise<CellOutcome> {
  const { tslab, executor, interrupts } = session;
  const current = session.begin(sink);
  tslab.maps.begin(count);
  const turn = interrupts.begin();
  try {
    const running = executor.execute(source); // runs the cell up to its first await
    turn.rearm();
    const isDone = await running;
    await nextTurn();
    if (!isDone) return { kind: "failed", error: errorOf(current, source, tslab.maps) };
    const value = await bundleOf(current.values[0]);
    const shown = value ? { value } : {};
    return turn.wasAsked() ? { kind: "failed", error: STOPPED, ...shown } : { kind: "done", ...shown };
  } catch (error) {
    return { kind: "failed", error: cellError(error, tslab.maps) }; // a value that cannot show itself
  } finally {
    session.streams.flush();
  }
}

/** Waits for cells; takes over this process's streams and its SIGINT. @param compiler closed with the cells */
export function startCells(compiler: Compiler): Cells {
  const session = startSession(compiler);
  const { tslab, executor, interrupts } = session;
  return {
    run: (request) => runCell(request, session),
    interrupt: () => interrupts.interrupt(),
    complete: (source, position) => executor.complete(source, position),
    inspect(source, position) {
      const info = executor.inspect(source, position);
      return info && tslab.printQuickInfo(info);
    },
    isComplete(source) {
      const { completed, indent } = tslab.isCompleteCode(source);
      return { isComplete: completed, indent: indent ?? "" };
    },
    close: () => session.close(),
  };
}

/** tslab's arguments: file with a space, line, column, message. */
function diagnosticText([file, line, column, message]: readonly unknown[]): string {
  return `${String(file)}${String(line)}:${String(column)} - ${String(message)}`;
}

/** Lets output arrive that the cell has already caused. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
