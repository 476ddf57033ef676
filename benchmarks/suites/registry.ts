/**
 * @module The six benchmarks by name.
 */

import { datasetNamed } from "../data/catalogue.js";
import type { Benchmark, BenchmarkName, DatasetInfo } from "../records.js";
import { ai2d } from "./ai2d.js";
import { mathVerse } from "./mathVerse.js";
import { mathVision } from "./mathVision.js";
import { mathVista } from "./mathVista.js";
import { mmmu } from "./mmmu.js";
import { mmStar } from "./mmStar.js";

/** Everything about each benchmark: its data files, prompts, scoring, tables. */
export const BENCHMARK: Readonly<Record<BenchmarkName, Benchmark>> = {
  MathVista: mathVista,
  MMStar: mmStar,
  MMMU: mmmu,
  MathVerse: mathVerse,
  MathVision: mathVision,
  AI2D: ai2d,
};

export interface NamedBenchmark {
  readonly benchmark: Benchmark;
  readonly dataset: DatasetInfo;
}

/** Columns that a dataset's file must have: a hidden answer is none of them. */
export function requiredColumns({ benchmark, dataset }: NamedBenchmark): readonly string[] {
  return dataset.hidesAnswers ? benchmark.columns.filter((name) => name !== "answer") : benchmark.columns;
}

/**
 * The benchmark and dataset of a name: the paper's or VLMEvalKit's.
 * @throws ConfigError listing the names there are
 */
export function benchmarkNamed(name: string): NamedBenchmark {
  const { benchmark, dataset } = datasetNamed(name);
  return { benchmark: BENCHMARK[benchmark], dataset };
}
