/**
 * @module A run folder as a training run leaves it, drawn from a seed: what the report is tested on.
 */
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { hierarchicalAdvantages } from "../../src/advantage/shareGrpo.js";
import { sha256 } from "../../src/core/files/digest.js";
import type {
  EvaluationRecord,
  ResponseRecord,
  RolloutRecord,
  StepRecord,
} from "../../src/core/files/runRecords.js";
import { Rng } from "../../src/core/rng.js";
import { METRICS, type MetricName } from "../../src/train/run/metrics.js";

export const FAMILIES = ["angle", "bars", "compare", "count", "fraction", "position"] as const;

export const CONFIG = `seed: 1
model: tiny
expand:
  variants: 2
  transformProbability: 0.3
rollout:
  responses: 6
  temperature: 1
  topP: 1
  maxResponseLength: 96
reward:
  formatWeight: 0.1
update:
  algorithm: share-grpo
  learningRate: 0.00002
  clipLow: 0.2
  clipHigh: 0.3
  dualClip: 3
  optimizerStepsPerRollout: 2
train:
  steps: 60
  questionsPerStep: 16
`;

/** A step late in a run is better than an early one, with noise. */
export function stepRecord(step: number, steps: number, rng: Rng): StepRecord {
  const progress = steps === 1 ? 0 : (step - 1) / (steps - 1);
  const accuracy = 0.45 + 0.3 * progress ** 0.6 + 0.05 * rng.normal();
  const format = Math.min(1, 0.93 + 0.06 * progress + 0.01 * rng.normal());
  const local = 0.75 - 0.3 * progress + 0.04 * rng.normal();
  const values: Partial<Record<MetricName, number>> = {
    "reward/overall": 0.9 * accuracy + 0.1 * format,
    "reward/accuracy": accuracy,
    "reward/format": format,
    "reward/std": 0.4 - 0.1 * progress,
    frac_reward_zero_std: 1 - local,
    "advantage/valid_share_pooled": Math.min(1, local + 0.12 + 0.02 * rng.normal()),
    "advantage/valid_share_local": local,
    "advantage/valid_share_rows": local + 0.1,
    "response_length/mean": 44 + 6 * progress + rng.normal(),
    "response_length/max": 90 + rng.integer(0, 7),
    "response_length/min": 20 + rng.integer(0, 5),
    "response_length/clip_ratio": Math.max(0, 0.03 - 0.02 * progress + 0.005 * rng.normal()),
    "policy/clip_share_high": 0.01 + 0.004 * Math.abs(rng.normal()),
    "policy/clip_share_low": 0.0005 * Math.abs(rng.normal()),
    "policy/grad_norm": 0.8 + 0.2 * Math.abs(rng.normal()),
    "policy/learning_rate": 2e-5 * Math.min(1, step / 5),
    "policy/entropy": 0.4 - 0.15 * progress + 0.02 * rng.normal(),
    "policy/ratio_deviation_first": 3e-6 * (1 + rng.uniform()),
    "rollout/log_prob_gap": 8e-6 * (1 + rng.uniform()),
    "rollout/policy_lag": 0,
    "rollout/tokens_per_second": 5200 + 300 * rng.normal(),
    "timing_s/rollout": 1.9,
    "timing_s/old_log_probs": 0.8,
    "timing_s/update": 2.6 + 0.1 * rng.normal(),
    "timing_s/step": 5.6,
    "timing_s/step_unshared": 4,
    "perf/pass_tokens": 20_000,
    "perf/pass_tokens_unshared": 11_000,
    "perf/resident_bytes": 9.1e8 + 6e6 * rng.uniform(),
    "perf/peak_bytes": 9.8e8,
  };
  const known = Object.entries(values).filter(([name]) => Object.hasOwn(METRICS, name));
  return { step, ...Object.fromEntries(known) };
}

function responseText(answer: string): string {
  return `<think>I count the red circles row by row: 3 in the first, 2 in the second. Together ${answer}.</think> \\boxed{${answer}}`;
}

