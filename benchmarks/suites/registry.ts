/**
 * @module Benchmarks by name. A new one is a file beside these and a line in `REGISTERED`.
 */

import { ConfigError } from "../../src/core/errors.js";
import type { Benchmark, BenchmarkName, DatasetInfo } from "../records.js";
import { ai2d } from "./ai2d.js";
import { mathVerse } from "./mathVerse.js";
import { mathVision } from "./mathVision.js";
import { mathVista } from "./mathVista.js";
import { mmmu } from "./mmmu.js";
import { mmStar } from "./mmStar.js";

/** The six of the paper's main table. */
export const BENCHMARK: Readonly<Record<BenchmarkName, Benchmark>> = {
  MathVista: mathVista,
  MMStar: mmStar,
  MMMU: mmmu,
  MathVerse: mathVerse,
  MathVision: mathVision,
  AI2D: ai2d,
};

/** All that can be named. */
export const REGISTERED: readonly Benchmark[] = [...Object.values(BENCHMARK)];

export interface NamedBenchmark {
  readonly benchmark: Benchmark;
  readonly dataset: DatasetInfo;
}

/** Columns that a dataset's file must have: a hidden answer is none of them. */
export function requiredColumns({ benchmark, dataset }: NamedBenchmark): readonly string[] {
  return dataset.hidesAnswers ? benchmark.columns.filter((name) => name !== "answer") : benchmark.columns;
}

/**
 * The benchmark and dataset of a name: the paper's (its first dataset) or VLMEvalKit's. Case does not matter.
 * @param registered looked through; the registry unless given
 * @throws ConfigError listing the names there are
 */
export function benchmarkNamed(name: string, registered: readonly Benchmark[] = REGISTERED): NamedBenchmark {
  const wanted = name.trim().toLowerCase();
  const all = registered.flatMap((benchmark) =>
    benchmark.datasets.map((dataset, at) => ({
      benchmark,
      dataset,
      names: [dataset.name, ...(at === 0 ? [benchmark.name] : [])],
    })),
  );
  // "MMStar" is a benchmark and its own first dataset.
  const found = all.find(({ names }) => names.some((known) => known.toLowerCase() === wanted));
  if (found) return { benchmark: found.benchmark, dataset: found.dataset };
  const benchmarks = registered.map((benchmark) => benchmark.name).join(", ");
  const known = all.map(({ dataset }) => dataset.name).join(", ");
  throw new ConfigError(`unknown benchmark: ${name}: choose from ${benchmarks}, or one dataset: ${known}`);
}
