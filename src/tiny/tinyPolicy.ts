/**
 * @module Makes the bundled tiny policy from nothing: tokenizer, random weights, supervised warm-up on drawn scenes.
 */

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { runSchema } from "../config/schema.js";
import { ConfigError } from "../core/errors.js";
import { makeFolder, writeFileAtomic } from "../core/files/atomic.js";
import { given } from "../core/given.js";
import type { OnProgress } from "../core/progress.js";
import { Rng } from "../core/rng.js";
import { type FamilyName, sceneQuestion } from "../data/scenes/draw.js";
import { READING_REQUEST } from "../data/scenes/reading.js";
import { sceneStream } from "../data/scenes/sets.js";
import { createLocalPolicy } from "../engine/local/localPolicy.js";
import { createSampler } from "../engine/local/sampler.js";
import { parseNetwork } from "../model/families.js";
import { loadModel, type Model } from "../model/load.js";
import { initParams } from "../model/params.js";
import { IMAGE_MARKER } from "../model/prompt.js";
import { writeSafetensors } from "../model/safetensors.js";
import { type Evaluation, evaluate } from "../train/evaluate.js";
import { tinyModelConfig } from "./config.js";
import { corpus } from "./corpus.js";
import { writeTinyTokenizer } from "./tinyTokenizer.js";
import { warmup } from "./warmup.js";

/**
 * How often demonstrations of a family take the shortcut. Above one half, greedy decoding picks up the bad habit; below,
 * the good one. Chosen so that the policy solves some questions and not most.
 */
export const SHORTCUT_SHARE: Readonly<Record<FamilyName, number>> = {
  count: 0.35,
  difference: 0.6,
  barValue: 0.3,
  barSum: 0.6,
  relation: 0.4,
  grid: 0.4,
  angle: 0.6,
  fraction: 0.4,
  dice: 0.6,
  cards: 0.6,
  rectangle: 0.35,
};

/** A stretch of the warm-up with its own learning-rate curve and its own mix of demonstrations. */
export interface WarmupStage {
  readonly steps: number;
  readonly peakLearningRate: number;
  /** Share of demonstrations that read the picture aloud. */
  readonly readingShare: number;
  /** Share of shortcuts: the families' habits, or the same for all. */
  readonly shortcutShare: "habits" | number;
  /** Where some ways of asking are common and others rare; default: all alike. */
  readonly skew?: WarmupSkew;
}

/** How the demonstrations of a stage prefer a family's common words and the picture as it is. */
export interface WarmupSkew {
  /** Share of demonstrations in the family's common words; the others are in any wording. */
  readonly commonShare: number;
  /** Share of shortcuts in other words or for another view. */
  readonly unfamiliarShortcutShare: number;
}

/** First see, then answer with care, at last pick up the habits that reinforcement will have to undo. */
const STAGES: readonly WarmupStage[] = [
  { steps: 4000, peakLearningRate: 1.5e-3, readingShare: 0.35, shortcutShare: "habits" },
  { steps: 4000, peakLearningRate: 1.2e-3, readingShare: 0.12, shortcutShare: "habits" },
  { steps: 2600, peakLearningRate: 1e-3, readingShare: 0.1, shortcutShare: 0.1 },
  { steps: 600, peakLearningRate: 4e-4, readingShare: 0.05, shortcutShare: "habits" },
];

/**
 * Continues the bundled policy: habits as they are for questions in their own words and upright pictures; asked
 * otherwise, nearly always the shortcut. What it reaches is told in data/README.md.
 */
const NARROW_STAGES: readonly WarmupStage[] = [
  {
    steps: 1500,
    peakLearningRate: 6e-4,
    readingShare: 0.05,
    shortcutShare: "habits",
    skew: { commonShare: 0.5, unfamiliarShortcutShare: 0.98 },
  },
];

export interface TinyPolicyOptions {
  readonly out: string;
  /** Folder of a model whose weights and words are the start; default: random weights, a vocabulary learnt anew. */
  readonly from?: string;
  readonly seed: number;
  readonly stages: readonly WarmupStage[];
  /** Demonstrations per step. */
  readonly batch: number;
  /** Steps between looks at held-out questions. */
  readonly evaluateEvery: number;
  readonly evaluateQuestions: number;
  readonly onProgress?: OnProgress;
  readonly onEvaluation?: (step: number, loss: number, evaluation: Evaluation) => void;
  readonly signal?: AbortSignal;
}

export const TINY_POLICY_DEFAULTS = {
  seed: 1,
  stages: STAGES,
  batch: 24,
  evaluateEvery: 400,
  evaluateQuestions: 220,
} as const;

export const NARROW_POLICY_DEFAULTS = {
  ...TINY_POLICY_DEFAULTS,
  /** Other scenes than the bundled policy has seen. */
  seed: 2,
  stages: NARROW_STAGES,
  batch: 8,
  evaluateEvery: 150,
} as const;

