/**
 * @module Runs cells and says what came of them: streams, displays, a value or an error. Knows nothing of Jupyter, so
 * that the kernel and the notebook runner run cells alike.
 */
import type { QuickInfo } from "typescript";
import { type CellError, cellError, INTERRUPTED, STOPPED, typeErrors } from "./cellError.js";
import { listenForInterrupts } from "./interrupts.js";
import { type CapturedStreams, captureStreams, type StreamName } from "./streams.js";
import { type Completions, type DisplayMessage, loadTslab } from "./tslab.js";
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

/** What the executor said of the cell in progress. */
interface Report {
  readonly values: unknown[];
  readonly thrown: unknown[];
  /** Formatted `line:column - message`. */
  readonly diagnostics: string[];
  /** The person did not wait for the cell. */
  isLeft: boolean;
}

const emptyReport = (): Report => ({ values: [], thrown: [], diagnostics: [], isLeft: false });

const IGNORED_SINK: CellSink = { stream: () => undefined, display: () => undefined };

/** Starts the compiler and waits for cells; takes over this process's streams and its SIGINT. */
export function startCells(): Cells {
  const tslab = loadTslab();
  let report = emptyReport();
  let sink = IGNORED_SINK;
  const executor = tslab.createExecutor({
    log: (value) => report.values.push(value),
    error: (first, ...more) => {
      if (more.length > 0) report.diagnostics.push(diagnosticText(more));
      else report.thrown.push(first);
    },
  });
  const streams: CapturedStreams = captureStreams((name, text) => sink.stream(name, text));
  tslab.setDisplay((message, isUpdate) => sink.display(message, isUpdate));
  const interrupts = listenForInterrupts({
    stop: () => {
      report.isLeft = true;
      executor.interrupt();
    },
    onAsked: () =>
      sink.stream("stderr", "stopping at the next safe point (interrupt again to leave at once)\n"),
  });

  const errorOf = (source: string): CellError => {
    if (report.isLeft) return INTERRUPTED;
    if (report.diagnostics.length > 0) return typeErrors(report.diagnostics, source);
    return cellError(report.thrown.at(-1), tslab.maps);
  };

  const execute = async (request: CellRequest): Promise<CellOutcome> => {
    const { source, count } = request;
    tslab.maps.begin(count);
    const turn = interrupts.begin();
    const running = executor.execute(source); // runs the cell up to its first await
    turn.rearm();
    const isDone = await running;
    await nextTurn();
    if (!isDone) return { kind: "failed", error: errorOf(source) };
    const value = await bundleOf(report.values[0]);
    const shown = value ? { value } : {};
    return turn.wasAsked() ? { kind: "failed", error: STOPPED, ...shown } : { kind: "done", ...shown };
  };

  return {
    async run(request) {
      report = emptyReport();
      sink = request.sink;
      try {
        return await execute(request);
      } catch (error) {
        return { kind: "failed", error: cellError(error, tslab.maps) }; // a value that cannot show itself
      } finally {
        streams.flush();
      }
    },
    interrupt: () => interrupts.interrupt(),
    complete: (source, position) => executor.complete(source, position),
    inspect(source, position) {
      const info: QuickInfo | undefined = executor.inspect(source, position);
      return info && tslab.printQuickInfo(info);
    },
    isComplete(source) {
      const { completed, indent } = tslab.isCompleteCode(source);
      return { isComplete: completed, indent: indent ?? "" };
    },
    close() {
      interrupts.close();
      streams.close();
      executor.close();
    },
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
