/**
 * @module Shares every response with every variant: m·n responses read under m prompts are m·m·n pairs (Eq. 8).
 *
 * Row order: prompt k slowest, then source j, then rollout i; row = (k·m + j)·n + i.
 */
import { advantageOf, type HierarchicalAdvantages } from "../advantage/shareGrpo.js";
import { ShapeError } from "../core/errors.js";
import type { Pair } from "../records.js";

export interface ShareOptions {
  /** Whether responses are also read under the other variants' prompts; false: own-variant pairs only (GRPO). */
  readonly share: boolean;
  /** Weight of cross pairs' advantages; 1 is Eq. 8. */
  readonly crossWeight: number;
}

export const SHARE_DEFAULTS: ShareOptions = { share: true, crossWeight: 1 };

/**
 * The pairs of one question.
 * @param responses_M_N the question's responses; only their number is used
 * @param advantages of the same responses
 * @throws ShapeError when the two do not have the same shape
 */
export function sharePairs(
  responses_M_N: readonly (readonly unknown[])[],
  advantages: HierarchicalAdvantages,
  options: Partial<ShareOptions> = {},
): Pair[] {
  const { share, crossWeight } = { ...SHARE_DEFAULTS, ...options };
  const sizes = responses_M_N.map((responses_N) => responses_N.length);
  const advantageSizes = advantages.global_M_N.map((advantages_N) => advantages_N.length);
  if (sizes.join() !== advantageSizes.join()) {
    throw new ShapeError(
      `sharePairs: expected advantages for [${sizes}] responses per variant, got [${advantageSizes}]`,
    );
  }
  return responses_M_N.flatMap((_, k) =>
    responses_M_N.flatMap((responses_N, j) => {
      if (!share && j !== k) return [];
      const weight = j === k ? 1 : crossWeight;
      return responses_N.map((_, i) => ({
        j,
        k,
        i,
        advantage: weight * advantageOf(advantages, { j, k, i }),
      }));
    }),
  );
}
