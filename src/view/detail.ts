/**
 * @module One run on its own page: what it came to, its curves, its newest sample.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { RolloutRecord, StepRecord } from "../core/files/runRecords.js";
import { benchmarkTable } from "../report/benchmarkScores.js";
import { trainingFigures } from "../report/curves.js";
import { type Figure, familyFigure } from "../report/figure.js";
import { readRunHead } from "../report/run.js";
import { evaluationTable, formatInterval, formatNumber, formatShare } from "../report/table.js";
import { type Shade, themed } from "../report/theme.js";
import type { DrawnFigure, RunDetail, RunSummary, TitledTable } from "./records.js";

/** More points than a plot has pixels are drawn as means of neighbours. */
const MOST_POINTS = 1000;

/** At most `limit` rows: each the mean of neighbouring steps, under the last one's number. */
export function thinned(steps: readonly StepRecord[], limit = MOST_POINTS): StepRecord[] {
  const width = Math.ceil(steps.length / limit);
  if (width <= 1) return [...steps];
  return Array.from({ length: Math.ceil(steps.length / width) }, (_, at) => {
    const group = steps.slice(at * width, (at + 1) * width);
    const names = new Set(group.flatMap((step) => Object.keys(step)));
    const means = [...names].map((name) => {
      const values = group.map((step) => step[name]).filter((value) => typeof value === "number");
      return [
        name,
        values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length,
      ];
    });
    return { ...Object.fromEntries(means), step: group.at(-1)?.step ?? 0 };
  });
}

/** A figure in the page's colours. */
export function drawn(figure: Figure, shade: Shade): DrawnFigure {
  const { id, title, caption, table } = figure;
  return { id, title, caption, table, ...themed(figure, shade) };
}

export interface DetailContext {
  readonly summary: RunSummary;
  readonly version: string;
  readonly shade: Shade;
  readonly newest?: RolloutRecord;
}

/** A training's page. @throws DataError naming the file and the bad rows */
export async function trainingDetail({ summary, version, shade, newest }: DetailContext): Promise<RunDetail> {
  const { before, after, benchmarks, steps, notes, configText } = await readRunHead(summary.id);
  const accuracy =
    before || after
      ? [
          {
            title: "Before and after",
            note: "Held-out questions, greedy. In brackets: 95 % Wilson intervals, in percent.",
            ...evaluationTable(before, after),
          },
        ]
      : [];
  const scores =
    benchmarks.before || benchmarks.after
      ? [
          {
            title: "Benchmarks",
            note: "By rules, no judge. “samples” are a few own questions in a benchmark's format.",
            ...benchmarkTable(benchmarks),
          },
        ]
      : [];
  const figures = [
    ...(steps.length > 0 ? trainingFigures(thinned(steps)) : []),
    ...(before || after ? [familyFigure(before, after)] : []),
  ];
  return {
    summary,
    version,
    notes,
    configText,
    tables: [...accuracy, ...scores],
    figures: figures.map((figure) => drawn(figure, shade)),
    sets: ["rollouts"],
    ...(newest ? { newest } : {}),
  };
}

const cell = z.union([z.string(), z.number(), z.null()]);
const share = z.number().nullable();
const resultSchema = z.object({
  rules: z.string(),
  judge: z.string().nullable(),
  datasets: z.array(
    z.object({
      dataset: z.string(),
      split: z.string(),
      truncatedShare: share.optional(),
      scores: z.array(
        z.object({
          mode: z.string(),
          reported: z.object({
            total: z.number(),
            accuracy: z.object({ value: share, low: share, high: share }),
          }),
          outcomes: z.record(z.string(), z.number()),
          tables: z.array(
            z.object({ title: z.string(), columns: z.array(z.string()), rows: z.array(z.array(cell)) }),
          ),
        }),
      ),
    }),
  ),
});
type Result = z.output<typeof resultSchema>;

const nan = (value: number | null): number => value ?? Number.NaN;

function scoresTable({ datasets, rules, judge }: Result): TitledTable {
  return {
    title: "Scores",
    note: `Rules ${rules}, judge ${judge ?? "none"}. fixed: by the mended rules; compatible: as VLMEvalKit scores.`,
    head: ["dataset", "rows", "fixed", "compatible", "wrong", "unparsed", "truncated", "failed"],
    rows: datasets.map(({ dataset, split, scores }) => {
      const of = (mode: string) => scores.find((score) => score.mode === mode);
      const fixed = of("fixed");
      const accuracy = (mode: string) => {
        const { value = null, low = null, high = null } = of(mode)?.reported.accuracy ?? {};
        return formatInterval({ value: nan(value), low: nan(low), high: nan(high) });
      };
      const counts = ["wrong", "unparsed", "truncated", "failed"].map((name) =>
        formatNumber(fixed?.outcomes[name]),
      );
      const rows = formatNumber(fixed?.reported.total);
      return [`${dataset} (${split})`, rows, accuracy("fixed"), accuracy("compatible"), ...counts];
    }),
  };
}

/** A benchmark's own table: its numbers are percentages already, and unrounded. */
function categoryTables({ datasets }: Result): TitledTable[] {
  return datasets.flatMap(({ scores }) => {
    const fixed = scores.find(({ mode }) => mode === "fixed");
    return (fixed?.tables ?? []).map(({ title, columns, rows }) => ({
      title,
      head: columns,
      rows: rows.map((row) =>
        row.map((value) => (typeof value === "number" ? formatNumber(value) : (value ?? "–"))),
      ),
    }));
  });
}

/** An evaluation's page. */
export async function evaluationDetail({ summary, version }: DetailContext): Promise<RunDetail> {
  const settings = await readFile(join(summary.id, "evaluation.json"), "utf8");
  const text = await readFile(join(summary.id, "result.json"), "utf8").catch(() => undefined);
  const result = text === undefined ? undefined : resultSchema.parse(JSON.parse(text));
  const { datasets } = z.object({ datasets: z.record(z.string(), z.unknown()) }).parse(JSON.parse(settings));
  return {
    summary,
    version,
    notes: result ? [] : ["No score yet: rows are still being asked, or the evaluation was stopped."],
    configText: settings,
    tables: result ? [scoresTable(result), ...categoryTables(result)] : [],
    figures: [],
    sets: Object.keys(datasets),
  };
}

/** `47.2 %` of the best score a list has room for. */
export function shortScore({ scores }: Pick<RunSummary, "scores">): string {
  const [first, ...others] = scores;
  if (!first) return "–";
  if (others.length === 0) return formatInterval(first.accuracy);
  const mean = scores.reduce((sum, { accuracy }) => sum + accuracy.value, 0) / scores.length;
  return `${formatShare(mean)} mean of ${scores.length}`;
}
