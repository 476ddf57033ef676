/**
 * @module Long work in a notebook: a bar with the time left and curves that grow, at most two updates a second; in a
 * script, a line on standard error now and then.
 */
import process from "node:process";
import type { StepRecord } from "../../core/files/runRecords.js";
import {
  formatSeconds,
  type OnProgress,
  observe,
  type Pace,
  type ProgressEvent,
  remainingSeconds,
} from "../../core/progress.js";
import type { StepMetrics } from "../../train/run/metrics.js";
import type { Figure } from "../figure.js";
import { html } from "../markup.js";
import { isNotebook, JUPYTER_DISPLAY, type LiveDisplay, liveDisplay, type MimeBundle } from "./display.js";
import { htmlBundle } from "./markup.js";
import { plot } from "./plot.js";

/** Updates of one output are at least this far apart. */
export const UPDATE_EVERY_MS = 500;
const LINE_EVERY_MS = 5000;

export interface LiveOptions {
  /** Milliseconds from any origin; the process's clock by default. */
  readonly now?: () => number;
  /** Where output goes; the notebook's cell by default. */
  readonly output?: LiveDisplay;
  /** Takes plain lines where no notebook listens; standard error by default. */
  readonly writeLine?: (line: string) => void;
}

const clock = () => performance.now();
const toStandardError = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

/** `rollout: 3/16 · 12 s left · step 2`. */
export function progressText(event: ProgressEvent, pace: Pace, nowMs: number): string {
  const isDone = event.total > 0 && event.done >= event.total;
  const left = isDone ? undefined : remainingSeconds(pace, nowMs);
  const count = event.total > 0 ? `${event.done}/${event.total}` : String(event.done);
  const parts = [
    `${event.phase}: ${count}`,
    left === undefined ? "" : `${formatSeconds(left)} left`,
    event.note ?? "",
  ];
  return parts.filter((part) => part !== "").join(" · ");
}

function barBundle(event: ProgressEvent, text: string): MimeBundle {
  const share = event.total > 0 ? html` value="${event.done}" max="${event.total}"` : undefined;
  const style = "progress { width: 240px; vertical-align: middle; margin-right: .6rem; }";
  return htmlBundle(html`<progress${share}></progress><span>${text}</span>`, style, text);
}

/** A progress bar as an `OnProgress`. A finished phase and the last event of one are always shown. */
export function progressBar(id = "progress", options: LiveOptions = {}): OnProgress {
  const { now = clock, output = liveDisplay(id), writeLine = toStandardError } = options;
  const every = isNotebook() || options.output ? UPDATE_EVERY_MS : LINE_EVERY_MS;
  let pace: Pace | undefined;
  let shownMs = Number.NEGATIVE_INFINITY;
  return (event) => {
    const time = now();
    pace = observe(pace, event, time);
    const isLast = event.total > 0 && event.done >= event.total && every === UPDATE_EVERY_MS;
    if (time - shownMs < every && !isLast) return;
    shownMs = time;
    const text = progressText(event, pace, time);
    if (every === UPDATE_EVERY_MS) output.show(barBundle(event, text));
    else writeLine(text);
  };
}

export interface LiveCurves {
  /** Takes a finished step; draws when the last drawing is old enough. Suits `onStep` of `train`. */
  onStep(step: number, metrics: StepMetrics): void;
  /** Draws what has come since, and waits for it. */
  finish(): Promise<void>;
  /** Every step so far. */
  readonly steps: readonly StepRecord[];
}

/**
 * Figures of a run that is going on.
 * @param draw the figure of the steps so far
 */
export function liveCurves(
  draw: (steps: readonly StepRecord[]) => Figure,
  id = "curves",
  options: LiveOptions = {},
): LiveCurves {
  const { now = clock, output = liveDisplay(id) } = options;
  const steps: StepRecord[] = [];
  let shownMs = Number.NEGATIVE_INFINITY;
  let drawing: Promise<void> | undefined;
  const show = async () => {
    output.show(await plot(draw([...steps]))[JUPYTER_DISPLAY]());
  };
  return {
    steps,
    onStep(step, metrics) {
      steps.push({ step, ...metrics });
      if (drawing || now() - shownMs < UPDATE_EVERY_MS) return;
      shownMs = now();
      drawing = show().finally(() => {
        drawing = undefined;
      });
    },
    async finish() {
      await drawing;
      await show();
    },
  };
}
