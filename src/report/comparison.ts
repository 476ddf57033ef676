/**
 * @module Runs beside each other: one metric of several runs, and curves over several seeds with their spread.
 */
import type { StepRecord } from "../core/runRecords.js";
import type { MetricName } from "../train/metrics.js";
import { COLOURS, type Figure, type JsonObject, runningMean, seriesOf } from "./figure.js";
import { formatNumber } from "./table.js";

/** Share-GRPO, GRPO, and whatever else is compared with them. */
const RUN_COLOURS = [
  COLOURS.blue,
  COLOURS.vermillion,
  COLOURS.green,
  COLOURS.purple,
  COLOURS.orange,
] as const;
const colourOf = (at: number) => RUN_COLOURS[at % RUN_COLOURS.length] ?? COLOURS.grey;

export interface NamedRun {
  readonly name: string;
  readonly steps: readonly StepRecord[];
}

export interface ComparisonOptions {
  readonly metric: MetricName;
  readonly title: string;
  /** Axis label with its unit. */
  readonly axis: string;
  /** Steps of the running mean; 1: none. Default: 1. */
  readonly window?: number;
}

/** One metric of several runs over their steps. */
export function comparisonFigure(runs: readonly NamedRun[], options: ComparisonOptions): Figure {
  const { metric, title, axis, window = 1 } = options;
  const series = runs.map(({ steps }) => runningMean(seriesOf(steps, metric), window));
  const longest = Math.max(0, ...runs.map(({ steps }) => steps.length));
  return {
    id: "comparison",
    title,
    caption: window > 1 ? `Mean of ${window} steps.` : "",
    data: runs.map(({ name, steps }, at) => ({
      type: "scatter",
      mode: "lines+markers",
      name,
      x: steps.map(({ step }) => step),
      y: series[at] ?? [],
      line: { color: colourOf(at), width: 2 },
      marker: { size: 5 },
    })),
    layout: {
      showlegend: true,
      height: 320,
      xaxis: { title: { text: "step" }, ...(longest < 12 ? { dtick: 1 } : {}) },
      yaxis: { title: { text: axis }, rangemode: "tozero" },
    },
    table: {
      head: ["step", ...runs.map(({ name }) => name)],
      rows: Array.from({ length: longest }, (_, at) => [
        String(at + 1),
        ...series.map((values) => formatNumber(values[at])),
      ]),
    },
  };
}

/** A curve over several seeds: the mean, the lowest and the highest at each step. */
export interface SpreadCurve {
  readonly name: string;
  readonly steps: readonly number[];
  readonly mean: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
}

function band({ name, steps, low, high }: SpreadCurve, colour: string): JsonObject {
  return {
    type: "scatter",
    mode: "lines",
    name: `${name}, all seeds`,
    showlegend: false,
    x: [...steps, ...steps.toReversed()],
    y: [...high, ...low.toReversed()],
    fill: "toself",
    fillcolor: colour,
    opacity: 0.18,
    line: { width: 0 },
    hoverinfo: "skip",
  };
}

/** Means over seeds as lines, from the lowest to the highest seed as bands. */
export function spreadFigure(
  curves: readonly SpreadCurve[],
  { title, axis }: { readonly title: string; readonly axis: string },
): Figure {
  const steps = curves[0]?.steps ?? [];
  return {
    id: "spread",
    title,
    caption: "Lines: mean over seeds; bands: lowest to highest seed.",
    data: curves.flatMap((curve, at) => [
      band(curve, colourOf(at)),
      {
        type: "scatter",
        mode: "lines",
        name: curve.name,
        x: curve.steps,
        y: curve.mean,
        line: { color: colourOf(at), width: 2 },
      },
    ]),
    layout: {
      showlegend: true,
      height: 340,
      xaxis: { title: { text: "step" } },
      yaxis: { title: { text: axis }, rangemode: "tozero" },
    },
    table: {
      head: ["step", ...curves.map(({ name }) => name)],
      rows: steps.map((step, at) => [String(step), ...curves.map(({ mean }) => formatNumber(mean[at]))]),
    },
  };
}
