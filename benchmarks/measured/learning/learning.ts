/**
 * @module Does training help, and how does Share-GRPO compare with GRPO at equal responses and equal optimizer steps?
 *
 * The held-out questions are the same for all runs, asked before and after.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../../src/core/files/atomic.js";
import { type Interval, mean, wilson } from "../../../src/core/stats.js";
import {
  formatInterval,
  formatMarkdownTable,
  formatPoints,
  formatTable,
  type Table,
} from "../../../src/report/table.js";
import { type Arm, accuracyOf, finishedRun, type SeedsOptions } from "./runs.js";

/** Equal responses per question (m·n = 12), equal optimizer steps. */
export const ALGORITHMS: readonly Arm[] = [
  { id: "tiny", preset: "tiny", name: "Share-GRPO (m = 2, n = 6)", settings: [] },
  { id: "tiny-grpo", preset: "tiny-grpo", name: "GRPO (n = 12)", settings: [] },
];

interface LearningRow {
  readonly algorithm: string;
  readonly seed: number;
  readonly questions: number;
  readonly before: Interval;
  readonly after: Interval;
  /** Percentage points. */
  readonly gain: number;
}

async function measure(arm: Arm, seed: number, runs: string): Promise<LearningRow> {
  const { before, after } = await finishedRun(arm, seed, runs);
  return {
    algorithm: arm.name,
    seed,
    questions: after.total,
    before: wilson(before.correct, before.total),
    after: wilson(after.correct, after.total),
    gain: 100 * (accuracyOf(after) - accuracyOf(before)),
  };
}

function tableOf(rows: readonly LearningRow[]): Table {
  const lines = rows.map((row) => [
    row.algorithm,
    String(row.seed),
    formatInterval(row.before),
    formatInterval(row.after),
    formatPoints(row.gain / 100),
  ]);
  const means = ALGORITHMS.flatMap(({ name }) => {
    const own = rows.filter((row) => row.algorithm === name);
    if (own.length === 0) return [];
    const percent = (values: readonly number[]) => `${(100 * mean(values)).toFixed(1)} %`;
    const gain = formatPoints(mean(own.map((row) => row.gain)) / 100);
    return [
      [name, "mean", percent(own.map((r) => r.before.value)), percent(own.map((r) => r.after.value)), gain],
    ];
  });
  return { head: ["algorithm", "seed", "before", "after", "points"], rows: [...lines, ...means] };
}

/** Runs all seeds of both algorithms, prints and writes the table after each. */
export async function benchLearning(options: SeedsOptions): Promise<void> {
  await mkdir(options.results, { recursive: true });
  const rows: LearningRow[] = [];
  for (const algorithm of ALGORITHMS) {
    const arm = { ...algorithm, settings: [...algorithm.settings, ...options.settings] };
    for (const seed of options.seeds) {
      rows.push(await measure(arm, seed, options.runs));
      await write(rows, options);
    }
  }
  options.print(formatTable(tableOf(rows)));
}

async function write(
  rows: readonly LearningRow[],
  { results, settings, seeds }: SeedsOptions,
): Promise<void> {
  const command = `npm run bench -- learning --seeds ${seeds.join(",")}${settings.length > 0 ? ` ${settings.join(" ")}` : ""}`;
  const questions = rows[0]?.questions ?? 0;
  const text = [
    "# Learning on drawn scenes",
    "",
    `Greedy accuracy of the bundled tiny policy on the same ${questions} held-out questions before and after training, with`,
    "95 % Wilson intervals. Both algorithms see as many questions and responses and take as many optimizer steps.",
    "",
    `Command: \`${command}\``,
    "",
    formatMarkdownTable(tableOf(rows)),
    "",
  ].join("\n");
  await writeFileAtomic(join(results, "learning.md"), text);
  await writeFileAtomic(
    join(results, "learning.json"),
    `${JSON.stringify({ command, rows }, undefined, 2)}\n`,
  );
}
