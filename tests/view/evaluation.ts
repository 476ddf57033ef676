/**
 * @module Evaluation folders as `sharegrpo evaluate` leaves them, for the viewer to read.
 */
import { mkdir, mkdtemp, rename, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { finishedRun, jsonl } from "../report/fixtures.js";

/** What a hostile data set or model may write. */
export const HOSTILE = `<img src=x onerror="window.broken=1"><script>window.broken=1</script>`;

export interface Answered {
  readonly text: string;
  readonly isRight: boolean;
}

/** The folder of one dataset, `MMStar`, whose rows are numbered from 0. */
export async function evaluationRun(model: string, answers: readonly Answered[]): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), `evaluation-${model}-`));
  for (const folder of ["predictions", "verdicts", "rows", "images"]) await mkdir(join(dir, folder));
  const settings = { version: 1, digest: "0", model: { name: model, weights: null }, decoding: { seed: 1 } };
  const datasets = { MMStar: { md5: "0" } };
  await writeFile(join(dir, "evaluation.json"), JSON.stringify({ ...settings, datasets }));
  const image = sharp({ create: { width: 30, height: 20, channels: 3, background: "#3478c0" } });
  await image.png().toFile(join(dir, "images", "a.png"));
  const named = answers.map((answer, at) => ({ ...answer, index: String(at), sample: 0 }));
  const write = (folder: string, rows: readonly object[]) =>
    writeFile(join(dir, folder, "MMStar.jsonl"), jsonl(rows));
  await write(
    "predictions",
    named.map(({ index, sample, text }) => ({
      ...{ version: 1, dataset: "MMStar", index, sample, prediction: text },
      ...{ status: "finished", promptTokens: 9, tokens: 5, latencyMs: 1 },
    })),
  );
  await write(
    "verdicts",
    named.map(({ index, sample, isRight }) => ({
      ...{ index, sample, cluster: index, isReported: true },
      fixed: { outcome: isRight ? "correct" : "wrong", extracted: "A", rule: "option letter" },
    })),
  );
  await write(
    "rows",
    named.map(({ index }) => ({
      ...{ index, category: `kind ${Number(index) % 2}`, question: `Question: number ${index}` },
      ...{ gold: "A", images: ["images/a.png"] },
    })),
  );
  const correct = answers.filter(({ isRight }) => isRight).length;
  const accuracy = { value: correct / answers.length, low: 0.1, high: 0.9 };
  const score = {
    ...{ mode: "fixed", reported: { total: answers.length, correct, accuracy } },
    ...{ outcomes: { correct, wrong: answers.length - correct }, tables: [] },
  };
  const result = {
    rules: "2026-08",
    judge: null,
    datasets: [{ dataset: "MMStar", split: "val", scores: [score] }],
  };
  await writeFile(join(dir, "result.json"), JSON.stringify(result));
  return dir;
}

/**
 * A folder with two trainings of `steps` steps, `share` and `grpo`, and two evaluations of four rows, `first` and
 * `second`: one row is right in the first only, one in the second only. Their texts are hostile.
 */
export async function fourRuns(steps: number): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "four-runs-"));
  const answers = (right: readonly boolean[]) => right.map((isRight) => ({ text: HOSTILE, isRight }));
  await rename(await finishedRun(steps), join(root, "share"));
  await rename(await finishedRun(steps, 2), join(root, "grpo"));
  await rename(await evaluationRun("first", answers([true, false, true, false])), join(root, "first"));
  await rename(await evaluationRun("second", answers([true, true, false, false])), join(root, "second"));
  return root;
}
