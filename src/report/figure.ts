/**
 * @module Figures as data: what a run's rows look like as Plotly figures, with the same numbers as a table. Nothing is
 * drawn here; the report embeds them and notebooks display them.
 */
import type { EvaluationRecord, StepRecord } from "../core/files/runRecords.js";
import { type Interval, quantile, wilson } from "../core/stats.js";
import type { MetricName, RewardPartName } from "../train/run/metrics.js";
import { formatBytes, formatInterval, formatNumber, type Table } from "./table.js";

/** What a figure is made of. */
export type Json =
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly Json[]
  | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** A Plotly figure as plain data. */
export interface Figure {
  /** Unique in a report; letters and hyphens. */
  readonly id: string;
  readonly title: string;
  /** One or two sentences: what is shown, and which way is better. */
  readonly caption: string;
  readonly data: readonly JsonObject[];
  readonly layout: JsonObject;
  /** The numbers that are drawn. */
  readonly table: Table;
}

/** Okabe and Ito's colours, told apart by all common kinds of colour vision; legible on white and on near-black. */
export const COLOURS = {
  blue: "#0072B2",
  vermillion: "#D55E00",
  green: "#009E73",
  purple: "#CC79A7",
  orange: "#E69F00",
  grey: "#999999",
} as const;

/** The same two colours wherever before and after meet. */
export const BEFORE_COLOUR = COLOURS.grey;
export const AFTER_COLOUR = COLOURS.blue;

const MOST_MARKERS = 30;
const SMOOTH_FROM = 24;
const SIGNIFICANT = 6;

type LoggedName = MetricName | RewardPartName;

export interface CurveLine {
  readonly metric: LoggedName;
  readonly name: string;
  readonly colour: string;
  /** Multiplies what is shown: 1e-6 for megabytes. */
  readonly scale?: number;
  readonly dash?: "dot" | "dash";
  /** Drawn as it is, without its running mean. */
  readonly isThin?: boolean;
}

export interface CurveOptions {
  readonly id: string;
  readonly title: string;
  readonly caption: string;
  /** Axis label with its unit. */
  readonly axis: string;
  readonly lines: readonly CurveLine[];
  /** `"share"`: 0 to 1; `"zero"`: from 0 up; `"log"`: logarithmic; otherwise as the numbers lie. */
  readonly range?: "share" | "zero" | "log";
}

function rounded(value: number | null): number | null {
  return value === null ? null : Number(value.toPrecision(SIGNIFICANT));
}

/** The values of a metric, `null` where a step has none or it is not finite. */
export function seriesOf(steps: readonly StepRecord[], metric: LoggedName, scale = 1): (number | null)[] {
  return steps.map((step) => {
    const value = step[metric];
    return typeof value === "number" && Number.isFinite(value) ? value * scale : null;
  });
}

/** Centred running mean over `width` neighbours, shorter at both ends; steps without a value are left out. */
export function runningMean(values: readonly (number | null)[], width: number): (number | null)[] {
  const half = Math.floor(width / 2);
  return values.map((_, at) => {
    const window = values.slice(Math.max(0, at - half), at + half + 1).filter((value) => value !== null);
    return window.length === 0 ? null : window.reduce((sum, value) => sum + value, 0) / window.length;
  });
}

/** Plotly reads some HTML in labels; what a data set wrote is shown as it is. */
export function plotText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function linesOf(steps: readonly StepRecord[], line: CurveLine): JsonObject[] {
  const x = steps.map((step) => step.step);
  const values = seriesOf(steps, line.metric, line.scale);
  const style = { color: line.colour, ...(line.dash ? { dash: line.dash } : {}) };
  const shared = { type: "scatter", x, legendgroup: line.name };
  const y = values.map(rounded);
  if (steps.length < SMOOTH_FROM || line.isThin) {
    const mode = steps.length <= MOST_MARKERS && !line.isThin ? "lines+markers" : "lines";
    const width = line.isThin ? 1 : 2;
    return [{ ...shared, y, mode, name: line.name, line: { ...style, width }, marker: { size: 5 } }];
  }
  const smooth = runningMean(values, windowOf(steps)).map(rounded);
  return [
    {
      ...shared,
      y,
      mode: "lines",
      line: { ...style, width: 1 },
      opacity: 0.35,
      showlegend: false,
      hoverinfo: "skip",
    },
    { ...shared, y: smooth, mode: "lines", name: line.name, line: { ...style, width: 2 } },
  ];
}

/** Neighbours in the running mean: an odd number, about a fifteenth of the run. */
function windowOf(steps: readonly StepRecord[]): number {
  return 2 * Math.floor(steps.length / 30) + 3;
}

function yAxis({ axis, range }: CurveOptions): JsonObject {
  const title = { text: axis };
  if (range === "share") return { title, range: [-0.02, 1.02] };
  if (range === "log") return { title, type: "log", exponentformat: "e" };
  return { title, exponentformat: "e", ...(range === "zero" ? { rangemode: "tozero" } : {}) };
}