function responseRecords(rng: Rng, gold: string): ResponseRecord[] {
  const isCorrect_M_N = [0, 1].map(() => Array.from({ length: 6 }, () => rng.uniform() < 0.6));
  const overall = (isCorrect: boolean) => (isCorrect ? 1 : 0.1);
  const advantages = hierarchicalAdvantages(isCorrect_M_N.map((row) => row.map(overall)));
  return isCorrect_M_N.flatMap((row, j) =>
    row.map((isCorrect, i): ResponseRecord => {
      const isTruncated = !isCorrect && rng.uniform() < 0.2;
      const answer = isCorrect ? gold : String(Number(gold) + 1);
      return {
        j,
        i,
        text: isTruncated ? responseText(answer).slice(0, 60) : responseText(answer),
        tokens: isTruncated ? 96 : rng.integer(30, 60),
        stopReason: isTruncated ? "length" : "eos",
        extracted: isTruncated ? { none: "no \\boxed" } : { text: answer },
        reward: {
          overall: isTruncated ? 0 : overall(isCorrect),
          accuracy: isCorrect ? 1 : 0,
          format: isTruncated ? 0 : 1,
          reason: isCorrect ? "equal as text" : "not equal",
        },
        advantageGlobal: advantages.global_M_N[j]?.[i] ?? 0,
        advantageLocal: advantages.local_M_N[j]?.[i] ?? 0,
      };
    }),
  );
}

async function imageFile(dir: string, rng: Rng): Promise<string> {
  const circle = () =>
    `<circle cx="${rng.integer(20, 180)}" cy="${rng.integer(20, 120)}" r="${rng.integer(8, 18)}" fill="${rng.pick(["#d33", "#36c", "#2a7"])}"/>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="200" height="140"><rect width="200" height="140" fill="white"/>${Array.from({ length: 7 }, circle).join("")}</svg>`;
  const png = await sharp(Buffer.from(svg)).png().toBuffer();
  const name = `images/${sha256(png)}.png`;
  await writeFile(join(dir, name), png);
  return name;
}

export async function rolloutRecord(dir: string, step: number, rng: Rng): Promise<RolloutRecord> {
  const gold = String(rng.integer(2, 8));
  const question = "<image> How many red circles are there?";
  const format = "Think in <think> </think>, then answer in \\boxed{}.";
  const turned = "The image is turned by 90 degrees clockwise; read it as it was before.";
  return {
    step,
    questionId: `scenes-train-${String(step).padStart(6, "0")}`,
    category: rng.pick(FAMILIES),
    question,
    gold,
    variants: [
      {
        index: 0,
        text: `${question} ${format}`,
        transform: "none",
        wording: "original",
        images: [await imageFile(dir, rng)],
      },
      {
        index: 1,
        text: `${turned} <image> Count the circles that are red. ${format}`,
        transform: "rotate_90cw",
        wording: 2,
        images: [await imageFile(dir, rng)],
      },
    ],
    responses: responseRecords(rng, gold),
  };
}

export function evaluationRecord(label: "before" | "after", step: number): EvaluationRecord {
  const share = label === "before" ? 0.42 : 0.66;
  const perCategory = Object.fromEntries(
    FAMILIES.map((name, at) => [name, { total: 70, correct: Math.round(70 * share * (0.7 + 0.12 * at)) }]),
  );
  const correct = Object.values(perCategory).reduce((sum, each) => sum + each.correct, 0);
  return {
    label,
    step,
    total: 420,
    correct,
    formatted: label === "before" ? 391 : 416,
    perCategory,
    seed: 1,
    greedy: true,
  };
}

export function jsonl(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}

/** An empty folder with the settings of a run in it. */
export async function emptyRun(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "sharegrpo-report-"));
  await mkdir(join(dir, "images"));
  await writeFile(join(dir, "config.yaml"), CONFIG);
  return dir;
}

/** The folder of a finished run of `steps` steps, a rollout for every third. */
export async function finishedRun(steps: number, seed = 1): Promise<string> {
  const dir = await emptyRun();
  const rng = Rng.fromSeed(seed);
  const rows = Array.from({ length: steps }, (_, at) => stepRecord(at + 1, steps, rng.split("step", at)));
  await writeFile(join(dir, "metrics.jsonl"), jsonl(rows));
  const rollouts: RolloutRecord[] = [];
  for (let step = 1; step <= steps; step += 3)
    rollouts.push(await rolloutRecord(dir, step, rng.split("rollout", step)));
  await writeFile(join(dir, "rollouts.jsonl"), jsonl(rollouts));
  await writeFile(
    join(dir, "evaluations.jsonl"),
    jsonl([evaluationRecord("before", 0), evaluationRecord("after", steps)]),
  );
  return dir;
}
