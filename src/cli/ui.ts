/**
 * @module What the command line shows while it works: one bar with the time left on a terminal, a plain line now and
 * then in a log file. Everything goes to the given stream; the clock is given too.
 */
import type { WriteStream } from "node:tty";
import {
  formatSeconds,
  type OnProgress,
  observe,
  type Pace,
  type ProgressEvent,
  remainingSeconds,
} from "../core/progress.js";

/** The part of a stream that is used. `process.stderr` is one. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface TerminalOptions {
  readonly screen: Screen;
  /** Milliseconds from any origin. */
  readonly now: () => number;
  /** Default: no colours. */
  readonly isColoured?: boolean;
  /** Default: `"normal"`. */
  readonly loudness?: Loudness;
}

/** What a stream can show. `TERM=dumb` cannot be drawn over; NO_COLOR and FORCE_COLOR decide as Node reads them. */
export function screenOf(
  stream: WriteStream,
  env: NodeJS.ProcessEnv,
): Pick<TerminalOptions, "screen" | "isColoured"> {
  const isTTY = stream.isTTY === true && env["TERM"] !== "dumb";
  const screen: Screen = {
    isTTY,
    get columns() {
      return stream.columns;
    },
    write: (text) => stream.write(text),
  };
  return { screen, isColoured: isTTY && stream.hasColors(env) };
}

/** `quiet`: results and errors only; `verbose`: every retry, and progress every 5 s also in a log. */
export type Loudness = "quiet" | "normal" | "verbose";

export interface Terminal {
  readonly onProgress: OnProgress;
  /** Prints a line above the bar. */
  line(text: string): void;
  /** Counts an attempt that is made again beside the progress; tells the first of each kind. */
  retried(kind: string, message: string): void;
  /** Ends the bar's line. Call it before the process prints anything itself. */
  finish(): void;
}

const BAR_EVERY_MS = 100;
/** In a log the wait for the next line doubles from line to line, up to this. */
const LINE_EVERY_MS = 5000;
const LINE_AT_LEAST_EVERY_MS = 300_000;
const BAR_CELLS = 24;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** `████▌     ` of `cells` cells. */
export function bar(share: number, cells = BAR_CELLS): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * cells * 8);
  const filled = "█".repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? "");
  return filled.padEnd(cells, " ");
}

/** Cuts a text to a width, with an ellipsis. */
export function clipText(text: string, width: number): string {
  const letters = [...text];
  return letters.length <= width ? text : `${letters.slice(0, Math.max(0, width - 1)).join("")}…`;
}

function countText({ done, total }: ProgressEvent): string {
  const format = (value: number) => value.toLocaleString("en-US");
  return total > 0 ? `${format(done)}/${format(total)}` : format(done);
}

function etaText(pace: Pace, now: number, event: ProgressEvent): string {
  if (event.total > 0 && event.done >= event.total) return formatSeconds((now - pace.startedMs) / 1000);
  const left = remainingSeconds(pace, now);
  return left === undefined ? "" : `${formatSeconds(left)} left`;
}

const joined = (parts: readonly string[]): string => parts.filter((part) => part !== "").join(" · ");

const SILENT: Terminal = {
  onProgress: () => undefined,
  line: () => undefined,
  retried: () => undefined,
  finish: () => undefined,
};

/** The bar of a screen that can be drawn over. */
function createBar(screen: Screen, isColoured: boolean) {
  const paint = (code: number, text: string) => (isColoured ? `\u001b[${code}m${text}\u001b[0m` : text);
  let isOpen = false;
  const clear = () => {
    if (isOpen) screen.write("\r\u001b[2K");
    isOpen = false;
  };
  return {
    clear,
    draw(event: ProgressEvent, tail: string) {
      const width = Math.max(20, (screen.columns ?? 80) - 1);
      const head = `${event.phase.padEnd(16)} `;
      const cells = event.total > 0 && width > 60 ? `${bar(event.done / event.total)} ` : "";
      const isWhole = head.length + cells.length + tail.length <= width;
      const plain = clipText(`${head}${cells}${tail}`, width);
      clear();
      screen.write(isWhole ? `${head}${paint(36, cells)}${paint(2, tail)}` : plain);
      isOpen = true;
    },
  };
}

/** How often what was done is shown: ten times a second on a terminal, ever less often in a log. */
function createPacer(isTerminal: boolean, isVerbose: boolean) {
  let shownMs = Number.NEGATIVE_INFINITY;
  let waitMs = isTerminal ? BAR_EVERY_MS : LINE_EVERY_MS;
  let isFirst = true;
  return {
    isDue: (nowMs: number) => nowMs - shownMs >= waitMs,
    shown(nowMs: number) {
      shownMs = nowMs;
      if (!isTerminal && !isVerbose && !isFirst) waitMs = Math.min(2 * waitMs, LINE_AT_LEAST_EVERY_MS);
      isFirst = false;
    },
    soon() {
      shownMs = Number.NEGATIVE_INFINITY;
    },
  };
}

/** Progress for people. On a terminal the bar is redrawn in place; elsewhere a line is printed ever less often. */
export function createTerminal(options: TerminalOptions): Terminal {
  const { screen, now, isColoured = false, loudness = "normal" } = options;
  if (loudness === "quiet") return SILENT;
  const isTerminal = screen.isTTY === true;
  const isVerbose = loudness === "verbose";
  const drawn = createBar(screen, isColoured);
  const pacer = createPacer(isTerminal, isVerbose);
  const retries = new Map<string, number>();
  let pace: Pace | undefined;

  const retryText = () => {
    const count = [...retries.values()].reduce((sum, each) => sum + each, 0);
    return count === 0 ? "" : `${count} ${count === 1 ? "retry" : "retries"}`;
  };
  const line = (text: string) => {
    drawn.clear();
    screen.write(`${text}\n`);
    if (isTerminal) pacer.soon();
  };

  return {
    line,
    finish: drawn.clear,
    retried(kind, message) {
      const before = retries.get(kind) ?? 0;
      retries.set(kind, before + 1);
      if (isVerbose) line(`retry: ${message}`);
      else if (before === 0) line(`${message}: trying again; more of this kind are only counted`);
    },
    onProgress(event) {
      const time = now();
      const isNewPhase = pace?.phase !== event.phase;
      const isDone = event.total > 0 && event.done >= event.total;
      const wasDone = !isNewPhase && pace !== undefined && pace.total > 0 && pace.lastDone >= pace.total;
      pace = observe(pace, event, time);
      if (!pacer.isDue(time) && !(isDone && !wasDone && isTerminal)) return;
      pacer.shown(time);
      const rest = [etaText(pace, time, event), retryText(), event.note ?? ""];
      if (isTerminal) drawn.draw(event, joined([countText(event), ...rest]));
      else screen.write(`${joined([`${event.phase}: ${countText(event)}`, ...rest])}\n`);
    },
  };
}
