/**
 * @module From a question's pairs to what the learner reads: one unit per prompt, with the responses to be read under
 * it, their advantages, and what the old policy thought of them.
 */
import { invariant } from "../core/errors.js";
import type { Prompt } from "../model/prompt.js";
import type { Unit } from "../model/transformer/pack.js";
import type { QuestionGroup } from "../records.js";

/** A prompt, the responses read under it, and their advantages; R responses. */
export interface AdvantageUnit extends Unit {
  /** [R] */
  readonly advantages: readonly number[];
  /** [R]: which responses were cut off at the length limit; none unless given. */
  readonly isTruncated?: readonly boolean[];
}

/** An advantage unit with `oldLogProbs[r][t]`, log π_old of every response token under this prompt. */
export interface UpdateUnit extends AdvantageUnit {
  readonly oldLogProbs: readonly Float32Array[];
  /** The same of the reference policy; where the loss has a KL term. */
  readonly referenceLogProbs?: readonly Float32Array[];
  /** `importance[r][t]`, factor on the advantage of each token; 1 unless given. */
  readonly importance?: readonly ArrayLike<number>[];
}

/**
 * The pairs of a question, gathered by the prompt they are read under (k), in the order of `group.pairs`.
 * @param prompts_M the variants' prompts
 */
export function unitsOf(group: QuestionGroup, prompts_M: readonly Prompt[]): AdvantageUnit[] {
  invariant(prompts_M.length === group.variants.length, "unitsOf: one prompt per variant");
  return prompts_M.map((prompt, k) => {
    const pairs = group.pairs.filter((pair) => pair.k === k);
    const rollouts = pairs.map(({ j, i }) => {
      const response = group.responses[j]?.[i];
      invariant(response, `unitsOf: no response ${j}, ${i}`);
      return response.rollout;
    });
    return {
      prompt,
      responses: rollouts.map(({ tokens }) => tokens),
      advantages: pairs.map((pair) => pair.advantage),
      isTruncated: rollouts.map(({ stopReason }) => stopReason === "length"),
    };
  });
}

/** The same pairs, one unit each: what shared prefixes save. Used as the oracle and in speed comparisons. */
export function naiveUnits<U extends UpdateUnit>(units: readonly U[]): UpdateUnit[] {
  return units.flatMap((unit) =>
    unit.responses.map((response, r) => ({
      prompt: unit.prompt,
      responses: [response],
      advantages: [unit.advantages[r] as number],
      oldLogProbs: [unit.oldLogProbs[r] as Float32Array],
    })),
  );
}
