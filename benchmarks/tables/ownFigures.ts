/**
 * @module One's own runs beside the paper's numbers, as a figure.
 */
import { zip } from "../../src/core/zip.js";
import { COLOURS, type Figure, type JsonObject, plotText } from "../../src/report/figure.js";
import { isForeign, paperScore } from "./comparison.js";
import { type ComparisonOptions, scoreOf } from "./comparisonReport.js";
import type { OwnRun } from "./ownScores.js";
import { MAIN_TABLE, PAPER_COLUMNS } from "./paper.js";
import { rowsOf, whiskers } from "./paperFigures.js";

const OWN_COLOURS = [COLOURS.vermillion, COLOURS.green, COLOURS.purple, COLOURS.orange] as const;
/** Sideways from a benchmark's place, so that marks do not cover each other; benchmarks are 1 apart. */
const STEP = 0.13;

const columns = PAPER_COLUMNS.map((_, at) => at);
const shifted = (by: number) => columns.map((at) => at + by * STEP);

/** Other models of the group: one mark each, without names. */
function othersTrace({ reference, group }: ComparisonOptions): JsonObject {
  const others = MAIN_TABLE.filter((row) => row !== reference && row.group === (group ?? reference.group));
  const points = others.flatMap((row) =>
    zip(shifted(-1), PAPER_COLUMNS).map(([x, benchmark]) => ({ x, y: paperScore(row, benchmark) })),
  );
  return {
    type: "scatter",
    mode: "markers",
    name: "others in the paper",
    x: points.map(({ x }) => x),
    y: points.map(({ y }) => y),
    marker: { color: COLOURS.grey, size: 6, opacity: 0.6 },
  };
}

function referenceTrace({ reference }: ComparisonOptions): JsonObject {
  const scores = PAPER_COLUMNS.map((benchmark) => paperScore(reference, benchmark));
  return {
    type: "scatter",
    mode: "markers",
    name: reference.model,
    x: shifted(0),
    y: scores,
    error_y: whiskers(scores, PAPER_COLUMNS.map(rowsOf)),
    marker: { color: COLOURS.blue, size: 9 },
  };
}

/** Scores and interval ends in percent; null where the run has no score. */
function ownScores(run: OwnRun, { mode }: ComparisonOptions) {
  return PAPER_COLUMNS.map((benchmark) => {
    const score = scoreOf(run, benchmark, mode);
    if (!score || !Number.isFinite(score.reported.accuracy.value)) return { value: null, up: 0, down: 0 };
    const { value, low, high } = score.reported.accuracy;
    return { value: 100 * value, up: 100 * (high - value), down: 100 * (value - low) };
  });
}

/** Open marks: not the rows that the paper's numbers are of. */
function ownTrace(run: OwnRun, at: number, options: ComparisonOptions): JsonObject {
  const scores = ownScores(run, options);
  const color = OWN_COLOURS[at % OWN_COLOURS.length] ?? COLOURS.grey;
  const isOpen = run.scores.some(isForeign);
  return {
    type: "scatter",
    mode: "markers",
    name: plotText(isOpen ? `${run.name} †` : run.name),
    x: shifted(at + 1),
    y: scores.map(({ value }) => value),
    error_y: {
      type: "data",
      symmetric: false,
      array: scores.map(({ up }) => up),
      arrayminus: scores.map(({ down }) => down),
      thickness: 1,
      width: 2,
      color,
    },
    marker: { color, size: 9, symbol: isOpen ? "circle-open" : "circle", line: { width: 2 } },
  };
}

/** The six benchmarks side by side: the paper's models, its own among them, and one's own runs with their intervals. */
export function ownRunsFigure(runs: readonly OwnRun[], options: ComparisonOptions): Figure {
  const cell = (value: number | null) => (value === null ? "–" : value.toFixed(1));
  return {
    id: "own-runs",
    title: "Own runs beside the paper",
    caption: "Percent correct; whiskers: 95 % by the number of rows. †: not the published rows.",
    data: [
      othersTrace(options),
      referenceTrace(options),
      ...runs.map((run, at) => ownTrace(run, at, options)),
    ],
    layout: {
      showlegend: true,
      height: 380,
      hovermode: "closest",
      xaxis: { tickvals: columns, ticktext: PAPER_COLUMNS, range: [-0.5, columns.length - 0.4] },
      yaxis: { title: { text: "accuracy (%)" }, range: [-2, 100] },
    },
    table: {
      head: ["", ...PAPER_COLUMNS],
      rows: [
        [options.reference.model, ...PAPER_COLUMNS.map((name) => cell(paperScore(options.reference, name)))],
        ...runs.map((run) => [run.name, ...ownScores(run, options).map(({ value }) => cell(value))]),
      ],
    },
  };
}
