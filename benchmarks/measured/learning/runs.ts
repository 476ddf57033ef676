/**
 * @module Training runs as measurements: every run is the command line's own `train`, in a process of its own, kept in
 * a folder. A run that is finished is read, not repeated; one that was cut off is resumed.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { BenchmarkError } from "../../../src/core/errors.js";
import { readJsonl } from "../../../src/core/files/jsonl.js";
import { packageRoot } from "../../../src/core/files/packageRoot.js";
import type { EvaluationRecord, StepRecord } from "../../../src/core/files/runRecords.js";
import { type Interval, mean, std } from "../../../src/core/stats.js";

/** One way to train, run with several seeds. */
export interface Arm {
  /** Folder name and key in results. */
  readonly id: string;
  /** What tables call it. */
  readonly name: string;
  readonly preset: string;
  /** `key=value` settings on top of the preset. */
  readonly settings: readonly string[];
}

/** What every benchmark that trains takes. */
export interface SeedsOptions {
  readonly seeds: readonly number[];
  /** Where runs are kept. */
  readonly runs: string;
  /** Where the benchmark's `.json` and `.md` are written. */
  readonly results: string;
  /** `key=value` settings for every run. */
  readonly settings: readonly string[];
  readonly print: (text: string) => void;
}

export interface RunResult {
  readonly arm: Arm;
  readonly seed: number;
  readonly before: EvaluationRecord;
  readonly after: EvaluationRecord;
  readonly steps: readonly StepRecord[];
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
      else reject(new BenchmarkError(`train ${args.join(" ")} ended with status ${code}`));
    });
  });
}

async function recordsOf<T>(path: string): Promise<readonly T[]> {
  return existsSync(path) ? ((await readJsonl(path)).records as T[]) : [];
}

async function evaluationOf(out: string, label: "before" | "after"): Promise<EvaluationRecord | undefined> {
  const records = await recordsOf<EvaluationRecord>(join(out, "evaluations.jsonl"));
  return records.find((record) => record.label === label);
}

/**
 * Trains `arm` with `seed` in `<runs>/<arm>-seed<seed>`, unless that is done.
 * @throws BenchmarkError when training fails, or was told to evaluate nothing
 */
export async function finishedRun(arm: Arm, seed: number, runs: string): Promise<RunResult> {
  const out = join(runs, `${arm.id}-seed${seed}`);
  await mkdir(runs, { recursive: true });
  if (!(await evaluationOf(out, "after"))) {
    const resume = existsSync(join(out, "config.yaml")) ? ["--resume"] : [];
    await runTrain(["--preset", arm.preset, "--out", out, ...resume, `seed=${seed}`, ...arm.settings]);
  }
  const [before, after] = [await evaluationOf(out, "before"), await evaluationOf(out, "after")];
  if (!before || !after) {
    throw new BenchmarkError(`${out}: no evaluations: set train.evaluateQuestions above 0`);
  }
  return { arm, seed, before, after, steps: await recordsOf<StepRecord>(join(out, "metrics.jsonl")) };
}

/** Share of held-out questions answered correctly. */
export const accuracyOf = ({ correct, total }: EvaluationRecord): number => correct / total;

/** 97.5 % quantile of Student's t for 1, 2, … degrees of freedom. */
const T_QUANTILES = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262] as const;

/**
 * Mean over seeds with its 95 % t interval; the ends are NaN for a single seed.
 * @throws BenchmarkError for more than ten values
 */
export function meanOverSeeds(values: readonly number[]): Interval {
  const value = mean(values);
  if (values.length < 2) return { value, low: Number.NaN, high: Number.NaN };
  const t = T_QUANTILES[values.length - 2];
  if (t === undefined) throw new BenchmarkError(`${values.length} seeds: intervals are tabled up to 10`);
  const half = (t * std(values)) / Math.sqrt(values.length);
  return { value, low: value - half, high: value + half };
}
