/**
 * @module Supervised warm-up of a tiny policy from scratch: next-token loss on the responses of drawn demonstrations.
 */
import { valueAndGrad } from "../compile/grad.js";
import { jit } from "../compile/jit.js";
import type { OwnWording } from "../config/data.js";
import { type NdArray, type Params, scalar, zerosLike } from "../core/ndarray.js";
import type { OnProgress } from "../core/progress.js";
import { Rng } from "../core/rng.js";
import { type TensorParams, tf } from "../core/tf.js";
import { sceneStream } from "../data/scenes/sets.js";
import { responseLogProbs } from "../engine/local/forward.js";
import { createPromptReader } from "../engine/local/promptReader.js";
import type { Model } from "../model/load.js";
import type { PatchedPrompt } from "../model/patchPrompt.js";
import { buildPrompt } from "../model/prompt.js";
import type { Sampler } from "../model/transformer/decode.js";
import { type PackedUnits, packUnits, tokenBias, type Unit } from "../model/transformer/pack.js";
import {
  ADAMW_DEFAULTS,
  type AdamWState,
  type AdamWStep,
  adamwHostStep,
  decaysMatrices,
  keepIfFinite,
  update,
} from "../optim/adamw.js";
import { clipByGlobalNorm } from "../optim/clip.js";
import { type DemonstrationOptions, demonstration } from "./demonstrations.js";

export interface WarmupOptions {
  readonly steps: number;
  /** Demonstrations per step. */
  readonly batch: number;
  /** Peak of a linear rise over the first 4 % and a cosine fall to a twentieth. */
  readonly peakLearningRate: number;
  readonly seed: number;
  /** First demonstration of the stream: a continued warm-up does not see the same ones again. */
  readonly offset: number;
  /** What the scenes are asked in. */
  readonly wording: OwnWording;
  readonly demonstrations: DemonstrationOptions;
  readonly onProgress?: OnProgress;
  /** Called every `every` steps with the mean loss since the last call. */
  readonly onInterval?: { readonly every: number; call(step: number, loss: number): Promise<void> };
  readonly signal?: AbortSignal;
}

const ADAMW = { ...ADAMW_DEFAULTS, beta2: 0.98, weightDecay: 0.02, decays: decaysMatrices };

/**
 * The patch embedding sums 1,176 pixels that rise and fall together, and AdamW moves every weight by the learning rate:
 * at the rate of the other layers its output would be thrown about. Its steps are this much shorter.
 */
const PATCH_EMBEDDING_RATE = 0.3;

/** Takes a share of a step: the parameters of a layer with a learning rate of its own. */
function shortened(next: TensorParams, before: TensorParams): TensorParams {
  const name = "visual.patch_embed.proj.weight";
  const [to, from] = [next[name], before[name]];
  if (!to || !from) return next;
  return { ...next, [name]: tf.add(from, tf.mul(tf.sub(to, from), PATCH_EMBEDDING_RATE)) };
}

/** Loss, gradient, clip and AdamW in one graph. */
export function trainStepFor(model: Model) {
  const loss = valueAndGrad((params: TensorParams, batch: PackedUnits, sampler: Sampler) => {
    const logProbs = responseLogProbs(params, model, batch, { sampler });
    const total = tf.neg(tf.sum(tf.mul(logProbs, batch.responseMask)));
    return { loss: tf.div(total, tf.sum(batch.responseMask)) };
  });
  return (params: TensorParams, moments: AdamWState, batch: PackedUnits, ...rest: [Sampler, AdamWStep]) => {
    const [sampler, step] = rest;
    const { loss: value, grads } = loss(params, batch, sampler);
    const clipped = clipByGlobalNorm(grads, 1);
    const next = update(params, clipped.grads, moments, { ...step, options: ADAMW });
    const keep = (after: TensorParams, before: TensorParams) => keepIfFinite(clipped.finite, after, before);
    return [
      keep(shortened(next.params, params), params),
      { first: keep(next.state.first, moments.first), second: keep(next.state.second, moments.second) },
      value,
    ] as const;
  };
}

/** Linear rise, then cosine fall to 1/20. */
export function warmupLearningRate(step: number, steps: number, peak: number): number {
  const rise = Math.max(1, Math.round(0.04 * steps));
  if (step < rise) return (peak * (step + 1)) / rise;
  const progress = (step - rise) / Math.max(1, steps - rise);
  return peak * (0.05 + 0.95 * 0.5 * (1 + Math.cos(Math.PI * progress)));
}

/** Nearly every batch of demonstrations fits these sizes, so that a few graphs serve the whole warm-up. */
const BUCKETS = { minPromptLength: 96, minResponseLength: 64, minPatches: 96 };

/**
 * Trains `model.params` in place.
 * @returns the loss of every step, nats per response token
 */
export async function warmup(model: Model, options: WarmupOptions): Promise<number[]> {
  const { config, params, processor } = model;
  const stream = sceneStream({ seed: options.seed, split: "train", wording: options.wording });
  const rng = Rng.fromSeed(options.seed).split("warmup");
  const eos = config.tokens.eos[0] as number;
  const readPrompts = createPromptReader(processor, 0);
  const unit = async (index: number): Promise<Unit> => {
    const shown = await demonstration(stream.at(index), rng.split(index), options.demonstrations);
    const built = await buildPrompt(processor, shown, `warm-up demonstration ${index}`);
    const [prompt] = (await readPrompts([built])) as [PatchedPrompt];
    return { prompt, responses: [[...processor.encode(shown.response), eos]] };
  };
  const batchAt = async (step: number): Promise<PackedUnits<NdArray>> => {
    const first = options.offset + step * options.batch;
    const units = await Promise.all(Array.from({ length: options.batch }, (_, at) => unit(first + at)));
    return packUnits(units, model, BUCKETS);
  };
  const run = jit(trainStepFor(model), { name: "warmup", donate: { 0: 0, 1: 1 } });
  const sampler = { temperature: scalar(1), tokenBias: tokenBias(config, processor.size) };
  const moments: AdamWState<NdArray> = { first: zerosLike(params), second: zerosLike(params) };
  const losses: number[] = [];
  let upcoming = batchAt(0);
  for (let step = 0; step < options.steps && !options.signal?.aborted; step++) {
    const batch = await upcoming;
    upcoming = batchAt(step + 1);
    const rate = warmupLearningRate(step, options.steps, options.peakLearningRate);
    const hyper = adamwHostStep(step + 1, rate, ADAMW);
    const [, , loss] = await run(params as Params, moments, batch, sampler, hyper);
    losses.push(loss.data[0] as number);
    options.onProgress?.({
      phase: "warm-up",
      done: step + 1,
      total: options.steps,
      note: `loss ${losses.at(-1)?.toFixed(3)}`,
    });
    const { onInterval } = options;
    if (onInterval && (step + 1) % onInterval.every === 0) {
      const recent = losses.slice(-onInterval.every);
      await onInterval.call(step + 1, recent.reduce((sum, each) => sum + each, 0) / recent.length);
    }
  }
  await upcoming;
  return losses;
}
