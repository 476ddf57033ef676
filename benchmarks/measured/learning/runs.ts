/**
 * @module Training runs as measurements: every run is the command line's own `train`, in a process of its own, kept in
 * a folder. A run that is finished is read, not repeated; one that was cut off is resumed.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { parse } from "yaml";
import { presetInput, resolveConfig, withOverride } from "../../../src/config/load.js";
import type { RunConfig, RunConfigInput } from "../../../src/config/schema.js";
import { differences } from "../../../src/core/differences.js";
import { BenchmarkError } from "../../../src/core/errors.js";
import { makeFolder } from "../../../src/core/files/atomic.js";
import { readJsonl } from "../../../src/core/files/jsonl.js";
import { packageRoot } from "../../../src/core/files/packageRoot.js";
import type { EvaluationRecord, StepRecord } from "../../../src/core/files/runRecords.js";
import { type Interval, mean, std } from "../../../src/core/stats.js";
import { formatPoints } from "../../../src/report/table.js";

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

/**
 * Runs the command line in a process of its own.
 * @returns what it printed
 * @throws BenchmarkError when it does not end well
 */
export function runCommand(args: readonly string[]): Promise<string> {
  const program = join(packageRoot(), "dist", "src", "cli", "main.js");
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "inherit"] });
    const printed: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => printed.push(chunk));
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(Buffer.concat(printed).toString("utf8"));
      else reject(new BenchmarkError(`sharegrpo ${args.join(" ")} ended with status ${code}`));
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

/** Folder of an arm's run with a seed. */
export const folderOf = (arm: Arm, seed: number, runs: string): string => join(runs, `${arm.id}-seed${seed}`);

/** The model folder of a run's newest checkpoint. @throws BenchmarkError when there is none */
export async function newestModel(folder: string): Promise<string> {
  const checkpoints = join(folder, "checkpoints");
  const names = await readdir(checkpoints);
  // step-000064: as many digits for all steps of a run.
  const newest = names
    .filter((name) => /^step-\d+$/.test(name))
    .sort()
    .at(-1);
  if (newest === undefined) throw new BenchmarkError(`${checkpoints}: no checkpoint of a finished run`);
  return join(checkpoints, newest);
}

/** A run is its settings, whatever its folder is called. The model is the folder's affair, the engine nobody's. */
async function refuseOtherSettings(arm: Arm, seed: number, out: string): Promise<void> {
  const settings = [...arm.settings, `seed=${seed}`].reduce(withOverride, presetInput(arm.preset));
  const compared = ({ engine: _engine, model: _model, ...rest }: RunConfig) => rest;
  const path = join(out, "config.yaml");
  const found = resolveConfig(parse(await readFile(path, "utf8")) as RunConfigInput, path);
  const changed = differences(compared(found), compared(resolveConfig(settings, arm.id)));
  if (changed.length > 0)
    throw new BenchmarkError(
      `${out}: is finished under other settings: ${changed.join("; ")}; name another --runs, or delete it`,
    );
}

/**
 * Trains `arm` with `seed` in `<runs>/<arm>-seed<seed>`, unless that is done.
 * @throws BenchmarkError when training fails, evaluates nothing, or was done under other settings
 */
export async function finishedRun(arm: Arm, seed: number, runs: string): Promise<RunResult> {
  const out = folderOf(arm, seed, runs);
  await makeFolder(runs);
  if (await evaluationOf(out, "after")) await refuseOtherSettings(arm, seed, out);
  else {
    const resume = existsSync(join(out, "config.yaml")) ? ["--resume"] : [];
    await runCommand([
      "train",
      "--preset",
      arm.preset,
      "--out",
      out,
      ...resume,
      `seed=${seed}`,
      ...arm.settings,
    ]);
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
const T_QUANTILES = [
  ...[12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228],
  ...[2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101, 2.093],
] as const;

/**
 * Mean over seeds with its 95 % t interval; the ends are NaN for a single seed.
 * @throws BenchmarkError for more than twenty values
 */
export function meanOverSeeds(values: readonly number[]): Interval {
  const value = mean(values);
  if (values.length < 2) return { value, low: Number.NaN, high: Number.NaN };
  const t = T_QUANTILES[values.length - 2];
  if (t === undefined) throw new BenchmarkError(`${values.length} seeds: intervals are tabled up to 20`);
  const half = (t * std(values)) / Math.sqrt(values.length);
  return { value, low: value - half, high: value + half };
}

/** One arm less another, seed by seed: mean with its 95 % t interval, over the seeds that both have. */
export function pairedBySeed(a: ReadonlyMap<number, number>, b: ReadonlyMap<number, number>): Interval {
  const values = [...a].flatMap(([seed, value]) => {
    const other = b.get(seed);
    return other === undefined ? [] : [value - other];
  });
  return meanOverSeeds(values);
}

/** `+1.2 [−0.3, 2.7]` in points; without brackets where there is no interval. */
export function pointsOf({ value, low, high }: Interval): string {
  if (!Number.isFinite(low)) return formatPoints(value);
  return `${formatPoints(value)} [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`.replaceAll(
    "-",
    "−",
  );
}
