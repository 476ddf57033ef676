/**
 * @module `predictions/<dataset>.jsonl` of a run folder: one line an answer, only ever appended, each on disk before the
 * next row takes its place. Of several lines for one row and sample the last counts; a failed one is asked again.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { DataError } from "../../src/core/errors.js";
import { appendJsonl, readJsonl } from "../../src/core/files/jsonl.js";
import type { Prediction } from "../records.js";

const schema = z.object({
  version: z.literal(1),
  dataset: z.string(),
  index: z.string(),
  sample: z.int().nonnegative(),
  prediction: z.string(),
  thinking: z.string().exactOptional(),
  status: z.enum(["finished", "truncated", "failed"]),
  error: z.string().exactOptional(),
  promptTokens: z.number().nullable(),
  tokens: z.number().nullable(),
  latencyMs: z.number().nullable(),
});

/** Names a row and sample. */
export function predictionKey({ index, sample }: Pick<Prediction, "index" | "sample">): string {
  return `${sample}\u0000${index}`;
}

export function predictionsPath(dir: string, dataset: string): string {
  return join(dir, "predictions", `${dataset}.jsonl`);
}

/**
 * The last line of every row and sample, by `predictionKey`.
 * @throws DataError when a line is no prediction of this version
 */
export async function readPredictions(path: string): Promise<ReadonlyMap<string, Prediction>> {
  const latest = new Map<string, Prediction>();
  if (!existsSync(path)) return latest;
  for (const [at, record] of (await readJsonl(path)).records.entries()) {
    const parsed = schema.safeParse(record);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      throw new DataError(`${path}: record ${at + 1}: ${issue?.path.join(".")}: ${issue?.message}`);
    }
    latest.set(predictionKey(parsed.data), parsed.data);
  }
  return latest;
}

export interface PredictionWriter {
  /** Resolves when the line is on disk. */
  append(prediction: Prediction): Promise<void>;
  close(): Promise<void>;
}

/** @throws CheckpointError when writing is refused */
export function appendPredictions(path: string): Promise<PredictionWriter> {
  return appendJsonl(path, { isSynced: true });
}
