/**
 * @module Group-relative advantages of GRPO (Eq. 1): Âᵢ = (Rᵢ − mean{R}) / std{R}.
 *
 * Departures: 1. the standard deviation is the sample's (divisor n − 1), ε = 1e-6 is added to it, as in the released
 * code; 2. a group of equal rewards, or of one, gets exactly 0.
 */
import { requireFinite, type StdKind, standardise } from "./group.js";

/**
 * GRPO: (r − mean) / (std + ε) within one group.
 * @param rewards_N the rewards of one question's responses
 * @returns one advantage per response
 */
export function grpoAdvantages(
  rewards_N: readonly number[],
  options: { readonly std?: Exclude<StdKind, "duplicated">; readonly epsilon?: number } = {},
): number[] {
  requireFinite("grpoAdvantages", rewards_N);
  return standardise(rewards_N, { std: options.std ?? "sample", epsilon: options.epsilon ?? 1e-6 });
}
