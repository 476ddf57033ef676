/**
 * @module From a question's pairs to what a learner reads: one reading per prompt, with the responses read under it,
 * their advantages, and what the old policy thought of them.
 */
import { invariant } from "../core/errors.js";
import { zip } from "../core/zip.js";
import type { Pair, Prompt, QuestionGroup } from "../records.js";

/** A prompt and the responses read under it; R responses. */
export interface Reading {
  readonly prompt: Prompt;
  /** Tokens of each response. */
  readonly responses_R: readonly ArrayLike<number>[];
}

/** A reading to learn from: what the loss needs beside the tokens. */
export interface Lesson extends Reading {
  readonly advantages_R: readonly number[];
  /**
   * log π_old of every response token under this prompt, nats. Absent: the policy of now is the old one, every ratio is
   * 1, and no gradient flows through its denominator.
   */
  readonly oldLogProbs_R?: readonly Float32Array[];
  /** The same of the reference policy; where the loss estimates a KL term. */
  readonly referenceLogProbs_R?: readonly Float32Array[];
  /** Weight of each response's tokens in the loss, so that micro-batches add up (aggregate.ts). */
  readonly weights_R: readonly number[];
  /** Factor on each token's advantage; 1 unless given. */
  readonly importance_R?: readonly ArrayLike<number>[];
}

/** The pairs (·, ·, k) of one prompt k as a reading, before log-probs are known. */
export interface PairReading extends Reading {
  /** Which pair each response is. */
  readonly pairs_R: readonly Pair[];
  readonly advantages_R: readonly number[];
  /** Which responses were cut off at the length limit. */
  readonly isTruncated_R: readonly boolean[];
}

/**
 * The pairs of a question, gathered by the prompt they are read under (k), in the order of `group.pairs`.
 * @param prompts_M the variants' prompts
 */
export function readingsOf(group: QuestionGroup, prompts_M: readonly Prompt[]): PairReading[] {
  return zip(prompts_M, group.variants).map(([prompt], k) => {
    const pairs_R = group.pairs.filter((pair) => pair.k === k);
    const rollouts = pairs_R.map(({ j, i }) => {
      const response = group.responses[j]?.[i];
      invariant(response, `readingsOf: no response ${j}, ${i}`);
      return response.rollout;
    });
    return {
      prompt,
      pairs_R,
      responses_R: rollouts.map(({ tokens }) => tokens),
      advantages_R: pairs_R.map(({ advantage }) => advantage),
      isTruncated_R: rollouts.map(({ stopReason }) => stopReason === "length"),
    };
  });
}

/** The same pairs, one lesson each: what shared prefixes save. The oracle of tests and of speed comparisons. */
export function naiveLessons(lessons: readonly Lesson[]): Lesson[] {
  return lessons.flatMap(
    ({ prompt, responses_R, advantages_R, oldLogProbs_R, weights_R, referenceLogProbs_R, importance_R }) =>
      responses_R.map((response, r) => ({
        prompt,
        responses_R: [response],
        advantages_R: [advantages_R[r] as number],
        weights_R: [weights_R[r] as number],
        ...(oldLogProbs_R ? { oldLogProbs_R: [oldLogProbs_R[r] as Float32Array] } : {}),
        ...(referenceLogProbs_R ? { referenceLogProbs_R: [referenceLogProbs_R[r] as Float32Array] } : {}),
        ...(importance_R ? { importance_R: [importance_R[r] as ArrayLike<number>] } : {}),
      })),
  );
}
