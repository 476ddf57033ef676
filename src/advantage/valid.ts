/**
 * @module Valid-advantage ratios: what share of groups still teaches something. The paper plots one (Fig. 1b)
 * without a formula; these are the readings of it, all higher-is-better shares in [0, 1].
 *
 * For independent responses with success rate p, P(valid) = 1 − p^N − (1 − p)^N grows with the group size N by
 * itself: compare methods only at equal N = m·n.
 */
import type { Pair } from "../records.js";
import { range } from "./group.js";

/** Rewards that differ by less are equal, for counting. */
const EQUAL_WITHIN = 1e-6;

/** What the ratios need of a response. */
export interface RewardParts {
  readonly overall: number;
  readonly accuracy: number;
}

export interface ValidRatios {
  /** Share of questions whose pooled m·n rewards are not all equal (VAR_question). */
  readonly question: number;
  /** Share of (question, variant) groups of n that are not constant: what GRPO on the same variants would see. */
  readonly local: number;
  /** As `question`, on accuracy alone: a difference in format is not an answer learnt. */
  readonly accuracy: number;
  /** As `local`, on accuracy alone. */
  readonly accuracyLocal: number;
  /** 1 − `local`, under TRL's name `frac_reward_zero_std`: lower is better. */
  readonly fracRewardZeroStd: number;
}

function shareOf<T>(items: readonly T[], holds: (item: T) => boolean): number {
  return items.length === 0 ? Number.NaN : items.filter(holds).length / items.length;
}

function differs(values: readonly number[]): boolean {
  return range(values) > EQUAL_WITHIN;
}

/**
 * Shares of groups that teach: whose rewards are not all equal, pooled over variants and within each.
 * @param rewards_Q_M_N `rewards_Q_M_N[q][j][i]`
 * @returns shares; NaN for no questions
 */
export function validAdvantageRatios(
  rewards_Q_M_N: readonly (readonly (readonly RewardParts[])[])[],
): ValidRatios {
  const pooled = rewards_Q_M_N.map((rewards_M_N) => rewards_M_N.flat());
  const groups = rewards_Q_M_N.flat();
  const local = shareOf(groups, (group) => differs(group.map((reward) => reward.overall)));
  return {
    question: shareOf(pooled, (group) => differs(group.map((reward) => reward.overall))),
    local,
    accuracy: shareOf(pooled, (group) => differs(group.map((reward) => reward.accuracy))),
    accuracyLocal: shareOf(groups, (group) => differs(group.map((reward) => reward.accuracy))),
    fracRewardZeroStd: 1 - local,
  };
}

/** Share of pairs whose advantage is not 0 (VAR_row); NaN for no pairs. */
export function validRowRatio(pairs: readonly Pick<Pair, "advantage">[]): number {
  return shareOf(pairs, (pair) => Math.abs(pair.advantage) > EQUAL_WITHIN);
}
