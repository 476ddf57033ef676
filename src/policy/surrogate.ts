/**
 * @module The surrogate loss that the settings name, with the sums that describe it: one door to loss.ts and
 * otherLosses.ts.
 */
import { type Tensor, tf } from "../core/tf.js";
import {
  countWhere,
  POLICY_LOSS_DEFAULTS,
  type PolicyLossInputs,
  type PolicyLossStats,
  policyLoss,
  tokenStats,
} from "./loss.js";
import {
  type ClipRange,
  cispoLoss,
  GSPO_DEFAULTS,
  gspoLoss,
  gspoTokenLoss,
  logRatioOf,
  meanLogRatio,
  SAPO_DEFAULTS,
  sapoLoss,
} from "./otherLosses.js";

/** Which surrogate loss, and its clips; the settings `update`. */
export interface SurrogateOptions extends ClipRange {
  readonly loss: "clip" | "gspo" | "gspo-token" | "cispo" | "sapo";
  /** Loss `clip`: one ratio per token, or per response as in Eq. 8. */
  readonly ratio: "token" | "response";
  /** Loss `clip`: c of the dual clip; null: none. */
  readonly dualClip: number | null;
  /** Bound on |log π − log π_old|; null: none. */
  readonly maxLogRatio: number | null;
  readonly gspoClipLow: number;
  readonly gspoClipHigh: number;
  readonly sapoTauPositive: number;
  readonly sapoTauNegative: number;
}

/** The released code's clip; the other losses as their authors have them. */
export const SURROGATE_DEFAULTS: SurrogateOptions = {
  ...POLICY_LOSS_DEFAULTS,
  loss: "clip",
  gspoClipLow: GSPO_DEFAULTS.clipLow,
  gspoClipHigh: GSPO_DEFAULTS.clipHigh,
  sapoTauPositive: SAPO_DEFAULTS.tauPositive,
  sapoTauNegative: SAPO_DEFAULTS.tauNegative,
};

export interface Surrogate {
  readonly loss: Tensor;
  readonly stats: PolicyLossStats;
}

/** Tokens whose ratio the range cuts, on the side where that removes gradient or weight. */
function countOutside(logRatio: Tensor, { clipLow, clipHigh }: ClipRange, inputs: PolicyLossInputs): Tensor {
  const isAbove = tf.cast(tf.greater(logRatio, Math.log(1 + clipHigh)), "float32");
  const isBelow = tf.cast(tf.less(logRatio, Math.log(1 - clipLow)), "float32");
  return countWhere(tf.greater(tf.add(isAbove, isBelow), 0.5), inputs.mask);
}

/**
 * Loss of a (micro-)batch of pairs. Gradients flow through `logProbs` only.
 *
 * `clippedHigh` counts, for `gspo`, `gspo-token` and `cispo`, tokens whose ratio is outside the range; `sapo` clips nothing.
 */
export function surrogateLoss(inputs: PolicyLossInputs, options: SurrogateOptions): Surrogate {
  if (options.loss === "clip") {
    const infinite = Number.POSITIVE_INFINITY;
    const { dualClip, maxLogRatio, ...rest } = options;
    return policyLoss(inputs, {
      ...rest,
      dualClip: dualClip ?? infinite,
      maxLogRatio: maxLogRatio ?? infinite,
    });
  }
  const { loss, clipped } = otherLoss(inputs, options);
  return { loss, stats: { ...tokenStats(inputs), clippedHigh: clipped, clippedLow: tf.scalar(0) } };
}

function otherLoss(
  inputs: PolicyLossInputs,
  options: SurrogateOptions,
): { readonly loss: Tensor; readonly clipped: Tensor } {
  if (options.loss === "gspo" || options.loss === "gspo-token") {
    const range = { clipLow: options.gspoClipLow, clipHigh: options.gspoClipHigh };
    const ratio_P_T = tf.mul(tf.onesLike(inputs.mask), meanLogRatio(inputs));
    const loss = options.loss === "gspo" ? gspoLoss(inputs, range) : gspoTokenLoss(inputs, range);
    return { loss, clipped: countOutside(ratio_P_T, range, inputs) };
  }
  if (options.loss === "cispo") {
    return { loss: cispoLoss(inputs, options), clipped: countOutside(logRatioOf(inputs), options, inputs) };
  }
  const { sapoTauPositive: tauPositive, sapoTauNegative: tauNegative } = options;
  return { loss: sapoLoss(inputs, { tauPositive, tauNegative }), clipped: tf.scalar(0) };
}
