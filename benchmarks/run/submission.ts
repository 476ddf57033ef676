/**
 * @module `submission-<dataset>.json` of a run folder: answers for a benchmark's own server, where a dataset hides its
 * own, as the `fixed` rules read them.
 */
import { join } from "node:path";
import { writeFileAtomic } from "../../src/core/files/atomic.js";
import type { GradeSettings, Prediction } from "../records.js";
import { submissionOf } from "../scoring/submission.js";
import type { PlannedDataset } from "./plan.js";

export function submissionPath(dir: string, dataset: string): string {
  return join(dir, `submission-${dataset}.json`);
}

/** @throws CheckpointError when writing is refused */
export async function writeSubmission(
  dir: string,
  answered: PlannedDataset & { readonly predictions: readonly Prediction[] },
  { rules }: Pick<GradeSettings, "rules">,
): Promise<void> {
  const { benchmark, dataset, file, predictions } = answered;
  const sent = submissionOf({ benchmark, dataset, rows: file.rows, predictions }, { rules, mode: "fixed" });
  await writeFileAtomic(submissionPath(dir, dataset.name), `${JSON.stringify(sent, null, 2)}\n`);
}
