/**
 * @module Runs beside each other: one metric of several runs over their steps.
 */

import type { StepRecord } from "../core/files/runRecords.js";
import type { MetricName } from "../train/run/metrics.js";
import { COLOURS, type Figure, plotText, runningMean, seriesOf } from "./figure.js";
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

/** A run with what plots call it. */
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
  const numbers = [...new Set(runs.flatMap(({ steps }) => steps.map(({ step }) => step)))].sort(
    (a, b) => a - b,
  );
  const places = runs.map(({ steps }) => new Map(steps.map(({ step }, at) => [step, at])));
  const longest = Math.max(0, ...runs.map(({ steps }) => steps.length));
  return {
    id: "comparison",
    title,
    caption: window > 1 ? `Mean of ${window} steps.` : "",
    data: runs.map(({ name, steps }, at) => ({
      type: "scatter",
      mode: "lines+markers",
      name: plotText(name),
      x: steps.map(({ step }) => step),
      y: series[at] ?? [],
      // What lies below is broader, so that equal curves are both seen.
      line: { color: colourOf(at), width: 2 + 2 * (runs.length - 1 - at) },
      marker: { size: 5 + 3 * (runs.length - 1 - at) },
    })),
    layout: {
      showlegend: true,
      height: 320,
      xaxis: { title: { text: "step" }, ...(longest < 12 ? { dtick: 1 } : {}) },
      yaxis: { title: { text: axis }, rangemode: "tozero" },
    },
    table: {
      head: ["step", ...runs.map(({ name }) => name)],
      rows: numbers.map((step) => [
        String(step),
        ...places.map((place, run) => formatNumber(series[run]?.[place.get(step) ?? -1])),
      ]),
    },
  };
}
