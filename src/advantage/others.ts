/**
 * @module Other estimators of advantage, for baselines: one group of rewards in, one advantage per response out.
 */
import { DataError } from "../core/errors.js";
import { mean } from "../core/stats.js";
import { zip } from "../core/zip.js";
import { DEGENERATE_RANGE, groupStd, range, requireFinite } from "./group.js";

/** Dr. GRPO: A = r − mean, without division by the standard deviation (Liu et al., 2025, Eq. 3). */
export function drGrpoAdvantages(rewards_N: readonly number[]): number[] {
  requireFinite("drGrpoAdvantages", rewards_N);
  if (range(rewards_N) < DEGENERATE_RANGE) return rewards_N.map(() => 0);
  const centre = mean(rewards_N);
  return rewards_N.map((reward) => reward - centre);
}

/** RLOO: A_i = r_i − mean of the other rewards = n/(n−1)·(r_i − mean) (Ahmadian et al., 2024). One reward gives 0. */
export function rlooAdvantages(rewards_N: readonly number[]): number[] {
  const n = rewards_N.length;
  return drGrpoAdvantages(rewards_N).map((centred) => (n === 1 ? 0 : (n / (n - 1)) * centred));
}

/**
 * REINFORCE++: rewards whitened over the whole batch, each counted once per token (Hu, 2025).
 * A = (r − μ) / √(σ² + 1e-8), with σ² the sample variance over tokens.
 * @param tokens_N response lengths: a long response weighs more in mean and variance
 */
export function reinforcePlusPlusAdvantages(
  rewards_N: readonly number[],
  tokens_N: readonly number[],
): number[] {
  requireFinite("reinforcePlusPlusAdvantages", rewards_N);
  const weighted = zip(rewards_N, tokens_N);
  const total = tokens_N.reduce((sum, tokens) => sum + tokens, 0);
  if (range(rewards_N) < DEGENERATE_RANGE) return rewards_N.map(() => 0);
  if (tokens_N.some((tokens) => !(tokens > 0))) {
    throw new DataError("reinforcePlusPlusAdvantages: invalid length: every response has at least one token");
  }
  const centre = weighted.reduce((sum, [reward, tokens]) => sum + reward * tokens, 0) / total;
  const squares = weighted.reduce((sum, [reward, tokens]) => sum + tokens * (reward - centre) ** 2, 0);
  const spread = Math.sqrt(squares / (total - 1) + 1e-8);
  return rewards_N.map((reward) => (reward - centre) / spread);
}

/**
 * GRPO for pass@k: only the best response counts, by its lead over the second best; A = (best − second) / (std + ε).
 * Ties give 0 to all, also between the best. Source: EasyR1 `compute_grpo_passk_outcome_advantage`.
 */
export function passAtKAdvantages(rewards_N: readonly number[], epsilon = 1e-6): number[] {
  requireFinite("passAtKAdvantages", rewards_N);
  const [best = 0, second = best] = [...rewards_N].sort((a, b) => b - a);
  if (best - second < DEGENERATE_RANGE) return rewards_N.map(() => 0);
  const lead = (best - second) / (groupStd(rewards_N, "sample") + epsilon);
  return rewards_N.map((reward) => (reward === best ? lead : 0));
}
