/**
 * @module The paper's tables as figures, each score with the interval that its number of rows allows.
 */
import { wilson } from "../../src/core/stats.js";
import { zip } from "../../src/core/zip.js";
import { COLOURS, type Figure, type JsonObject } from "../../src/report/figure.js";
import { DATASETS } from "../data/catalogue.js";
import type { BenchmarkName } from "../records.js";
import { ABLATIONS, type AblationTable, MAIN_TABLE, PAPER_COLUMNS, type PaperGroup } from "./paper.js";

/** Rows of the dataset that the paper's number fits; undefined where it is not known. */
export function rowsOf(benchmark: BenchmarkName): number | undefined {
  return DATASETS[benchmark][0]?.rows;
}

/** Between a group's base model, which is first and grey, and the paper's own, which is last and blue. */
const BARS = [COLOURS.orange, COLOURS.green, COLOURS.purple, COLOURS.vermillion, "#F0E442", "#bbbbbb"];

function barColour(at: number, models: number): string {
  if (at === models - 1) return COLOURS.blue;
  return at === 0 ? "#555555" : (BARS[at - 1] ?? COLOURS.grey);
}

/** 95 % of what drawing other questions of the kind would give: half-widths in points, up and down. */
export function whiskers(
  scores: readonly (number | null)[],
  rows: readonly (number | undefined)[],
): JsonObject {
  const ends = zip(scores, rows).map(([score, count]) => {
    if (score === null || count === undefined) return { up: 0, down: 0 };
    const { value, low, high } = wilson((score / 100) * count, count);
    return { up: 100 * (high - value), down: 100 * (value - low) };
  });
  return {
    type: "data",
    symmetric: false,
    array: ends.map(({ up }) => up),
    arrayminus: ends.map(({ down }) => down),
    thickness: 1,
    width: 2,
    color: "#1c2024",
  };
}

const cell = (score: number | null) => (score === null ? "–" : score.toFixed(1));

/** The models of a group over the six benchmarks; R1-ShareVL in blue. */
export function mainTableFigure(group: PaperGroup): Figure {
  const models = MAIN_TABLE.filter((each) => each.group === group);
  const rows = PAPER_COLUMNS.map(rowsOf);
  return {
    id: "main-table",
    title: `Table 1, ${group}`,
    caption: "Percent correct as printed; whiskers: 95 % by the number of rows.",
    data: models.map(({ model, scores }, at) => ({
      type: "bar",
      name: model,
      x: PAPER_COLUMNS,
      y: scores,
      error_y: whiskers(scores, rows),
      marker: { color: barColour(at, models.length) },
    })),
    layout: {
      barmode: "group",
      bargap: 0.25,
      height: 400,
      hovermode: "closest",
      margin: { t: 44 },
      legend: { orientation: "v", x: 1.01, y: 1, yanchor: "top" },
      yaxis: { title: { text: "accuracy (%)" }, range: [0, 100] },
    },
    table: {
      head: ["model", ...PAPER_COLUMNS],
      rows: models.map(({ model, scores }) => [model, ...scores.map(cell)]),
    },
  };
}

/** One of Tables 2 to 9 on its first column, with the whiskers of MathVista's 1,000 rows. */
export function ablationFigure(table: AblationTable): Figure {
  const [column = ""] = table.columns;
  const names = table.rows.map(({ name }) => name);
  const scores = table.rows.map(({ scores: [score = Number.NaN] }) => score);
  const bars = whiskers(
    scores,
    scores.map(() => rowsOf("MathVista")),
  );
  return {
    id: `table-${table.table}`,
    title: `Table ${table.table}: ${table.title}`,
    caption: `${column}, percent correct as printed; whiskers: 95 % by the number of rows.`,
    data: [
      {
        type: "scatter",
        mode: "markers+text",
        x: scores,
        y: names,
        text: scores.map(cell),
        textposition: "top center",
        cliponaxis: false,
        error_x: bars,
        marker: { color: COLOURS.blue, size: 9 },
      },
    ],
    layout: {
      showlegend: false,
      height: 120 + 38 * names.length,
      hovermode: "closest",
      xaxis: { title: { text: `${column} (%)` }, range: [64, 80], dtick: 4 },
      margin: { l: 230 }, // the same in all of them, so that they can be compared down the page
      yaxis: { range: [names.length - 0.5, -0.8], automargin: false },
    },
    table: {
      head: ["", ...table.columns],
      rows: table.rows.map((row) => [row.name, ...row.scores.map(cell)]),
    },
  };
}

/** The table of that number. @throws RangeError when the paper has none */
export function ablation(number: number): AblationTable {
  const table = ABLATIONS.find((each) => each.table === number);
  if (!table) throw new RangeError(`ablation: unknown table: ${number}; there are 2 to 9`);
  return table;
}
