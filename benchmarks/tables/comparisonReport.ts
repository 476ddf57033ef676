/**
 * @module The comparison with the paper as text tables, Markdown, HTML and JSON.
 */
import type { Interval } from "../../src/core/stats.js";
import { STYLE } from "../../src/report/assets.js";
import { html, type Markup, trusted } from "../../src/report/markup.js";
import { formatMarkdownTable, formatPoints, type Table } from "../../src/report/table.js";
import { BENCHMARKS, type BenchmarkName, type ScoreMode } from "../records.js";
import {
  caveatOf,
  compareRuns,
  differenceTo,
  isForeign,
  paperScore,
  percent,
  type RunComparison,
  scoreRecords,
} from "./comparison.js";
import type { OwnRun, OwnScore } from "./ownScores.js";
import { MAIN_TABLE, PAPER_COLUMNS, type PaperGroup, type PaperRow, REMEASUREMENTS } from "./paper.js";

/** A table with what it shows and how to read it. */
export interface TitledTable {
  readonly title: string;
  readonly note: string;
  readonly table: Table;
  /** Rows from here on are the reader's own. */
  readonly ownFrom?: number;
}

export interface ComparisonOptions {
  /** The paper's row that differences are taken to. */
  readonly reference: PaperRow;
  /** Which of the own scores stands in the main table. */
  readonly mode: ScoreMode;
  /** The paper's models that stand there; all of them by default. */
  readonly group?: PaperGroup;
}

const MISSING = "–";

function range({ value, low, high }: Interval): string {
  return Number.isFinite(value) ? `${value.toFixed(1)} [${low.toFixed(1)}, ${high.toFixed(1)}]` : MISSING;
}

function points({ value, low, high }: Interval): string {
  const [middle, from, to] = [value, low, high].map((each) => formatPoints(each / 100));
  return `${middle} [${from}, ${to}]`;
}

function paperCells(row: PaperRow): string[] {
  const cells = PAPER_COLUMNS.map((benchmark) => {
    const score = paperScore(row, benchmark);
    if (score === null) return MISSING;
    return `${score.toFixed(1)}${row.measuredByAuthors.includes(benchmark) ? "*" : ""}`;
  });
  return [row.model, ...cells, row.average === null ? MISSING : row.average.toFixed(1)];
}

/** A run's score on a benchmark: that mode's, or the one there is. */
export function scoreOf(run: OwnRun, benchmark: BenchmarkName, mode: ScoreMode): OwnScore | undefined {
  const all = run.scores.filter((score) => score.benchmark === benchmark);
  return all.find((score) => score.mode === mode) ?? all[0];
}

function ownCells(run: OwnRun, mode: ScoreMode): string[] {
  const scores = PAPER_COLUMNS.map((benchmark) => scoreOf(run, benchmark, mode));
  const cells = scores.map((score) => {
    if (!score) return MISSING;
    const mark = isForeign(score) ? "†" : "";
    return `${range(percent(score.reported.accuracy))}${mark}`;
  });
  const values = scores.flatMap((score) => (score ? [100 * score.reported.accuracy.value] : []));
  const isWhole = values.length === PAPER_COLUMNS.length;
  const average = values.reduce((sum, value) => sum + value, 0) / values.length;
  return [run.name, ...cells, isWhole ? average.toFixed(1) : MISSING];
}

function mainTable(runs: readonly OwnRun[], { mode, group }: ComparisonOptions): TitledTable {
  const published = MAIN_TABLE.filter((row) => group === undefined || row.group === group);
  const hasForeign = runs.some((run) => run.scores.some(isForeign));
  const note = [
    "Percent correct. * measured by the paper's authors; the other numbers of other models are as those published them.",
    `Own runs: ${mode} scoring, 95 % intervals in brackets; clustered where rows share a picture or problem.`,
    hasForeign ? "† not the published data file: no comparison with the paper." : "",
  ];
  return {
    title: "Main table of the paper (arXiv 2505.16673, Table 1)",
    note: note.filter((line) => line !== "").join(" "),
    table: {
      head: ["model", ...PAPER_COLUMNS, "Avg."],
      rows: [...published.map(paperCells), ...runs.map((run) => ownCells(run, mode))],
    },
    ownFrom: published.length,
  };
}

