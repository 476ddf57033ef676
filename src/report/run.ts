/**
 * @module Reads a run folder: settings, steps, rollouts and evaluations, each row checked.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { CheckpointError, DataError, messageOf } from "../core/errors.js";
import { isThere } from "../core/files/folder.js";
import { readJsonl } from "../core/files/jsonl.js";
import type { EvaluationRecord, RolloutRecord, StepRecord } from "../core/files/runRecords.js";
import { given } from "../core/given.js";
import { type BenchmarkScores, readBenchmarkScores } from "./benchmarkScores.js";

/** A run folder, read. */
export interface Run {
  readonly dir: string;
  /** `config.yaml` as it stands in the folder. */
  readonly configText: string;
  /** The settings by dotted name: `rollout.temperature`. */
  readonly settings: Readonly<Record<string, string>>;
  /** In order of steps. */
  readonly steps: readonly StepRecord[];
  readonly rollouts: readonly RolloutRecord[];
  readonly before?: EvaluationRecord;
  readonly after?: EvaluationRecord;
  readonly benchmarks: BenchmarkScores;
  /** What a reader should know about the files: torn last lines. */
  readonly notes: readonly string[];
}

const numberOrNull = z.number().nullable();
const count = z.int().nonnegative();
const extracted = z.union([z.object({ text: z.string() }), z.object({ none: z.string() })]);
const stopReason = z.enum(["eos", "length"]);
const reward = z.object({
  overall: z.number(),
  accuracy: z.number(),
  format: z.number(),
  reason: z.string(),
  parts: z.record(z.string(), z.number()).exactOptional(),
});
const stepSchema = z.object({ step: count }).catchall(numberOrNull);
/** A row of `rollouts.jsonl`. */
export const rolloutRowSchema = z.object({
  step: count,
  questionId: z.string(),
  category: z.string(),
  question: z.string(),
  gold: z.string(),
  variants: z.array(
    z.object({
      index: count,
      text: z.string(),
      transform: z.string(),
      wording: z.union([z.literal("original"), count]),
      images: z.array(z.string()),
    }),
  ),
  responses: z.array(
    z.object({
      j: count,
      i: count,
      text: z.string(),
      tokens: count,
      stopReason,
      extracted,
      reward,
      advantageGlobal: numberOrNull,
      advantageLocal: numberOrNull,
    }),
  ),
});
const evaluationSchema = z.object({
  label: z.enum(["before", "after"]),
  step: count,
  total: count,
  correct: count,
  formatted: count,
  perCategory: z.record(z.string(), z.object({ total: count, correct: count })),
  seed: z.number(),
  greedy: z.boolean(),
  outcomes: z.record(z.string(), z.number()).exactOptional(),
  samples: z
    .array(
      z.object({
        questionId: z.string(),
        category: z.string(),
        question: z.string(),
        gold: z.string(),
        images: z.array(z.string()),
        response: z.string(),
        stopReason,
        extracted,
        reward,
      }),
    )
    .default([]),
});

async function readRows<Row>(
  path: string,
  schema: z.ZodType<Row>,
): Promise<{ rows: Row[]; notes: string[] }> {
  if (!(await isThere(path))) return { rows: [], notes: [] };
  const { records, tornLine } = await readJsonl(path);
  const rows: Row[] = [];
  const problems: string[] = [];
  records.forEach((record, at) => {
    const result = schema.safeParse(record);
    if (result.success) rows.push(result.data);
    else {
      const [issue] = result.error.issues;
      problems.push(`row ${at + 1}: ${issue?.path.join(".") || "row"}: ${issue?.message ?? "invalid"}`);
    }
  });
  if (problems.length > 0) {
    const more = problems.length > 5 ? `; and ${problems.length - 5} more` : "";
    throw new DataError(`${path}: invalid rows: ${problems.slice(0, 5).join("; ")}${more}`);
  }
  const notes =
    tornLine === undefined ? [] : [`${path}: line ${tornLine} was cut off while being written; left out`];
  return { rows, notes };
}

/** `{ a: { b: 1 } }` → `{ "a.b": "1" }`. */
export function flatten(value: unknown, prefix = ""): [string, string][] {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return Object.entries(value).flatMap(([key, inner]) => flatten(inner, prefix ? `${prefix}.${key}` : key));
  }
  return [[prefix, typeof value === "string" ? value : JSON.stringify(value)]];
}

async function readConfig(dir: string): Promise<Pick<Run, "configText" | "settings">> {
  const path = join(dir, "config.yaml");
  let configText: string;
  try {
    configText = await readFile(path, "utf8");
  } catch (error) {
    const advice = "give the folder of a run; it holds config.yaml and metrics.jsonl";
    throw new CheckpointError(`${dir}: missing config.yaml: ${messageOf(error)}; ${advice}`, {
      cause: error,
    });
  }
  try {
    return { configText, settings: Object.fromEntries(flatten(parse(configText))) };
  } catch (error) {
    throw new DataError(`${path}: invalid YAML: ${messageOf(error)}`, { cause: error });
  }
}

/** A run without its rollouts, which may be many. @throws as `readRun` */
export async function readRunHead(dir: string): Promise<Omit<Run, "rollouts">> {
  const config = await readConfig(dir);
  const steps = await readRows<StepRecord>(join(dir, "metrics.jsonl"), stepSchema);
  const evaluations = await readRows<EvaluationRecord>(join(dir, "evaluations.jsonl"), evaluationSchema);
  const before = evaluations.rows.findLast((row) => row.label === "before");
  const after = evaluations.rows.findLast((row) => row.label === "after");
  return {
    dir,
    ...config,
    steps: steps.rows.toSorted((a, b) => a.step - b.step),
    ...given({ before, after }),
    benchmarks: await readBenchmarkScores(dir),
    notes: [...steps.notes, ...evaluations.notes],
  };
}

/**
 * Reads a run folder, also of a run that has only begun.
 * @throws CheckpointError when it is no run folder; DataError naming the file and the bad rows
 */
export async function readRun(dir: string): Promise<Run> {
  const head = await readRunHead(dir);
  const rollouts = await readRows<RolloutRecord>(join(dir, "rollouts.jsonl"), rolloutRowSchema);
  return { ...head, rollouts: rollouts.rows, notes: [...head.notes, ...rollouts.notes] };
}
