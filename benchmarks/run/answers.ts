/**
 * @module Answered rows for people: what was asked, what was said, what was read out of it, and why it counts or not.
 */
import { zip } from "../../src/core/zip.js";
import type { AnsweredQuestion } from "../../src/report/notebook/samples.js";
import { markedText } from "../engines/local.js";
import { messageFor } from "./ask.js";
import type { ScoredDataset } from "./result.js";

/** The answers of a dataset with the verdicts of its first score, in the order of the rows. */
export function answeredQuestions({ plan, predictions, scores }: ScoredDataset): AnsweredQuestion[] {
  const rows = new Map(plan.file.rows.map((row) => [row.index, row]));
  const said = new Map(predictions.map((each) => [`${each.index} ${each.sample}`, each]));
  const verdicts = scores[0]?.verdicts ?? [];
  const prompts = verdicts.map(({ index }) => {
    const row = rows.get(index);
    return row ? markedText(messageFor(plan, row, { form: "generic", thinking: "none" })) : "";
  });
  return zip(verdicts, prompts).map(([{ index, sample, outcome, extracted, rule }, question]) => {
    const prediction = said.get(`${index} ${sample}`);
    const row = rows.get(index);
    return {
      questionId: `${plan.dataset.name} ${index}`,
      category: row?.cells["category"] ?? plan.benchmark.name,
      question,
      gold: row?.cells["answer"] ?? "",
      images: row?.images ?? [],
      response: prediction?.prediction ?? "",
      stopReason: prediction?.status === "truncated" ? "length" : "eos",
      extracted: extracted === null ? { none: rule } : { text: extracted },
      reward: { accuracy: outcome === "correct" ? 1 : 0, reason: `${outcome}: ${rule}` },
    };
  });
}
