/**
 * @module Other surrogate losses, for baselines, over the same inputs as `policyLoss`. All sums are Σ ℓ·mask·scale, and
 * gradients flow through `logProbs` only. δ = log π − log π_old, clamped to ±20; ratio = e^δ.
 */
import { dims } from "../core/dims.js";
import { type Tensor, tf } from "../core/tf.js";
import { POLICY_LOSS_DEFAULTS, type PolicyLossInputs } from "./loss.js";
import { stopGradient } from "./stopGradient.js";

/** δ of each token, 0 where masked. */
export function logRatioOf({ logProbs, oldLogProbs, mask }: PolicyLossInputs): Tensor {
  const { P, T } = dims("loss: logProbs", logProbs, "P T");
  dims("loss: oldLogProbs", oldLogProbs, "P T", { P, T });
  dims("loss: mask", mask, "P T", { P, T });
  const bound = POLICY_LOSS_DEFAULTS.maxLogRatio;
  return tf.clipByValue(tf.mul(tf.sub(logProbs, oldLogProbs), mask), -bound, bound);
}

function weightedSum(perToken: Tensor, { mask, scale }: PolicyLossInputs): Tensor {
  return tf.sum(tf.mul(tf.mul(perToken, mask), scale));
}

/** How far the ratio may leave 1 before it is clipped. */
export interface ClipRange {
  readonly clipLow: number;
  readonly clipHigh: number;
}

/** GSPO's own range: a response's ratio is a geometric mean over tokens and moves far less than a token's. */
export const GSPO_DEFAULTS: ClipRange = { clipLow: 3e-4, clipHigh: 4e-4 };

/**
 * GSPO (Zheng et al., 2025, Eqs. 5–7): one ratio per response, s = exp(mean over its tokens of δ);
 * ℓ = max(−A·s, −A·clip(s, 1 − ε_low, 1 + ε_high)).
 * @param inputs `advantages` `[P, 1]`, or `[P, T]` equal along a row
 */
export function gspoLoss(inputs: PolicyLossInputs, options: ClipRange = GSPO_DEFAULTS): Tensor {
  return weightedSum(clippedOnce(meanLogRatio(inputs), inputs, options), inputs);
}

/**
 * GSPO-token (the same, Eqs. 13–14): each token has its response's ratio s as value and its own slope,
 * s_t = stop(s)·π/stop(π), so that tokens of one response may have advantages of their own. Where they are equal, value
 * and gradient are GSPO's.
 */
export function gspoTokenLoss(inputs: PolicyLossInputs, options: ClipRange = GSPO_DEFAULTS): Tensor {
  const { logProbs } = inputs;
  const ownSlope = tf.sub(logProbs, stopGradient(logProbs));
  return weightedSum(
    clippedOnce(tf.add(stopGradient(meanLogRatio(inputs)), ownSlope), inputs, options),
    inputs,
  );
}

/** max(−A·ratio, −A·clip(ratio)). */
function clippedOnce(logRatio: Tensor, { advantages }: PolicyLossInputs, range: ClipRange): Tensor {
  const bounded = tf.clipByValue(logRatio, Math.log(1 - range.clipLow), Math.log(1 + range.clipHigh));
  const penalty = tf.neg(advantages);
  return tf.maximum(tf.mul(penalty, tf.exp(logRatio)), tf.mul(penalty, tf.exp(bounded)));
}

/** `[P, 1]`: mean of δ over a response's tokens, the logarithm of GSPO's ratio. */
export function meanLogRatio(inputs: PolicyLossInputs): Tensor {
  const tokens_P_1 = tf.maximum(tf.sum(inputs.mask, 1, true), 1);
  return tf.div(tf.sum(logRatioOf(inputs), 1, true), tokens_P_1);
}

/**
 * CISPO (MiniMax, 2025, Eq. 4): the clipped ratio weighs REINFORCE and carries no gradient itself, so that no token is
 * dropped; ℓ = −stop(clip(ratio, 1 − ε_low, 1 + ε_high))·A·log π.
 */
export function cispoLoss(inputs: PolicyLossInputs, options: ClipRange = POLICY_LOSS_DEFAULTS): Tensor {
  const bounded = tf.clipByValue(
    logRatioOf(inputs),
    Math.log(1 - options.clipLow),
    Math.log(1 + options.clipHigh),
  );
  const weight = stopGradient(tf.exp(bounded));
  return weightedSum(tf.neg(tf.mul(tf.mul(weight, inputs.advantages), inputs.logProbs)), inputs);
}

/** τ of the sigmoid gate, by the sign of the advantage. */
export interface SapoOptions {
  readonly tauPositive: number;
  readonly tauNegative: number;
}

export const SAPO_DEFAULTS: SapoOptions = { tauPositive: 1, tauNegative: 1.05 };

/**
 * SAPO (Gao et al., 2025): a smooth gate instead of a clip; ℓ = −A·(4/τ)·σ(τ·(ratio − 1)), τ by the sign of A. At
 * ratio 1 its slope is that of −A·ratio.
 */
export function sapoLoss(inputs: PolicyLossInputs, options: SapoOptions = SAPO_DEFAULTS): Tensor {
  const { tauPositive, tauNegative } = options;
  const isPositive = tf.cast(tf.greater(inputs.advantages, 0), "float32");
  const tau = tf.add(tf.mul(isPositive, tauPositive - tauNegative), tauNegative);
  const gate = tf.sigmoid(tf.mul(tau, tf.sub(tf.exp(logRatioOf(inputs)), 1)));
  return weightedSum(tf.neg(tf.mul(tf.div(tf.mul(inputs.advantages, 4), tau), gate)), inputs);
}