/** Metrics over steps; from 24 steps on with a running mean, the steps themselves faint behind it. */
export function curve(steps: readonly StepRecord[], options: CurveOptions): Figure {
  const { id, title, lines } = options;
  const series = lines.map((line) => seriesOf(steps, line.metric, line.scale));
  const isSmoothed = steps.length >= SMOOTH_FROM && lines.some((line) => !line.isThin);
  const note = isSmoothed ? ` Faint: each step; bold: mean of ${windowOf(steps)} steps.` : "";
  return {
    id,
    title,
    caption: `${options.caption}${note}`,
    data: lines.flatMap((line) => linesOf(steps, line)),
    layout: {
      xaxis: { title: { text: "step" }, ...(steps.length < 10 ? { dtick: 1 } : {}) },
      yaxis: yAxis(options),
      showlegend: lines.length > 1,
    },
    table: {
      head: ["step", ...lines.map((line) => `${line.name} (${line.metric})`)],
      rows: steps.map((step, at) => [
        String(step.step),
        ...series.map((values) => formatNumber(rounded(values[at] ?? null))),
      ]),
    },
  };
}

/** The largest value of a metric over a run; undefined when no step has one. */
export function largest(steps: readonly StepRecord[], metric: MetricName): number | undefined {
  const values = seriesOf(steps, metric).filter((value) => value !== null);
  return values.length === 0 ? undefined : values.reduce((most, value) => Math.max(most, value));
}

/** The median of a metric over a run; undefined when no step has one. */
export function median(steps: readonly StepRecord[], metric: MetricName): number | undefined {
  const values = seriesOf(steps, metric).filter((value) => value !== null);
  return values.length === 0 ? undefined : quantile(values, 0.5);
}

/** Resident memory over steps, with the drift of its second half and the peak in words. */
export function memoryFigure(steps: readonly StepRecord[]): Figure {
  const resident = seriesOf(steps, "perf/resident_bytes").filter((value) => value !== null);
  const middle = resident[Math.floor(resident.length / 2)];
  const last = resident.at(-1);
  const drift =
    middle !== undefined && last !== undefined && resident.length > 3
      ? ` From the middle of the run to its end: ${last >= middle ? "+" : "−"}${formatBytes(Math.abs(last - middle))}.`
      : "";
  return curve(steps, {
    id: "memory",
    title: "Resident memory",
    caption: `Should be flat. Peak ${formatBytes(largest(steps, "perf/peak_bytes"))}.${drift}`,
    axis: "resident memory (MB)",
    range: "zero",
    lines: [
      { metric: "perf/resident_bytes", name: "resident", colour: COLOURS.blue, scale: 1e-6, isThin: true },
      {
        metric: "perf/peak_bytes",
        name: "peak so far",
        colour: COLOURS.grey,
        scale: 1e-6,
        dash: "dot",
        isThin: true,
      },
    ],
  });
}

function categoriesOf(evaluations: readonly (EvaluationRecord | undefined)[]): string[] {
  const names = new Set(evaluations.flatMap((each) => Object.keys(each?.perCategory ?? {})));
  return [...names].sort((a, b) => (a < b ? -1 : 1));
}

function bars(
  name: string,
  colour: string,
  categories: readonly string[],
  shares: readonly Interval[],
): JsonObject {
  const finite = (value: number) => (Number.isFinite(value) ? rounded(100 * value) : null);
  return {
    type: "bar",
    orientation: "h",
    name,
    y: categories.map(plotText),
    x: shares.map((share) => finite(share.value)),
    error_x: {
      type: "data",
      symmetric: false,
      array: shares.map((share) => finite(share.high - share.value)),
      arrayminus: shares.map((share) => finite(share.value - share.low)),
      thickness: 1.2,
      width: 3,
    },
    marker: { color: colour },
  };
}

/** Greedy accuracy by question family, before beside after. */
export function familyFigure(before?: EvaluationRecord, after?: EvaluationRecord): Figure {
  const categories = categoriesOf([before, after]);
  const shares = (evaluation: EvaluationRecord) =>
    categories.map((name) => {
      const { correct, total } = evaluation.perCategory[name] ?? { correct: 0, total: 0 };
      return wilson(correct, total);
    });
  const shown = [
    ...(before ? [{ name: "before", colour: BEFORE_COLOUR, shares: shares(before) }] : []),
    ...(after ? [{ name: "after", colour: AFTER_COLOUR, shares: shares(after) }] : []),
  ];
  return {
    id: "families",
    title: "Accuracy by question family",
    caption: "Held-out questions, greedy. Whiskers: 95 % Wilson intervals.",
    data: shown.map(({ name, colour, shares }) => bars(name, colour, categories, shares)),
    layout: {
      barmode: "group",
      bargap: 0.3,
      height: 120 + 46 * categories.length,
      hovermode: "closest",
      xaxis: { title: { text: "accuracy (%)" }, range: [0, 100] },
      yaxis: { autorange: "reversed", automargin: true },
    },
    table: {
      head: ["family", ...shown.map(({ name }) => name)],
      rows: categories.map((name, at) => [
        name,
        ...shown.map(({ shares }) => {
          const share = shares[at];
          return share ? formatInterval(share) : "–";
        }),
      ]),
    },
  };
}
