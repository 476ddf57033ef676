/**
 * @module What the command line shows while it works: one bar with the time left on a terminal, a plain line now and
 * then in a log file. Everything goes to the given stream; the clock is given too.
 */
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
  /** False when NO_COLOR is set or the screen is no terminal. */
  readonly isColoured?: boolean;
}

export interface Terminal {
  readonly onProgress: OnProgress;
  /** Prints a line above the bar. */
  line(text: string): void;
  /** Ends the bar's line. Call it before the process prints anything itself. */
  finish(): void;
}

const BAR_EVERY_MS = 100;
const LINE_EVERY_MS = 5000;
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

/** Progress for people. On a terminal the bar is redrawn in place; elsewhere a line is printed at most every 5 s. */
export function createTerminal({ screen, now, isColoured = false }: TerminalOptions): Terminal {
  const isTerminal = screen.isTTY === true;
  const paint = (code: number, text: string) => (isColoured ? `\u001b[${code}m${text}\u001b[0m` : text);
  let pace: Pace | undefined;
  let shownMs = Number.NEGATIVE_INFINITY;
  let isBarOpen = false;

  const clear = () => {
    if (isBarOpen) screen.write("\r\u001b[2K");
    isBarOpen = false;
  };
  const draw = (event: ProgressEvent, time: string) => {
    const width = Math.max(20, (screen.columns ?? 80) - 1);
    const head = `${event.phase.padEnd(16)} `;
    const cells = event.total > 0 && width > 60 ? `${bar(event.done / event.total)} ` : "";
    const tail = [countText(event), time, event.note ?? ""].filter((part) => part !== "").join(" · ");
    const isWhole = head.length + cells.length + tail.length <= width;
    const plain = clipText(`${head}${cells}${tail}`, width);
    clear();
    screen.write(isWhole ? `${head}${paint(36, cells)}${paint(2, tail)}` : plain);
    isBarOpen = true;
  };

  return {
    onProgress(event) {
      const time = now();
      const isNewPhase = pace?.phase !== event.phase;
      const isDone = event.total > 0 && event.done >= event.total;
      const wasDone = !isNewPhase && pace !== undefined && pace.total > 0 && pace.lastDone >= pace.total;
      pace = observe(pace, event, time);
      const isDue = time - shownMs >= (isTerminal ? BAR_EVERY_MS : LINE_EVERY_MS);
      if (!isDue && !(isDone && !wasDone && isTerminal)) return;
      shownMs = time;
      const eta = etaText(pace, time, event);
      if (isTerminal) return draw(event, eta);
      const parts = [`${event.phase}: ${countText(event)}`, eta, event.note ?? ""];
      screen.write(`${parts.filter((part) => part !== "").join(" · ")}\n`);
    },
    line(text) {
      clear();
      screen.write(`${text}\n`);
      if (isTerminal) shownMs = Number.NEGATIVE_INFINITY;
    },
    finish() {
      clear();
    },
  };
}
