/**
 * @module Benchmark scores that lie in a training run: `benchmarks/before/result.json` and `benchmarks/after/…`, as
 * `sharegrpo evaluate` writes them.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { DataError } from "../core/errors.js";
import type { Interval } from "../core/stats.js";
import { formatInterval, formatPoints, type Table } from "./table.js";

/** Accuracy on one dataset by the mended rules, as papers report it, with its 95 % interval. */
export interface DatasetScore {
  readonly dataset: string;
  /** Which rows: `samples` for the bundled ones. */
  readonly split: string;
  readonly total: number;
  readonly accuracy: Interval;
}

export interface BenchmarkScores {
  readonly before?: readonly DatasetScore[];
  readonly after?: readonly DatasetScore[];
}

const interval = z.object({ value: z.number(), low: z.number(), high: z.number() });
const schema = z.object({
  datasets: z.array(
    z.object({
      dataset: z.string(),
      split: z.string(),
      scores: z.array(
        z.object({ mode: z.string(), reported: z.object({ total: z.number(), accuracy: interval }) }),
      ),
    }),
  ),
});

/** The scores of one `result.json`; undefined when there is none. @throws DataError when it is something else */
export async function readScores(path: string): Promise<readonly DatasetScore[] | undefined> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  let parsed: ReturnType<typeof schema.safeParse>;
  try {
    parsed = schema.safeParse(JSON.parse(text));
  } catch (cause) {
    throw new DataError(`${path}: not JSON: remove it, or evaluate again`, { cause });
  }
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new DataError(`${path}: ${issue?.path.join(".")}: ${issue?.message}: remove it, or evaluate again`);
  }
  return parsed.data.datasets.flatMap(({ dataset, split, scores }) => {
    const fixed = scores.find(({ mode }) => mode === "fixed");
    return fixed ? [{ dataset, split, ...fixed.reported }] : [];
  });
}

/** Where a run keeps the scores made before or after it. */
export function benchmarkFolder(runDir: string, label: "before" | "after"): string {
  return join(runDir, "benchmarks", label);
}

/** @throws DataError when a result cannot be read */
export async function readBenchmarkScores(runDir: string): Promise<BenchmarkScores> {
  const [before, after] = await Promise.all(
    (["before", "after"] as const).map((label) =>
      readScores(join(benchmarkFolder(runDir, label), "result.json")),
    ),
  );
  return { ...(before ? { before } : {}), ...(after ? { after } : {}) };
}

const NONE: Interval = { value: Number.NaN, low: Number.NaN, high: Number.NaN };

/** A row per dataset: `MMStar (samples)`, rows, before, after, points. */
export function benchmarkTable({ before = [], after = [] }: BenchmarkScores): Table {
  const names = [...new Set([...before, ...after].map(({ dataset }) => dataset))];
  return {
    head: ["accuracy", "rows", "before", "after", "points"],
    rows: names.map((name) => {
      const [old, young] = [before, after].map((scores) => scores.find(({ dataset }) => dataset === name));
      const [from, to] = [old?.accuracy ?? NONE, young?.accuracy ?? NONE];
      return [
        `${name} (${(young ?? old)?.split})`,
        String((young ?? old)?.total),
        formatInterval(from),
        formatInterval(to),
        formatPoints(to.value - from.value),
      ];
    }),
  };
}