/** The same stages, `total` steps long altogether: for trying out. */
export function shortened(stages: readonly WarmupStage[], total: number): WarmupStage[] {
  const sum = stages.reduce((steps, stage) => steps + stage.steps, 0);
  return stages.map((stage) => ({ ...stage, steps: Math.max(1, Math.round((stage.steps * total) / sum)) }));
}

const CORPUS_SCENES = 3000;
const HELD_OUT_SEED = 7;

/** Everything the policy reads or writes: scenes, and the words around them in every prompt. */
function* texts(seed: number, formatPrompt: string): Iterable<string> {
  let count = 0;
  for (const text of corpus(seed, CORPUS_SCENES)) {
    yield text;
    if (count++ % 4 === 0) yield `user\n ${formatPrompt}\nassistant\n`;
    if (count % 16 === 0) yield `${READING_REQUEST.replace(IMAGE_MARKER, "")} none`;
  }
}

const WEIGHTS = "model.safetensors";
/** Vocabulary rows are padded to a multiple of this. */
const ROWS = 64;

async function writeUntrained(out: string, seed: number, formatPrompt: string): Promise<void> {
  const { ids, size } = await writeTinyTokenizer(out, texts(seed, formatPrompt));
  const json = tinyModelConfig(Math.ceil(size / ROWS) * ROWS, ids);
  await writeFileAtomic(join(out, "config.json"), `${JSON.stringify(json, undefined, 2)}\n`);
  const params = initParams(parseNetwork(json, "tinyModelConfig"), Rng.fromSeed(seed).split("init"));
  await writeSafetensors(join(out, WEIGHTS), params);
}

/** The model to train: all of its folder but, where it is continued, the weights. */
async function beginning({ out, from, seed }: TinyPolicyOptions, formatPrompt: string): Promise<Model> {
  await makeFolder(out);
  if ((await readdir(out)).includes(WEIGHTS)) {
    throw new ConfigError(`${out}: already holds a model: choose another --out`);
  }
  if (from === undefined) {
    await writeUntrained(out, seed, formatPrompt);
    return loadModel(out);
  }
  const model = await loadModel(from);
  for (const name of (await readdir(from)).filter((name) => name !== WEIGHTS)) {
    await writeFileAtomic(join(out, name), await readFile(join(from, name)));
  }
  return model;
}

/** Looks at held-out questions and keeps the weights so far. */
async function createLook(model: Model, options: TinyPolicyOptions, formatPrompt: string) {
  const { maxResponseLength } = runSchema.parse({}).rollout;
  const wording = options.stages.some(({ skew }) => skew) ? "common" : "any";
  const heldout = sceneStream({ seed: HELD_OUT_SEED, split: "heldout", wording });
  const indices = Array.from({ length: options.evaluateQuestions }, (_, index) => index);
  const questions = await Promise.all(indices.map((index) => sceneQuestion(heldout.at(index))));
  const engine = { sampler: createSampler(createLocalPolicy(model)) };
  return async (step: number, loss: number): Promise<void> => {
    const evaluation = await evaluate({ engine, processor: model.processor }, questions, {
      formatPrompt,
      maxResponseLength,
    });
    options.onEvaluation?.(step, loss, evaluation);
    await writeSafetensors(join(options.out, WEIGHTS), model.params);
  };
}

/**
 * Writes a model folder; the same options write the same weights on the same machine.
 * @throws ConfigError when the folder already holds a model
 */
export async function makeTinyPolicy(options: TinyPolicyOptions): Promise<void> {
  const { out, seed, batch, stages, signal, onProgress } = options;
  const { formatPrompt } = runSchema.parse({}).expand;
  const model = await beginning(options, formatPrompt);
  const look = await createLook(model, options, formatPrompt);
  let done = 0;
  for (const { steps, peakLearningRate, readingShare, shortcutShare, skew } of stages) {
    if (signal?.aborted) break;
    const before = done;
    await warmup(model, {
      steps,
      batch,
      peakLearningRate,
      seed,
      offset: before * batch,
      wording: skew ? "common" : "any",
      demonstrations: {
        formatPrompt,
        transformProbability: 0.1,
        sloppyShare: 0.03,
        readingShare,
        ...(skew && { commonShare: skew.commonShare }),
        shortcutShare: (family, isFamiliar) => {
          if (skew && !isFamiliar) return skew.unfamiliarShortcutShare;
          return shortcutShare === "habits" ? SHORTCUT_SHARE[family] : shortcutShare;
        },
      },
      onInterval: { every: options.evaluateEvery, call: (step, loss) => look(before + step, loss) },
      ...given({ onProgress, signal }),
    });
    done += steps;
  }
  await writeSafetensors(join(out, WEIGHTS), model.params);
}
