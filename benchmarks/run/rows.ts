/**
 * @module `rows/<dataset>.jsonl` of a run folder: what was asked and what would have been right, so that answers can be
 * looked at where the data file is not.
 */
import { join, relative, resolve } from "node:path";
import { SharegrpoError } from "../../src/core/errors.js";
import { makeFolder, writeFileAtomic } from "../../src/core/files/atomic.js";
import type { BenchmarkRow, PromptForm } from "../records.js";
import type { PlannedDataset } from "./plan.js";

/** One row as a person looks at it. */
export interface ShownRow {
  readonly index: string;
  readonly category: string;
  /** The words it is asked with, without the thinking prompt. */
  readonly question: string;
  /** Empty where the dataset hides its answers. */
  readonly gold: string;
  /** Picture files: relative to the run folder, absolute where they lie elsewhere. */
  readonly images: readonly string[];
}

/** Columns by which the benchmarks divide their rows, the coarsest first. */
const CATEGORY_COLUMNS = ["category", "problem_version", "task"] as const;

function categoryOf({ cells }: BenchmarkRow): string {
  return CATEGORY_COLUMNS.map((name) => cells[name]).find((cell) => cell !== undefined) ?? "";
}

function wordsOf({ benchmark, dataset }: PlannedDataset, row: BenchmarkRow, form: PromptForm): string {
  try {
    const items = benchmark.prompt(row, form, dataset);
    return items.map((item) => (item.kind === "text" ? item.text : "<image>")).join("\n");
  } catch (error) {
    if (!(error instanceof SharegrpoError)) throw error;
    return error.message;
  }
}

function imageNames(dir: string, { images }: BenchmarkRow): string[] {
  return images.flatMap((image) => {
    if (image.kind !== "path") return [];
    const name = relative(resolve(dir), resolve(image.path));
    return [name.startsWith("..") ? resolve(image.path) : name];
  });
}

/** @throws CheckpointError when writing is refused */
export async function writeRows(dir: string, plan: PlannedDataset, form: PromptForm): Promise<void> {
  const lines = plan.file.rows.map(
    (row): ShownRow => ({
      index: row.index,
      category: categoryOf(row),
      question: wordsOf(plan, row, form),
      gold: row.cells["answer"] ?? "",
      images: imageNames(dir, row),
    }),
  );
  await makeFolder(join(dir, "rows"));
  const path = join(dir, "rows", `${plan.dataset.name}.jsonl`);
  await writeFileAtomic(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
}
