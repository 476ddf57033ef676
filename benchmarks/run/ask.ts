/**
 * @module Asks a model a benchmark's rows and keeps every answer: rows that a run folder holds finished answers to are
 * not asked again, failed ones are.
 */
import { SharegrpoError } from "../../src/core/errors.js";
import type { OnProgress } from "../../src/core/progress.js";
import type { Answer, AnswerEngine, Asked } from "../engines/engine.js";
import { failure } from "../engines/engine.js";
import { withThinking } from "../prompts/thinking.js";
import type { BenchmarkRow, MessageItem, Prediction, PromptStyle } from "../records.js";
import type { PlannedDataset } from "./plan.js";
import { appendPredictions, predictionKey, predictionsPath, readPredictions } from "./predictions.js";

/** The message a row is asked with. @throws BenchmarkError when it cannot be asked */
export function messageFor(
  { benchmark, dataset }: Pick<PlannedDataset, "benchmark" | "dataset">,
  row: BenchmarkRow,
  style: PromptStyle,
): readonly MessageItem[] {
  return withThinking(benchmark.prompt(row, style.form, dataset), style);
}

export interface AskOptions {
  readonly engine: AnswerEngine;
  readonly prompt: PromptStyle;
  /** Answers per row. */
  readonly samples: number;
  /** Run folder; opened by `openEvaluation`. */
  readonly dir: string;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

/** Rows to ask, and those that cannot be, with the reason. */
interface Sorted {
  readonly asked: readonly Asked[];
  readonly unaskable: readonly { readonly row: Asked; readonly answer: Answer }[];
}

function sortRows(plan: PlannedDataset, options: AskOptions, isDone: (row: Asked) => boolean): Sorted {
  const asked: Asked[] = [];
  const unaskable: { row: Asked; answer: Answer }[] = [];
  for (let sample = 0; sample < options.samples; sample++) {
    for (const row of plan.file.rows) {
      const named = { dataset: plan.dataset.name, index: row.index, sample };
      if (isDone({ ...named, items: [] })) continue;
      try {
        const items = row.problem === undefined ? messageFor(plan, row, options.prompt) : [];
        if (row.problem === undefined) asked.push({ ...named, items });
        else unaskable.push({ row: { ...named, items }, answer: failure(row.problem) });
      } catch (error) {
        if (!(error instanceof SharegrpoError)) throw error;
        unaskable.push({ row: { ...named, items: [] }, answer: failure(error.message) });
      }
    }
  }
  return { asked, unaskable };
}

/** What the progress line says of this run's answers. */
function answersNote(dataset: string, tokens: number, failed: number): string {
  const parts = [dataset, `${tokens.toLocaleString("en-US")} tokens`];
  return [...parts, ...(failed > 0 ? [`${failed} failed`] : [])].join(", ");
}

/**
 * Asks every row that has no finished answer yet.
 * @returns one prediction for each planned row and sample, in the order of samples, then rows
 * @throws BenchmarkError when the engine gives up; CheckpointError when answers cannot be written
 */
export async function askDataset(plan: PlannedDataset, options: AskOptions): Promise<readonly Prediction[]> {
  const { engine, dir, samples, signal, onProgress } = options;
  const path = predictionsPath(dir, plan.dataset.name);
  const latest = new Map(await readPredictions(path));
  const isDone = (row: Asked): boolean => {
    const status = latest.get(predictionKey(row))?.status;
    return status !== undefined && status !== "failed";
  };
  const { asked, unaskable } = sortRows(plan, options, isDone);
  const total = plan.file.rows.length * samples;
  let done = total - asked.length - unaskable.length;
  let tokens = 0;
  let failed = 0;
  const writer = await appendPredictions(path);
  const isKnown = ({ row, answer }: Sorted["unaskable"][number]): boolean =>
    latest.get(predictionKey(row))?.error === answer.error;
  const keep = async ({ dataset, index, sample }: Asked, answer: Answer): Promise<void> => {
    const prediction: Prediction = { version: 1, dataset, index, sample, ...answer };
    await writer.append(prediction);
    latest.set(predictionKey(prediction), prediction);
    done++;
    tokens += answer.tokens ?? 0;
    if (answer.status === "failed") failed++;
    onProgress?.({ phase: "answer", done, total, note: answersNote(dataset, tokens, failed) });
  };
  try {
    for (const each of unaskable) if (!isKnown(each)) await keep(each.row, each.answer);
    if (asked.length > 0) await engine.answerAll(asked, keep, signal);
  } finally {
    await writer.close();
  }
  const keys = Array.from({ length: samples }, (_, sample) =>
    plan.file.rows.map(({ index }) => predictionKey({ index, sample })),
  );
  return keys.flat().flatMap((key) => latest.get(key) ?? []);
}
