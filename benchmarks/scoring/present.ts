/**
 * @module A score as people and programs read it: text for the terminal, one JSON document for scripts.
 */
import type { Interval } from "../../src/core/stats.js";
import {
  formatInterval,
  formatPoints,
  formatShare,
  formatTable,
  type Table,
} from "../../src/report/table.js";
import type { DataOrigin } from "../data/origin.js";
import { OUTCOMES, type ScoreReport, type ScoreTable, type Tally } from "../records.js";
import { type RepeatedSamples, repeatedSamples } from "../tables/statistics.js";
import type { ScoresByMode } from "./score.js";
import { isPrefetched } from "./verdict.js";

function cellText(cell: string | number | null): string {
  if (cell === null) return "";
  if (typeof cell === "string" || Number.isInteger(cell)) return String(cell);
  return cell.toFixed(cell > 1 ? 2 : 4);
}

/** A table that is wider than long lies on its side. */
export function toTextTable({ columns, rows }: ScoreTable): Table {
  const cells = rows.map((row) => row.map(cellText));
  if (columns.length <= 8) return { head: columns, rows: cells };
  const [first = "", ...others] = columns;
  return {
    head: [first, ...cells.map((row) => row[0] ?? "")],
    rows: others.map((name, at) => [name, ...cells.map((row) => row[at + 1] ?? "")]),
  };
}

function tallyText({ accuracy, correct, total }: Tally): string {
  return `${formatInterval(accuracy)}, ${correct} of ${total}`;
}

function scoreLines(score: ScoreReport, other: ScoreReport): string[] {
  const { mode, reported, total } = score;
  const lines = [`${mode.padEnd(10)}  ${tallyText(reported)}`];
  if (reported.total !== total) lines.push(`${" ".repeat(12)}all splits: ${tallyText(score)}`);
  if (score.correct !== other.correct || score.reported.correct !== other.reported.correct) {
    const difference = other.reported.accuracy.value - reported.accuracy.value;
    lines.push(`${other.mode.padEnd(10)}  ${tallyText(other.reported)} (${formatPoints(difference)} points)`);
  }
  return lines;
}

function outcomeLine({ outcomes, total }: ScoreReport): string {
  return OUTCOMES.filter((name) => outcomes[name] > 0)
    .map((name) => `${outcomes[name]} ${name} (${formatShare(outcomes[name] / total)})`)
    .join(", ");
}

/** Samples of each row, where rows were asked several times. */
export function samplesOf({ verdicts }: ScoreReport): RepeatedSamples | undefined {
  const rows = new Map<string, (typeof verdicts)[number][]>();
  for (const verdict of verdicts) {
    const same = rows.get(verdict.index);
    if (same) same.push(verdict);
    else rows.set(verdict.index, [verdict]);
  }
  return repeatedSamples(
    [...rows.values()].map((samples) => ({
      cluster: samples[0]?.cluster ?? "",
      samples: samples.map(({ extracted, outcome }) => ({ extracted, isCorrect: outcome === "correct" })),
    })),
  );
}

function sampleLines(score: ScoreReport): string[] {
  const samples = samplesOf(score);
  if (!samples) return [];
  const { k, passAtK, passAllK, consensus } = samples;
  return [
    `${k} samples a row: pass@${k} ${formatShare(passAtK)}, all ${k} right ${formatShare(passAllK)}, most frequent answer right ${formatInterval(consensus)}`,
  ];
}

/** What `sharegrpo score` prints. The first mode is the one asked for. */
export function scoreText(score: ScoreReport, other: ScoreReport, notes: readonly string[]): string {
  const judge = score.judge === null ? "rules only, no judge" : `judge ${score.judge}`;
  const needJudge = score.judge === null ? score.outcomes.unparsed : 0;
  const lines = [
    `${score.benchmark} (${score.dataset}), rules ${score.rules}, ${judge}`,
    ...scoreLines(score, other),
    outcomeLine(score),
    ...sampleLines(score),
    ...(score.missing > 0 ? [`${score.missing} rows of the data have no prediction and do not count`] : []),
    ...(needJudge > 0
      ? [
          `${needJudge} responses cannot be read by these rules: give a --judge, or see --part and --mode fixed`,
        ]
      : []),
    ...notes,
  ];
  const tables = score.tables.map(
    (table) => `\n${table.title}, ${score.mode}\n${formatTable(toTextTable(table))}`,
  );
  return [...lines, ...tables].join("\n");
}

function jsonTally({ total, correct, accuracy }: Tally) {
  const { value, low, high }: Interval = accuracy;
  return { total, hits: correct, accuracy: value, interval95: [low, high] };
}

/** Values by group: those of the first table, in its scale, by split where there are splits. */
function categories({ tables: [table] }: ScoreReport): Record<string, unknown> {
  if (!table) return {};
  const { columns, rows } = table;
  const groups = rows.map((row) => {
    const values = columns.slice(1).map((name, at) => [name, row[at + 1] ?? null]);
    return [String(row[0]), Object.fromEntries(values)];
  });
  return Object.fromEntries(groups);
}

/** What is known of the data file besides its rows. */
export interface ScoredFile {
  /** Hex. */
  readonly md5: string;
  readonly origin: DataOrigin;
}

/** What `sharegrpo score --json` prints; `decided`: by rules, without a judge or chance. */
export function scoreJson(
  score: ScoreReport,
  other: ScoreReport,
  { md5, origin }: ScoredFile,
  notes: readonly string[],
) {
  const { benchmark, dataset, rules, mode, judge, judgePrompts } = score;
  const { outcomes, missing, tables, verdicts } = score;
  return {
    version: 1,
    benchmark,
    dataset,
    md5,
    origin,
    rules,
    mode,
    judge,
    judgePrompts,
    ...jsonTally(score),
    reported: jsonTally(score.reported),
    otherMode: { mode: other.mode, ...jsonTally(other), outcomes: other.outcomes },
    outcomes,
    missing,
    samples: samplesOf(score) ?? null,
    notes,
    categories: categories(score),
    tables,
    decided: verdicts.filter(isPrefetched).length,
    rows: verdicts.map((verdict) => ({ ...verdict, decided: isPrefetched(verdict) })),
  };
}

/** The asked-for mode and the other one. */
export function inOrder(
  scores: ScoresByMode,
  mode: ScoreReport["mode"],
): readonly [ScoreReport, ScoreReport] {
  return mode === "compatible" ? [scores.compatible, scores.fixed] : [scores.fixed, scores.compatible];
}
