/**
 * @module The policy under training: compiled old log-probs, gradients of micro-batches that add up, and AdamW, all on
 * parameters that change in place.
 */
import { valueAndGrad } from "../compile/grad.js";
import { jit } from "../compile/jit.js";
import { type NdArray, type Params, scalar, zeros } from "../core/ndarray.js";
import { type Tensor, tf } from "../core/tf.js";
import type { Model } from "../model/load.js";
import type { Sampler } from "../model/qwen25vl/decode.js";
import { type PackedUnits, packUnits, sizesOf, tokenBias, type Unit } from "../model/qwen25vl/pack.js";
import { ADAMW_DEFAULTS, type AdamWStep, adamwHostStep, keepIfFinite, update } from "../optim/adamw.js";
import { clipByGlobalNorm } from "../optim/clip.js";
import { responseLogProbs } from "./forward.js";
import { POLICY_LOSS_DEFAULTS, type PolicyLossStats, policyLoss } from "./loss.js";
import type { UpdateUnit } from "./units.js";

type TensorParams = Readonly<Record<string, Tensor>>;

export interface LearnerOptions {
  readonly temperature: number;
  readonly clipLow: number;
  readonly clipHigh: number;
  readonly dualClip: number;
  readonly weightDecay: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly maxGradNorm: number;
  /** Prompts in one graph. */
  readonly microBatchUnits: number;
}

/** What one optimizer step did. Shares are of response tokens. */
export interface UpdateStats {
  readonly loss: number;
  readonly clipShareLow: number;
  readonly clipShareHigh: number;
  /** mean of old − new log-prob, nats */
  readonly klApprox: number;
  /** −mean log-prob of the sampled tokens, nats: a one-sample estimate of the entropy */
  readonly entropy: number;
  /** largest |π/π_old − 1| over response tokens */
  readonly ratioDeviation: number;
  readonly gradNorm: number;
  /** false: the gradient was not finite and nothing was changed */
  readonly isApplied: boolean;
}

export interface Learner {
  readonly params: Params;
  readonly first: Params;
  readonly second: Params;
  /** log π of every response token under its prompt: `[unit][r][t]`. */
  logProbs(units: readonly Unit[]): Promise<Float32Array[][]>;
  /** One optimizer step on a mini-batch; `step` counts optimizer steps from 1. */
  update(
    units: readonly UpdateUnit[],
    step: { readonly learningRate: number; readonly step: number },
  ): Promise<UpdateStats>;
}

/** A packed micro-batch with what the loss needs; `[U, R]` advantages, `[U, R, T]` old log-probs, `[]` token weight. */
interface LossBatch<Array = Tensor> {
  readonly packed: PackedUnits<Array>;
  readonly advantages: Array;
  readonly oldLogProbs: Array;
  readonly scale: Array;
}

/** AdamW's moments by parameter name. */
export interface Moments<Array = Tensor> {
  readonly first: Readonly<Record<string, Array>>;
  readonly second: Readonly<Record<string, Array>>;
}

/** Loss of a micro-batch and its gradients added to those before it. */
function accumulate(model: Model, options: LearnerOptions) {
  const loss = valueAndGrad((params: TensorParams, batch: LossBatch, sampler: Sampler) => {
    const { U, R, T } = sizesOf(batch.packed);
    const rows = (x: Tensor) => tf.reshape(x, [U * R, -1]);
    const { loss, stats } = policyLoss(
      {
        logProbs: rows(responseLogProbs(params, model.config, batch.packed, sampler)),
        oldLogProbs: tf.reshape(batch.oldLogProbs, [U * R, T]),
        advantages: rows(batch.advantages),
        mask: rows(batch.packed.responseMask),
        scale: batch.scale,
      },
      { ...POLICY_LOSS_DEFAULTS, ...options },
    );
    return { loss, aux: { ...stats } };
  });
  return (params: TensorParams, sums: TensorParams, batch: LossBatch, sampler: Sampler) => {
    const { loss: value, aux, grads } = loss(params, batch, sampler);
    const added = Object.entries(sums).map(([name, sum]) => [name, tf.add(sum, grads[name] as Tensor)]);
    return [Object.fromEntries(added) as TensorParams, { loss: value, ...aux }] as const;
  };
}

/** Clip, AdamW, and nothing at all when the gradient is not finite. */
function apply(options: LearnerOptions) {
  const adamw = { ...ADAMW_DEFAULTS, ...options };
  return (params: TensorParams, moments: Moments, sums: TensorParams, step: AdamWStep) => {
    const { grads, norm, finite } = clipByGlobalNorm(sums, options.maxGradNorm);
    const next = update(params, grads, moments, { ...step, options: adamw });
    const keep = (after: TensorParams, before: TensorParams) => keepIfFinite(finite, after, before);
    return [
      keep(next.params, params),
      { first: keep(next.state.first, moments.first), second: keep(next.state.second, moments.second) },
      { norm, finite },
    ] as const;
  };
}

/** Zeros in the shapes of `params`. */
export function zerosLike(params: Params): Params {
  return Object.fromEntries(Object.entries(params).map(([name, { shape }]) => [name, zeros(shape)]));
}

