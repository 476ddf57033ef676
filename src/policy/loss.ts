/**
 * @module The clipped surrogate loss with dual clip, per token, in TensorFlow.js operations that can be traced.
 *
 *     δ = log π − log π_old,   ratio = e^δ
 *     ℓ1 = −A·ratio,   ℓ2 = −A·clip(ratio, 1 − ε_low, 1 + ε_high),   ℓ3 = c·|A|
 *     ℓ = min(max(ℓ1, ℓ2), ℓ3)
 *
 * The cap ℓ3 is meant for A < 0 only; for A ≥ 0, max(ℓ1, ℓ2) ≤ 0 ≤ ℓ3, so one formula serves both signs and no
 * selection by sign is needed. Source: Eq. 8; R1-ShareVL `compute_policy_loss`.
 *
 * Eq. 8 has one ratio per response, Π π/π_old (`ratio: "response"`); the released code one per token (`"token"`).
 *
 * Departures
 * 1. δ is clamped to ±`maxLogRatio` (20): e^δ cannot overflow, so a token far off the old policy has gradient 0, not NaN.
 * 2. The sum is scaled by what the caller says (`scale`), so that micro-batches of one mini-batch add up to its global
 *    token mean; the released code averages the means of micro-batches.
 */
import { dims } from "../core/dims.js";
import { type Tensor, tf } from "../core/tf.js";

export interface PolicyLossOptions {
  /** ε_low: the ratio is clipped below at 1 − ε_low. */
  readonly clipLow: number;
  /** ε_high: the ratio is clipped above at 1 + ε_high. */
  readonly clipHigh: number;
  /** c: for A < 0 a token's loss is at most c·|A|. Infinity turns the cap off. */
  readonly dualClip: number;
  /** Bound on |log π − log π_old|; Infinity: none. */
  readonly maxLogRatio: number;
  /** One ratio per token, or one per response (the product over its tokens). */
  readonly ratio: "token" | "response";
}

/** As the released code, with EasyR1's later bound on the log-ratio. */
export const POLICY_LOSS_DEFAULTS: PolicyLossOptions = {
  clipLow: 0.2,
  clipHigh: 0.3,
  dualClip: 3.0,
  maxLogRatio: 20,
  ratio: "token",
};

export interface PolicyLossInputs {
  /** `[P, T]` f32, log π of each response token; finite everywhere, also where masked. */
  readonly logProbs: Tensor;
  /** `[P, T]` f32, log π_old of the same tokens under the same prompt. */
  readonly oldLogProbs: Tensor;
  /** `[P, T]` f32, or `[P, 1]`: the advantage of the token's pair. */
  readonly advantages: Tensor;
  /** `[P, T]` f32, 1 for a response token, 0 for padding. */
  readonly mask: Tensor;
  /** `[]` or `[P, 1]` f32, weight of a token: 1 / (tokens in the mini-batch), or 1 / (P · tokens of its response). */
  readonly scale: Tensor;
}

/** Sums over tokens (scalars), so that those of micro-batches add up; `maxLogRatio` is a maximum. */
export interface PolicyLossStats {
  readonly tokens: Tensor;
  /** Tokens whose gradient the clip removed (ℓ1 < ℓ2). */
  readonly clippedHigh: Tensor;
  /** Tokens with A < 0 whose loss the dual clip capped. */
  readonly clippedLow: Tensor;
  /** Σ log π_old − log π: one-sample estimate of KL(π_old ‖ π) times tokens. */
  readonly klSum: Tensor;
  /** −Σ log π of the sampled tokens: one-sample estimate of the entropy times tokens. */
  readonly entropySum: Tensor;
  /** max |log π − log π_old| before the clamp. */
  readonly maxLogRatio: Tensor;
}

/** Tokens where `condition` holds, counted with the mask. */
export function countWhere(condition: Tensor, mask: Tensor): Tensor {
  return tf.sum(tf.mul(tf.cast(condition, "float32"), mask));
}

/** Loss of one (micro-)batch of pairs and the sums that describe it. Gradients flow through `logProbs` only. */
export function policyLoss(
  inputs: PolicyLossInputs,
  options: PolicyLossOptions = POLICY_LOSS_DEFAULTS,
): { readonly loss: Tensor; readonly stats: PolicyLossStats } {
  const { logProbs, oldLogProbs, advantages, mask, scale } = inputs;
  const { P, T } = dims("policyLoss: logProbs", logProbs, "P T");
  dims("policyLoss: oldLogProbs", oldLogProbs, "P T", { P, T });
  dims("policyLoss: mask", mask, "P T", { P, T });
  dims("policyLoss: advantages", advantages, "P T", advantages.shape[1] === 1 ? { P } : { P, T });

  const tokenLogRatio = tf.mul(tf.sub(logProbs, oldLogProbs), mask);
  const rawLogRatio = options.ratio === "token" ? tokenLogRatio : rowSums(tokenLogRatio);
  const logRatio = bounded(rawLogRatio, options.maxLogRatio);
  const clippedLogRatio = tf.clipByValue(
    logRatio,
    Math.log(1 - options.clipLow),
    Math.log(1 + options.clipHigh),
  );
  const penalty = tf.neg(advantages);
  const free = tf.mul(penalty, tf.exp(logRatio));
  const clipped = tf.mul(penalty, tf.exp(clippedLogRatio));
  const pessimistic = tf.maximum(free, clipped);
  const cap = tf.mul(tf.abs(advantages), Math.min(options.dualClip, 1e9));
  const capped = tf.minimum(pessimistic, tf.mul(cap, tf.onesLike(mask)));

  return {
    loss: tf.sum(tf.mul(tf.mul(capped, mask), scale)),
    stats: {
      ...tokenStats(inputs),
      clippedHigh: countWhere(tf.less(free, clipped), mask),
      clippedLow: countWhere(tf.greater(pessimistic, cap), mask),
    },
  };
}

/** Each row's sum, in all of its places. */
function rowSums(x: Tensor): Tensor {
  return tf.mul(tf.onesLike(x), tf.sum(x, 1, true));
}

/** δ within ±bound; without a bound as it is. */
function bounded(logRatio: Tensor, bound: number): Tensor {
  return Number.isFinite(bound) ? tf.clipByValue(logRatio, -bound, bound) : logRatio;
}

/** The sums that every surrogate loss has. */
export function tokenStats({
  logProbs,
  oldLogProbs,
  mask,
}: PolicyLossInputs): Omit<PolicyLossStats, "clippedHigh" | "clippedLow"> {
  const logRatio = tf.mul(tf.sub(logProbs, oldLogProbs), mask);
  return {
    tokens: tf.sum(mask),
    klSum: tf.neg(tf.sum(logRatio)),
    entropySum: tf.neg(tf.sum(tf.mul(logProbs, mask))),
    maxLogRatio: tf.max(tf.abs(logRatio)),
  };
}
