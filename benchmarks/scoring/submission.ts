/**
 * @module Answers to a dataset whose gold answers are not published, as its own server takes them: one text by the row's
 * `id`, the first sample of each row; an empty one where nothing could be read.
 */
import { BenchmarkError } from "../../src/core/errors.js";
import type { GradeSettings } from "../records.js";
import { partOf, type ResponsePart, type ToScore, withRows } from "./score.js";

export interface SubmissionSettings extends Pick<GradeSettings, "rules" | "mode"> {
  /** Default `whole`. */
  readonly part?: ResponsePart;
}

/** @throws BenchmarkError when a prediction has no row, or the benchmark has no such server */
export function submissionOf(answered: ToScore, settings: SubmissionSettings): Record<string, string> {
  const { benchmark, dataset } = answered;
  if (!benchmark.submitted)
    throw new BenchmarkError(`${dataset.name}: there is no server to send answers to`);
  const sent = withRows(answered)
    .filter(([, { sample }]) => sample === 0)
    .map(([row, { prediction, status }]) => {
      const response = partOf(prediction, settings);
      const text = status === "failed" ? "" : benchmark.submitted?.(row, response, settings);
      return [row.cells["id"] ?? row.index, text ?? ""] as const;
    });
  return Object.fromEntries(sent);
}