/** Units in chunks of like length, so that little of a graph is padding; longest responses first, each with its place. */
function chunksByLength<U extends Unit>(units: readonly U[], size: number): { at: number; unit: U }[][] {
  const lengths = units.map(({ prompt, responses }, at) => ({
    at,
    response: Math.max(...responses.map(({ length }) => length)),
    prompt: prompt.tokens.length,
  }));
  lengths.sort((a, b) => b.response - a.response || b.prompt - a.prompt || a.at - b.at);
  const sorted = lengths.map(({ at }) => ({ at, unit: units[at] as U }));
  return Array.from({ length: Math.ceil(units.length / size) }, (_, chunk) =>
    sorted.slice(chunk * size, (chunk + 1) * size),
  );
}

/** Host numbers of a micro-batch's loss. */
function lossBatch(
  units: readonly UpdateUnit[],
  packed: PackedUnits<NdArray>,
  scale: number,
): LossBatch<NdArray> {
  const { U, R, T } = sizesOf(packed);
  const advantages = zeros([U, R]);
  const oldLogProbs = zeros([U, R, T]);
  units.forEach((unit, u) => {
    advantages.data.set(unit.advantages, u * R);
    unit.oldLogProbs.forEach((logProbs, r) => {
      oldLogProbs.data.set(logProbs, (u * R + r) * T);
    });
  });
  return { packed, advantages, oldLogProbs, scale: scalar(scale) };
}

const STAT_NAMES = ["tokens", "clippedHigh", "clippedLow", "klSum", "entropySum"] as const;
type Sums = Record<(typeof STAT_NAMES)[number] | "loss" | "maxLogRatio", number>;

/** Adds a micro-batch's sums to those before it. */
function addStats(sums: Sums, stats: Readonly<Record<keyof PolicyLossStats | "loss", NdArray>>): Sums {
  const value = (name: keyof Sums) => stats[name].data[0] as number;
  const added = Object.fromEntries(STAT_NAMES.map((name) => [name, sums[name] + value(name)]));
  return {
    ...(added as Sums),
    loss: sums.loss + value("loss"),
    maxLogRatio: Math.max(sums.maxLogRatio, value("maxLogRatio")),
  };
}

/**
 * Compiles the learner for a model.
 * @param moments AdamW's moments to continue from; default: zeros
 */
export function createLearner(model: Model, options: LearnerOptions, moments?: Moments<NdArray>): Learner {
  const { config, params } = model;
  const sampler = {
    temperature: scalar(options.temperature),
    tokenBias: tokenBias(config, model.processor.size),
  };
  const state = moments ?? { first: zerosLike(params), second: zerosLike(params) };
  const gradients = zerosLike(params);
  const runLogProbs = jit(
    (weights: TensorParams, packed: PackedUnits, host: Sampler) =>
      responseLogProbs(weights, config, packed, host),
    { name: "log-probs" },
  );
  const runAccumulate = jit(accumulate(model, options), { name: "accumulate", donate: { 0: 1 } });
  const runApply = jit(apply(options), { name: "adamw", donate: { 0: 0, 1: 1 } });
  const pack = (units: readonly Unit[]) => packUnits(units, config, { rows: options.microBatchUnits });

  return {
    params,
    ...state,
    async logProbs(units) {
      const perUnit: Float32Array[][] = units.map(() => []);
      for (const chunk of chunksByLength(units, options.microBatchUnits)) {
        const packed = pack(chunk.map(({ unit }) => unit));
        const { R, T } = sizesOf(packed);
        const result = await runLogProbs(params, packed, sampler);
        for (const [u, { at, unit }] of chunk.entries()) {
          perUnit[at] = unit.responses.map((response, r) => {
            const row = (u * R + r) * T;
            return Float32Array.from(result.data.subarray(row, row + response.length));
          });
        }
      }
      return perUnit;
    },
    async update(units, { learningRate, step }) {
      const tokens = units
        .flatMap((unit) => unit.responses)
        .reduce((sum, response) => sum + response.length, 0);
      for (const gradient of Object.values(gradients)) gradient.data.fill(0);
      let sums: Sums = {
        tokens: 0,
        clippedHigh: 0,
        clippedLow: 0,
        klSum: 0,
        entropySum: 0,
        loss: 0,
        maxLogRatio: 0,
      };
      for (const chunk of chunksByLength(units, options.microBatchUnits)) {
        const batch = chunk.map(({ unit }) => unit);
        const [, stats] = await runAccumulate(
          params,
          gradients,
          lossBatch(batch, pack(batch), 1 / tokens),
          sampler,
        );
        sums = addStats(sums, stats);
      }
      const hyper = adamwHostStep(step, learningRate, options);
      const [, , result] = await runApply(params, state, gradients, hyper);
      return {
        loss: sums.loss,
        clipShareLow: sums.clippedLow / tokens,
        clipShareHigh: sums.clippedHigh / tokens,
        klApprox: sums.klSum / tokens,
        entropy: sums.entropySum / tokens,
        ratioDeviation: Math.expm1(sums.maxLogRatio),
        gradNorm: result.norm.data[0] as number,
        isApplied: result.finite.data[0] === 1,
      };
    },
  };
}
