/**
 * @module The three graphs of a learner: log-probabilities, gradients that add up over micro-batches, and AdamW.
 */
import { valueAndGrad } from "../../compile/grad.js";
import { jit } from "../../compile/jit.js";
import type { KlTerm } from "../../config/schema.js";
import { invariant } from "../../core/errors.js";
import { type Tensor, type TensorParams, tf } from "../../core/tf.js";
import type { Model } from "../../model/load.js";
import type { Sampler } from "../../model/transformer/decode.js";
import { type PackedUnits, sizesOf } from "../../model/transformer/pack.js";
import { ADAMW_DEFAULTS, type AdamWStep, keepIfFinite, update } from "../../optim/adamw.js";
import { clipByGlobalNorm } from "../../optim/clip.js";
import { fullKl, klLoss, klPerToken } from "../../policy/kl.js";
import { surrogateLoss } from "../../policy/surrogate.js";
import type { LossSettings, OptimizerStep } from "../engine.js";
import { responseLogProbs, responseLogSoftmax, sampledLogProbs, tokenEntropies } from "./forward.js";
import type { LossBatch } from "./lossBatch.js";

/** AdamW's moments by parameter name. */
export interface Moments<Array = Tensor> {
  readonly first: Readonly<Record<string, Array>>;
  readonly second: Readonly<Record<string, Array>>;
}

/** The KL term of a loss; what it is multiplied by is an input. */
export type KlForm = KlTerm | "none";

/** What is compiled into a loss. */
export type LossForm = Omit<LossSettings, "kl" | "temperature">;

/** What a loss reads beside the parameters and the batch. */
interface Fixed {
  readonly sampler: Sampler;
  /** The reference policy, where KL to it is summed over the vocabulary. */
  readonly reference?: TensorParams;
}

const masked = (x: Tensor, mask: Tensor): Tensor => tf.sum(tf.mul(x, mask));

/** The KL term from sampled tokens. */
function estimatedKl(logProbs: Tensor, referenceLogProbs: Tensor | undefined, form: KlForm): Tensor {
  invariant(form !== "full", "KL full: the loss reads the reference policy");
  invariant(form !== "none" && referenceLogProbs, "KL: every lesson has the reference policy's log-probs");
  return klPerToken(logProbs, referenceLogProbs, form);
}

/**
 * Surrogate + β·KL − c·entropy of a micro-batch; the last two only where asked for.
 * @returns the loss, and sums over tokens to be added up over micro-batches
 */
function totalLoss(model: Model, { entropyCoefficient, ...options }: LossForm, klForm: KlForm) {
  return (params: TensorParams, batch: LossBatch, { sampler, reference }: Fixed) => {
    const { U, R, T } = sizesOf(batch.packed);
    const rows = (x: Tensor) => tf.reshape(x, [U * R, -1]);
    const tokens = (x: Tensor) => tf.reshape(x, [U * R, T]);
    const logSoftmax = responseLogSoftmax(params, model, batch.packed, sampler);
    const logProbs = rows(sampledLogProbs(logSoftmax, batch.packed));
    const mask = rows(batch.packed.responseMask);
    const scale = rows(batch.scale);
    const surrogate = surrogateLoss(
      { logProbs, oldLogProbs: tokens(batch.oldLogProbs), advantages: rows(batch.advantages), mask, scale },
      options,
    );
    let { loss } = surrogate;
    const aux: Record<string, Tensor> = { ...surrogate.stats, loss };
    if (batch.kl) {
      const { referenceLogProbs } = batch.kl;
      const kl = reference
        ? tokens(fullKl(logSoftmax, responseLogSoftmax(reference, model, batch.packed, sampler)))
        : estimatedKl(logProbs, referenceLogProbs && tokens(referenceLogProbs), klForm);
      loss = tf.add(loss, klLoss(kl, { mask, scale, coefficient: batch.kl.coefficient }));
      aux["referenceKlSum"] = masked(kl, mask);
    }
    if (entropyCoefficient > 0) {
      const entropies = rows(tokenEntropies(logSoftmax, batch.packed));
      const bonus = tf.sum(tf.mul(tf.mul(entropies, mask), scale));
      loss = tf.sub(loss, tf.mul(bonus, entropyCoefficient));
      aux["fullEntropySum"] = masked(entropies, mask);
    }
    return { loss, aux };
  };
}

/**
 * Loss of a micro-batch and its gradients added to those before it, which change in place:
 * `(params, sums, batch, fixed) → [sums, stats]`.
 */
export function accumulateGraph(model: Model, form: LossForm, klForm: KlForm) {
  const loss = valueAndGrad(totalLoss(model, form, klForm));
  const accumulate = (params: TensorParams, sums: TensorParams, batch: LossBatch, fixed: Fixed) => {
    const { aux, grads } = loss(params, batch, fixed);
    const added = Object.entries(sums).map(([name, sum]) => [name, tf.add(sum, grads[name] as Tensor)]);
    return [Object.fromEntries(added) as TensorParams, aux] as const;
  };
  return jit(accumulate, { name: "accumulate", donate: { 0: 1 } });
}

/** Clip, AdamW in place, and nothing at all when the gradient is not finite. */
export function applyGraph({ maxGradNorm, ...options }: Omit<OptimizerStep, "step" | "learningRate">) {
  const adamw = { ...ADAMW_DEFAULTS, ...options };
  const apply = (params: TensorParams, moments: Moments, sums: TensorParams, step: AdamWStep) => {
    const { grads, norm, finite } = clipByGlobalNorm(sums, maxGradNorm);
    const next = update(params, grads, moments, { ...step, options: adamw });
    const keep = (after: TensorParams, before: TensorParams) => keepIfFinite(finite, after, before);
    return [
      keep(next.params, params),
      { first: keep(next.state.first, moments.first), second: keep(next.state.second, moments.second) },
      { norm, finite },
    ] as const;
  };
  return jit(apply, { name: "adamw", donate: { 0: 0, 1: 1 } });
}

/** `(weights, packed, sampler) → [U, R, T]` log-probs of a packed batch. */
export function logProbsGraph(model: Model) {
  return jit(
    (weights: TensorParams, packed: PackedUnits, sampler: Sampler) =>
      responseLogProbs(weights, model, packed, sampler),
    { name: "log-probs" },
  );
}
