/**
 * @module KL(π ‖ π_ref), estimated from sampled tokens or summed over the vocabulary, and what is done with it: added to
 * the loss, or taken off the reward. The released recipe uses none; Eq. 2 (GRPO) has a term, Eq. 8 (Share-GRPO) has not.
 *
 * With d = log π_ref − log π: `kl` −d, `abs` |d|, `mse` d²/2, `low_var_kl` e^d − d − 1 (Schulman's k3) within ±10.
 * `full` is Σ_v π(v)·(log π(v) − log π_ref(v)); its gradient flows through every entry v.
 *
 * Departure: d is clamped to ±20 before the exponential, as in EasyR1 today; the released code does not.
 */
import type { KlEstimator } from "../config/schema.js";
import { dims } from "../core/dims.js";
import { invariant } from "../core/errors.js";
import { type Tensor, tf } from "../core/tf.js";
import { zip } from "../core/zip.js";

export { KL_ESTIMATORS, type KlEstimator, type KlTerm } from "../config/schema.js";

/** Bound on d inside the exponential. */
const LARGEST_DIFFERENCE = 20;
/** Bound on `low_var_kl`. */
const LARGEST_KL = 10;

/**
 * KL estimate per token.
 * @param logProbs `[P, T]` f32, log π; gradients flow through it
 * @param referenceLogProbs `[P, T]` f32, log π_ref
 */
export function klPerToken(logProbs: Tensor, referenceLogProbs: Tensor, estimator: KlEstimator): Tensor {
  const difference = tf.sub(referenceLogProbs, logProbs);
  switch (estimator) {
    case "kl":
      return tf.neg(difference);
    case "abs":
      return tf.abs(difference);
    case "mse":
      return tf.mul(tf.square(difference), 0.5);
    case "low_var_kl": {
      const bounded = tf.clipByValue(difference, -LARGEST_DIFFERENCE, LARGEST_DIFFERENCE);
      const k3 = tf.sub(tf.sub(tf.exp(bounded), bounded), 1);
      return tf.clipByValue(k3, -LARGEST_KL, LARGEST_KL);
    }
  }
}

/**
 * KL of each distribution to its reference, nats.
 * @param logSoftmax `[N, V]` f32, log π of every vocabulary entry; gradients flow through all of it
 * @param reference `[N, V]` f32, log π_ref of the same; no gradient is taken of it
 * @returns `[N]`
 */
export function fullKl(logSoftmax: Tensor, reference: Tensor): Tensor {
  dims("fullKl: reference", reference, "N V", dims("fullKl: logSoftmax", logSoftmax, "N V"));
  return tf.sum(tf.mul(tf.exp(logSoftmax), tf.sub(logSoftmax, reference)), 1);
}

/**
 * The term added to the loss: coefficient · Σ kl·mask·scale.
 * @param scale `[]` or `[P, 1]` f32, weight of a token, as in `policyLoss`
 */
export function klLoss(
  kl: Tensor,
  weights: { readonly mask: Tensor; readonly scale: Tensor; readonly coefficient: Tensor | number },
): Tensor {
  return tf.mul(tf.sum(tf.mul(tf.mul(kl, weights.mask), weights.scale)), weights.coefficient);
}

/** The same estimates for one token, on the host in float64. */
export function klOfToken(logProb: number, referenceLogProb: number, estimator: KlEstimator): number {
  const difference = referenceLogProb - logProb;
  if (estimator === "kl") return -difference;
  if (estimator === "abs") return Math.abs(difference);
  if (estimator === "mse") return 0.5 * difference ** 2;
  const bounded = Math.max(-LARGEST_DIFFERENCE, Math.min(LARGEST_DIFFERENCE, difference));
  return Math.min(LARGEST_KL, Math.exp(bounded) - bounded - 1);
}

/** A response's log-probs under the old and the reference policy, token by token. */
export interface LogProbPair {
  readonly old: ArrayLike<number>;
  readonly reference: ArrayLike<number>;
}

/** Σ over a response's tokens of the KL estimate. */
export function klOfResponse({ old, reference }: LogProbPair, estimator: KlEstimator): number {
  return zip(Array.from(old), Array.from(reference)).reduce(
    (sum, [logProb, referenceLogProb]) => sum + klOfToken(logProb, referenceLogProb, estimator),
    0,
  );
}

/** A response's reward less its KL: r − coefficient · Σ_t kl_t, over its own tokens. */
export function rewardWithKl(
  reward: number,
  logProbs: LogProbPair,
  { coefficient, estimator = "kl" }: { readonly coefficient: number; readonly estimator?: KlEstimator },
): number {
  return reward - coefficient * klOfResponse(logProbs, estimator);
}

/**
 * The next coefficient of the adaptive controller: it grows when KL is above its target (Ziegler et al., 2019).
 * coefficient · (1 + clip(kl/target − 1, ±0.2) · samples / horizon)
 */
export function adaptKlCoefficient(
  coefficient: number,
  measured: { readonly kl: number; readonly samples: number },
  controller: { readonly target: number; readonly horizon: number },
): number {
  invariant(controller.target > 0 && controller.horizon > 0, "KL target and horizon are positive");
  const error = Math.min(0.2, Math.max(-0.2, measured.kl / controller.target - 1));
  return coefficient * (1 + (error * measured.samples) / controller.horizon);
}
