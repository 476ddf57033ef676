/**
 * @module Makes the bundled tiny policy from nothing: tokenizer, random weights, supervised warm-up on drawn scenes.
 */
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { runSchema } from "../config/schema.js";
import { tinyModelConfig } from "../config/tiny.js";
import { writeFileAtomic } from "../core/atomic.js";
import { ConfigError } from "../core/errors.js";
import type { OnProgress } from "../core/progress.js";
import { Rng } from "../core/rng.js";
import { type FamilyName, sceneQuestion } from "../data/scenes/draw.js";
import { READING_REQUEST } from "../data/scenes/reading.js";
import { sceneStream } from "../data/scenes/sets.js";
import { corpus } from "../expand/corpus.js";
import { loadModel } from "../model/load.js";
import { parseModelConfig } from "../model/qwen25vl/config.js";
import { initParams } from "../model/qwen25vl/params.js";
import { writeSafetensors } from "../model/safetensors.js";
import { writeTinyTokenizer } from "../model/tinyTokenizer.js";
import { generate } from "../rollout/generate.js";
import { createLocalPolicy } from "../rollout/localPolicy.js";
import type { PlainRolloutRequest } from "./engine.js";
import { type Evaluation, evaluate } from "./evaluate.js";
import { warmup } from "./warmup.js";

/**
 * How often demonstrations of a family take the shortcut. Above one half, greedy decoding picks up the bad habit; below,
 * the good one. Chosen so that the policy solves some questions and not most.
 */
export const SHORTCUT_SHARE: Readonly<Record<FamilyName, number>> = {
  count: 0.35,
  difference: 0.6,
  barValue: 0.35,
  barSum: 0.6,
  relation: 0.4,
  grid: 0.4,
  angle: 0.6,
  fraction: 0.6,
  dice: 0.6,
  cards: 0.6,
  rectangle: 0.6,
};

export interface TinyPolicyOptions {
  readonly out: string;
  readonly seed: number;
  readonly steps: number;
  readonly batch: number;
  readonly peakLearningRate: number;
  /** Steps between looks at held-out questions. */
  readonly evaluateEvery: number;
  readonly evaluateQuestions: number;
  readonly onProgress?: OnProgress;
  readonly onEvaluation?: (step: number, loss: number, evaluation: Evaluation) => void;
  readonly signal?: AbortSignal;
}

export const TINY_POLICY_DEFAULTS = {
  seed: 1,
  steps: 4000,
  batch: 24,
  peakLearningRate: 1.5e-3,
  evaluateEvery: 400,
  evaluateQuestions: 220,
} as const;

const CORPUS_SCENES = 3000;
const HELD_OUT_SEED = 7;

/** Everything the policy reads or writes: scenes, and the words around them in every prompt. */
function* texts(seed: number, formatPrompt: string): Iterable<string> {
  let count = 0;
  for (const text of corpus(seed, CORPUS_SCENES)) {
    yield text;
    if (count++ % 4 === 0) yield `user\n ${formatPrompt}\nassistant\n`;
    if (count % 16 === 0) yield `${READING_REQUEST.replace("<image>", "")} none`;
  }
}

/** Vocabulary rows are padded to a multiple of this. */
const ROWS = 64;

async function writeUntrained(out: string, seed: number, formatPrompt: string): Promise<void> {
  await mkdir(out, { recursive: true });
  if ((await readdir(out)).includes("model.safetensors")) {
    throw new ConfigError(`${out}: already holds a model: choose another --out`);
  }
  const { ids, size } = await writeTinyTokenizer(out, texts(seed, formatPrompt));
  const json = tinyModelConfig(Math.ceil(size / ROWS) * ROWS, ids);
  await writeFileAtomic(join(out, "config.json"), `${JSON.stringify(json, undefined, 2)}\n`);
  const params = initParams(parseModelConfig(json, "tinyModelConfig"), Rng.fromSeed(seed).split("init"));
  await writeSafetensors(join(out, "model.safetensors"), params);
}

/**
 * Writes a model folder; the same options write the same weights on the same machine.
 * @throws ConfigError when the folder already holds a model
 */
export async function makeTinyPolicy(options: TinyPolicyOptions): Promise<void> {
  const { out, seed } = options;
  const { expand, rollout } = runSchema.parse({});
  const { formatPrompt } = expand;
  await writeUntrained(out, seed, formatPrompt);
  const model = await loadModel(out);
  const heldout = sceneStream({ seed: HELD_OUT_SEED, split: "heldout" });
  const indices = Array.from({ length: options.evaluateQuestions }, (_, index) => index);
  const questions = await Promise.all(indices.map((index) => sceneQuestion(heldout.at(index))));
  const local = createLocalPolicy(model);
  const policy = {
    engine: { generate: (request: PlainRolloutRequest) => generate(local, request) },
    processor: model.processor,
  };
  const look = async (step: number, loss: number) => {
    const limits = { formatPrompt, maxResponseLength: rollout.maxResponseLength };
    options.onEvaluation?.(step, loss, await evaluate(policy, questions, limits));
    await writeSafetensors(join(out, "model.safetensors"), model.params);
  };
  await warmup(model, {
    steps: options.steps,
    batch: options.batch,
    peakLearningRate: options.peakLearningRate,
    seed,
    offset: 0,
    demonstrations: {
      formatPrompt,
      transformProbability: 0.1,
      sloppyShare: 0.03,
      readingShare: 0.35,
      shortcutShare: (family) => SHORTCUT_SHARE[family],
    },
    onInterval: { every: options.evaluateEvery, call: look },
    ...(options.onProgress ? { onProgress: options.onProgress } : {}),
    ...(options.signal ? { signal: options.signal } : {}),
  });
  await writeSafetensors(join(out, "model.safetensors"), model.params);
}
