/**
 * @module Does training help, and how does Share-GRPO compare with GRPO at equal responses and equal optimizer steps?
 *
 * Every run is the command line's own `train`, in a process of its own; the held-out questions are the same for all
 * runs, asked before and after. Runs that are already finished in the output folder are not repeated.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { writeFileAtomic } from "../../src/core/atomic.js";
import { BenchmarkError } from "../../src/core/errors.js";
import { readJsonl } from "../../src/core/jsonl.js";
import { packageRoot } from "../../src/core/packageRoot.js";
import type { EvaluationRecord } from "../../src/core/runRecords.js";
import { type Interval, mean, wilson } from "../../src/core/stats.js";
import {
  formatInterval,
  formatMarkdownTable,
  formatPoints,
  formatTable,
  type Table,
} from "../../src/report/table.js";

/** Preset and what the table calls it. */
const ALGORITHMS = [
  { preset: "tiny", name: "Share-GRPO (m = 2, n = 6)" },
  { preset: "tiny-grpo", name: "GRPO (n = 12)" },
] as const;

export interface LearningOptions {
  readonly seeds: readonly number[];
  /** Where runs are kept. */
  readonly runs: string;
  /** Where `learning.json` and `learning.md` are written. */
  readonly results: string;
  /** `key=value` settings for every run. */
  readonly settings: readonly string[];
  readonly print: (text: string) => void;
}

interface LearningRow {
  readonly algorithm: string;
  readonly seed: number;
  readonly questions: number;
  readonly before: Interval;
  readonly after: Interval;
  /** Percentage points. */
  readonly gain: number;
}

function runTrain(args: readonly string[]): Promise<void> {
  const program = join(packageRoot(), "dist", "src", "cli", "main.js");
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, "train", ...args], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    child.on("error", reject);
    child.on("exit", (code) => {
      if (code === 0) resolve();
      else reject(new BenchmarkError(`learning: train ${args.join(" ")} ended with status ${code}`));
    });
  });
}

async function evaluations(run: string): Promise<{ before?: EvaluationRecord; after?: EvaluationRecord }> {
  const path = join(run, "evaluations.jsonl");
  if (!existsSync(path)) return {};
  const records = (await readJsonl(path)).records as EvaluationRecord[];
  const before = records.find(({ label }) => label === "before");
  const after = records.find(({ label }) => label === "after");
  return { ...(before ? { before } : {}), ...(after ? { after } : {}) };
}

/** Trains unless the run is finished already; resumes one that was cut off. */
async function measure(
  preset: string,
  seed: number,
  options: LearningOptions,
): Promise<Omit<LearningRow, "algorithm">> {
  const out = join(options.runs, `${preset}-seed${seed}`);
  if (!(await evaluations(out)).after) {
    const resume = existsSync(join(out, "config.yaml")) ? ["--resume"] : [];
    await runTrain(["--preset", preset, "--out", out, ...resume, `seed=${seed}`, ...options.settings]);
  }
  const { before, after } = await evaluations(out);
  if (!before || !after)
    throw new BenchmarkError(`${out}: no evaluations: set train.evaluateQuestions above 0`);
  return {
    seed,
    questions: after.total,
    before: wilson(before.correct, before.total),
    after: wilson(after.correct, after.total),
    gain: 100 * (after.correct / after.total - before.correct / before.total),
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
export async function benchLearning(options: LearningOptions): Promise<void> {
  await mkdir(options.runs, { recursive: true });
  await mkdir(options.results, { recursive: true });
  const rows: LearningRow[] = [];
  for (const { preset, name } of ALGORITHMS) {
    for (const seed of options.seeds) {
      rows.push({ algorithm: name, ...(await measure(preset, seed, options)) });
      await write(rows, options);
    }
  }
  options.print(formatTable(tableOf(rows)));
}

async function write(
  rows: readonly LearningRow[],
  { results, settings, seeds }: LearningOptions,
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
