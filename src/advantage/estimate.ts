/**
 * @module From the scores of a rollout step to advantages, by the estimator that the settings name.
 *
 * Share-GRPO compares a response with all of its question and with those of its own variant (Eqs. 5–7). The baselines
 * compare within one group and have one term, kept as the local one: a response is then read under its own prompt only.
 */

import type { Algorithm } from "../config/schema.js";
import { regroup } from "../core/regroup.js";
import {
  drGrpoAdvantages,
  passAtKAdvantages,
  reinforcePlusPlusAdvantages,
  rlooAdvantages,
} from "./others.js";
import {
  type HierarchicalAdvantages,
  type HierarchicalOptions,
  hierarchicalAdvantages,
} from "./shareGrpo.js";

export interface EstimatorOptions extends HierarchicalOptions {
  readonly algorithm: Algorithm;
}

/** Whether responses are also read under the other variants' prompts. */
export function sharesResponses(algorithm: Algorithm): boolean {
  return algorithm === "share-grpo";
}

type Scores_M_N = readonly (readonly number[])[];

/** Advantages with a local term only. */
function localOnly(local_M_N: readonly (readonly number[])[]): HierarchicalAdvantages {
  return { global_M_N: local_M_N.map((local_N) => local_N.map(() => 0)), local_M_N };
}

/** REINFORCE++ compares all responses of the step, so the list is cut up again. */
function wholeBatch(
  scores_Q_M_N: readonly Scores_M_N[],
  tokens_Q_M_N: readonly Scores_M_N[],
): HierarchicalAdvantages[] {
  const flat = reinforcePlusPlusAdvantages(scores_Q_M_N.flat(2), tokens_Q_M_N.flat(2));
  const local_QM_N = regroup(flat, scores_Q_M_N.flat());
  return regroup(local_QM_N, scores_Q_M_N).map(localOnly);
}

/**
 * Advantages of every question of a step.
 * @param scores_Q_M_N what is compared: rewards, with penalties taken off
 * @param tokens_Q_M_N response lengths; read by `reinforce++` alone
 * @throws ShapeError when variants of a question have different numbers of responses
 * @throws DataError when a score is not finite
 */
export function estimateAdvantages(
  scores_Q_M_N: readonly Scores_M_N[],
  tokens_Q_M_N: readonly Scores_M_N[],
  options: EstimatorOptions,
): HierarchicalAdvantages[] {
  const perVariant = (estimate: (scores_N: readonly number[]) => number[]) =>
    scores_Q_M_N.map((scores_M_N) => localOnly(scores_M_N.map(estimate)));
  switch (options.algorithm) {
    case "share-grpo":
      return scores_Q_M_N.map((scores_M_N) => hierarchicalAdvantages(scores_M_N, options));
    case "grpo":
      return scores_Q_M_N.map((scores_M_N) =>
        hierarchicalAdvantages(scores_M_N, { ...options, terms: "local" }),
      );
    case "dr-grpo":
      return perVariant(drGrpoAdvantages);
    case "rloo":
      return perVariant(rlooAdvantages);
    case "grpo-passk":
      return perVariant((scores_N) => passAtKAdvantages(scores_N, options.epsilon));
    case "reinforce++":
      return wholeBatch(scores_Q_M_N, tokens_Q_M_N);
  }
}
