/**
 * @module Datasets made ready to be asked: found, read, named for people.
 */
import { stat } from "node:fs/promises";
import { given } from "../../src/core/given.js";
import type { OnProgress } from "../../src/core/progress.js";
import { type Dataset, imageFolder, readDataset } from "../data/dataset.js";
import { type DataOrigin, originOf } from "../data/origin.js";
import type { Benchmark, DatasetInfo } from "../records.js";
import { requiredColumns } from "../suites/registry.js";

/** A dataset read and ready to be asked. */
export interface PlannedDataset {
  readonly benchmark: Benchmark;
  readonly dataset: DatasetInfo;
  readonly file: Dataset;
  readonly origin: DataOrigin;
}

const ORIGIN_WORDS: Readonly<Record<DataOrigin, string>> = {
  published: "as published",
  sample: "bundled sample rows in its format, not the benchmark",
  other: "not the published file",
  unknown: "no MD5 is published",
};

export interface PlanOptions {
  /** Folder the data file lies in, for `image_path`. */
  readonly root: string;
  /** Where decoded images are kept; in memory when left out. */
  readonly imageFolder?: string;
  /** Rows are shown, not scored: columns that only scores need may be missing. Default: false. */
  readonly isShown?: boolean;
  /** The first rows only. */
  readonly limit?: number;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

/**
 * Reads a dataset's file.
 * @throws DataError when it cannot be used
 */
export async function planDataset(
  benchmark: Benchmark,
  dataset: DatasetInfo,
  path: string,
  options: PlanOptions,
): Promise<PlannedDataset> {
  const { root, isShown, limit, onProgress, signal } = options;
  const bytes = await stat(path).then(
    ({ size }) => size,
    () => 0, // reading it will say what is wrong
  );
  const file = await readDataset(path, {
    columns: isShown ? [dataset.questionColumn ?? "question"] : requiredColumns({ benchmark, dataset }),
    images: options.imageFolder === undefined ? "memory" : { folder: options.imageFolder },
    imageRoot: imageFolder(root, dataset.name),
    onBytes: (done) => onProgress?.({ phase: "read", done, total: bytes, note: `${dataset.name}, bytes` }),
    ...given({ limit, signal }),
  });
  return { benchmark, dataset, file, origin: originOf(dataset, file) };
}

/** What of the benchmark the file holds. */
export function splitOf({ dataset, origin }: Pick<PlannedDataset, "dataset" | "origin">): string {
  return origin === "sample" ? "samples" : dataset.split;
}

/** `MMStar (val): 1500 rows, MD5 … (as published)`. */
export function planLine(plan: PlannedDataset): string {
  const { dataset, file, origin } = plan;
  const rows =
    file.rows.length === file.total ? `${file.total} rows` : `${file.rows.length} of ${file.total} rows`;
  const dropped = file.withoutImage > 0 ? `, ${file.withoutImage} without image left out` : "";
  const name = `${dataset.name} (${splitOf(plan)})`;
  return `${name}: ${rows}${dropped}, MD5 ${file.md5} (${ORIGIN_WORDS[origin]})`;
}