function scoresTable(runs: readonly OwnRun[], { reference }: ComparisonOptions): TitledTable {
  const rows = runs.flatMap((run) =>
    run.scores.map((score) => {
      const difference = differenceTo(reference, score);
      return [
        run.name,
        score.dataset,
        String(score.reported.total),
        score.rules,
        score.mode,
        score.judge ?? "none",
        range(percent(score.reported.accuracy)),
        difference ? points(difference) : MISSING,
        caveatOf(score) ?? "",
      ];
    }),
  );
  return {
    title: "Own scores",
    note: `Points to ${reference.model} as the paper prints it; that number has no interval of its own, so these are the own score's.`,
    table: {
      head: [
        "run",
        "dataset",
        "rows",
        "rules",
        "mode",
        "judge",
        "score",
        `points to ${reference.model}`,
        "caveat",
      ],
      rows,
    },
  };
}

function pValue(p: number): string {
  return p < 0.001 ? "< 0.001" : p.toFixed(3);
}

/** `accuracy`, `mean of 8`, `pass@8`. */
function measureName({ measure, k }: RunComparison): string {
  if (measure === "pass") return `pass@${k}`;
  return k === 1 ? "accuracy" : `mean of ${k}`;
}

function comparisonRow(compared: RunComparison): string[] {
  const { a, b, dataset, mode, comparison, caveat } = compared;
  const { rows, onlyA, onlyB, difference, p, detectable } = comparison;
  return [
    `${b} against ${a}`,
    dataset,
    mode,
    measureName(compared),
    String(rows),
    `${onlyB} : ${onlyA}`,
    points(percent(difference)),
    pValue(p),
    formatPoints(detectable).replace("+", ""),
    caveat ?? "",
  ];
}

function pairedTable(runs: readonly OwnRun[]): readonly TitledTable[] {
  const comparisons = compareRuns(runs);
  if (comparisons.length === 0) return [];
  const counts = ["rows", "only one right", "points", "p", "detectable", "caveat"];
  return [
    {
      title: "Own runs on the same rows",
      note: "Only one right: rows that the first or the second alone has right, or right more often. p: exact sign-flip test, two-sided; without clusters and repeated samples it is McNemar's. Detectable: the difference in points that so many rows would show in four of five repetitions.",
      table: {
        head: ["runs", "dataset", "mode", "measure", ...counts],
        rows: comparisons.map(comparisonRow),
      },
    },
  ];
}

function remeasuredTable(): TitledTable {
  const measured = BENCHMARKS.filter((name) =>
    REMEASUREMENTS.some(({ scores }) => scores[name] !== undefined),
  );
  const rows = REMEASUREMENTS.map(({ model, by, protocol, scores }) => [
    model,
    `${by}: ${protocol}`,
    ...measured.map((name) => scores[name]?.toFixed(1) ?? MISSING),
  ]);
  return {
    title: "What others measured",
    note: "Compare within a protocol only.",
    table: { head: ["model", "measured by", ...measured], rows },
  };
}

/** All tables, in reading order. */
export function comparisonTables(runs: readonly OwnRun[], options: ComparisonOptions): TitledTable[] {
  return [mainTable(runs, options), scoresTable(runs, options), ...pairedTable(runs), remeasuredTable()];
}

export function comparisonMarkdown(runs: readonly OwnRun[], options: ComparisonOptions): string {
  return comparisonTables(runs, options)
    .map(({ title, note, table }) => `## ${title}\n\n${note}\n\n${formatMarkdownTable(table)}`)
    .join("\n\n");
}

function section({ title, note, table: { head, rows }, ownFrom = rows.length }: TitledTable): Markup {
  const cells = (row: readonly string[]) => row.map((cell) => html`<td>${cell}</td>`);
  const body = rows.map(
    (row, at) => html`<tr${at >= ownFrom ? html` class="total"` : undefined}>${cells(row)}</tr>`,
  );
  return html`<h2>${title}</h2><p class="quiet">${note}</p>
<div class="scroll"><table><thead><tr>${head.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${body}</tbody></table></div>`;
}

/** One page that loads nothing. */
export function comparisonHtml(runs: readonly OwnRun[], options: ComparisonOptions): string {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Benchmarks beside the paper</title><style>${trusted(STYLE)}</style></head>
<body><main><h1>Benchmarks beside the paper</h1>
${comparisonTables(runs, options).map(section)}
</main></body></html>
`.markup;
}

export function comparisonJson(runs: readonly OwnRun[], { reference }: ComparisonOptions) {
  return {
    version: 1,
    reference: reference.model,
    records: scoreRecords(runs, reference),
    comparisons: compareRuns(runs),
    remeasurements: REMEASUREMENTS,
  };
}
