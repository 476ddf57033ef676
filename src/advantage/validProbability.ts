/**
 * @module How likely a group of responses teaches something: the chance that right and wrong answers are both in it.
 *
 * For independent responses, variant j right with probability p_j, n responses each:
 *
 *     P(valid) = 1 − ∏ p_j^n − ∏ (1 − p_j)^n
 *
 * With one variant this is GRPO's group of n; with m of them, Share-GRPO's pooled group of m·n.
 */
import { DataError } from "../core/errors.js";
import type { Rng } from "../core/rng.js";
import { validAdvantageRatios } from "./valid.js";

function requireShares(p_M: readonly number[]): void {
  const at = p_M.findIndex((p) => !(p >= 0 && p <= 1));
  if (at >= 0)
    throw new DataError(`validProbability: invalid success rate: ${p_M[at]} at ${at}; give 0 to 1`);
}

/**
 * Probability that the pooled m·n responses are neither all right nor all wrong.
 * @param p_M success rate of each variant
 * @param n responses per variant
 * @throws DataError for a rate outside 0 … 1
 */
export function validProbability(p_M: readonly number[], n: number): number {
  requireShares(p_M);
  const product = (of: (p: number) => number) => p_M.reduce((all, p) => all * of(p) ** n, 1);
  return 1 - product((p) => p) - product((p) => 1 - p);
}

/** The same share counted over `trials` drawn groups, by the counter that training logs. */
export function simulateValid(
  p_M: readonly number[],
  n: number,
  { trials, rng }: { readonly trials: number; readonly rng: Rng },
): number {
  requireShares(p_M);
  const one = (p: number) => {
    const accuracy = rng.uniform() < p ? 1 : 0;
    return { overall: accuracy, accuracy };
  };
  const rewards_Q_M_N = Array.from({ length: trials }, () =>
    p_M.map((p) => Array.from({ length: n }, () => one(p))),
  );
  return validAdvantageRatios(rewards_Q_M_N).question;
}
