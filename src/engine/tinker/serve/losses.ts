/**
 * @module The wire's losses, token by token, in float64: what servers report beside the log-probs.
 *
 *     ρ = exp(log π − logprobs), w = weights (1 unless given), A = advantages
 *     cross_entropy −w·log π · importance_sampling −w·ρ·A · ppo −w·min(ρA, clip(ρ)A) · cispo −w·clip(ρ)·A·log π
 *
 * Source: the losses page of the Tinker documentation; SkyRL `skyrl/tinker/loss_fns.py`.
 */
import type { Datum, WireLoss, WireLossConfig } from "../wire.js";

/** The hosted service's. */
export const DEFAULT_THRESHOLDS = { clip_low_threshold: 0.8, clip_high_threshold: 1.2 } as const;

export interface NamedLoss {
  readonly loss: WireLoss;
  readonly config: WireLossConfig;
}

/** A token as the losses see it. */
interface Token {
  readonly logProb: number;
  readonly old: number;
  readonly advantage: number;
}

function lossOf({ logProb, old, advantage }: Token, { loss, config }: NamedLoss): number {
  if (loss === "cross_entropy") return -logProb;
  const ratio = Math.exp(logProb - old);
  if (loss === "importance_sampling") return -ratio * advantage;
  const { clip_low_threshold: low, clip_high_threshold: high } = { ...DEFAULT_THRESHOLDS, ...config };
  const clipped = Math.min(Math.max(ratio, low), high);
  return loss === "ppo" ? -Math.min(ratio * advantage, clipped * advantage) : -clipped * advantage * logProb;
}

/** ∂ℓ/∂log π of the same. */
function slopeOf({ logProb, old, advantage }: Token, { loss, config }: NamedLoss): number {
  if (loss === "cross_entropy") return -1;
  const ratio = Math.exp(logProb - old);
  if (loss === "importance_sampling") return -ratio * advantage;
  const { clip_low_threshold: low, clip_high_threshold: high } = { ...DEFAULT_THRESHOLDS, ...config };
  const clipped = Math.min(Math.max(ratio, low), high);
  if (loss === "cispo") return -clipped * advantage;
  return ratio * advantage <= clipped * advantage ? -ratio * advantage : 0;
}

function overTokens(
  { loss_fn_inputs }: Datum,
  logProbs_T: Float32Array,
  named: NamedLoss,
  each: (token: Token, named: NamedLoss) => number,
): Float32Array {
  const { weights, logprobs, advantages } = loss_fn_inputs;
  return logProbs_T.map((logProb, t) => {
    const weight = weights?.data[t] ?? 1;
    const token = { logProb, old: logprobs?.data[t] ?? logProb, advantage: advantages?.data[t] ?? 0 };
    return weight === 0 ? 0 : weight * each(token, named);
  });
}

/** `[T]` w·ℓ of every target token. @param logProbs_T `[T]`, log π of them */
export function elementwiseLosses(datum: Datum, logProbs_T: Float32Array, named: NamedLoss): Float32Array {
  return overTokens(datum, logProbs_T, named, lossOf);
}

/** `[T]` w·∂ℓ/∂log π of every target token. */
export function elementwiseSlopes(datum: Datum, logProbs_T: Float32Array, named: NamedLoss): Float32Array {
  return overTokens(datum, logProbs_T, named, slopeOf);
}
