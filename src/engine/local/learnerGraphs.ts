/**
 * @module The two graphs of a learner: log-probabilities, and gradients that add up over micro-batches.
 */
import { valueAndGrad } from "../../compile/grad.js";
import { jit } from "../../compile/jit.js";
import type { RuntimeOptions } from "../../compile/runtime/session.js";
import { type Tensor, type TensorParams, tf } from "../../core/tf.js";
import type { Model } from "../../model/load.js";
import type { Sampler } from "../../model/transformer/decode.js";
import type { PackedUnits } from "../../model/transformer/pack.js";
import { responseLogProbs, tokenNumbers } from "./forward.js";
import type { LossBatch } from "./lossBatch.js";
import { type KlForm, type LossForm, tokenLoss } from "./tokenLoss.js";

/** What a loss reads beside the parameters and the batch. */
interface Fixed {
  readonly sampler: Sampler;
  /** Parameters that are not trained, where some are not. */
  readonly frozen?: TensorParams;
  /** The reference policy, where KL to it is summed over the vocabulary. */
  readonly reference?: TensorParams;
}

/** How a learner's graphs are made. */
export interface GraphOptions {
  readonly runtime?: RuntimeOptions;
  /** Scores of response tokens that are held at once; default: rowChunks.ts. */
  readonly heldScores?: number | undefined;
}

/** The loss of a micro-batch, sums over its tokens, and their log-probabilities. */
function totalLoss(model: Model, form: LossForm, klForm: KlForm, heldScores: number | undefined) {
  const ofTokens = tokenLoss(form, klForm);
  const hasEntropies = form.entropyCoefficient > 0;
  return (trained: TensorParams, batch: LossBatch, { sampler, frozen, reference }: Fixed) => {
    const wanted = { sampler, hasEntropies, heldScores, reference: batch.kl && reference };
    const found = tokenNumbers({ ...frozen, ...trained }, model, batch.packed, wanted);
    const { loss, aux } = ofTokens(found, batch);
    return { loss, aux: { sums: aux, logProbs: found.logProbs } };
  };
}

/**
 * Loss of a micro-batch and its gradients added to those before it, which change in place:
 * `(trained, sums, batch, fixed) → [sums, { sums over tokens, log-probs }]`.
 */
export function accumulateGraph(
  model: Model,
  { kl, ...form }: LossForm & { readonly kl: KlForm },
  { runtime = {}, heldScores }: GraphOptions = {},
) {
  const loss = valueAndGrad(totalLoss(model, form, kl, heldScores));
  const accumulate = (trained: TensorParams, sums: TensorParams, batch: LossBatch, fixed: Fixed) => {
    const { aux, grads } = loss(trained, batch, fixed);
    const added = Object.entries(sums).map(([name, sum]) => [name, tf.add(sum, grads[name] as Tensor)]);
    return [Object.fromEntries(added) as TensorParams, aux] as const;
  };
  return jit(accumulate, { name: "accumulate", donate: { 0: 1 }, runtime });
}

/** `(weights, packed, sampler) → [U, R, T]` log-probs of a packed batch. */
export function logProbsGraph(model: Model, { runtime = {}, heldScores }: GraphOptions = {}) {
  return jit(
    (weights: TensorParams, packed: PackedUnits, sampler: Sampler) =>
      responseLogProbs(weights, model, packed, { sampler, heldScores }),
    { name: "log-probs", runtime },
  );
}
