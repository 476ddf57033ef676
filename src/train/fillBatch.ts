/**
 * @module Dynamic sampling (DAPO, Yu et al., 2025, Eq. 11) and online filtering (EasyR1): questions that teach nothing
 * are put aside and others asked in their place, up to a bound.
 *
 * Departure: where the bound is hit, the step goes on with what it has, filled up with questions put aside, and says so;
 * EasyR1 ends the run.
 */
import type { RunConfig } from "../config/schema.js";
import { mean } from "../core/stats.js";
import type { Reward } from "../records.js";
import { type SampledGroup, sampleGroups } from "./sampleGroups.js";
import type { StepContext } from "./step.js";

export type Filter = RunConfig["rollout"]["filter"];

/** Rewards that differ by less are equal. */
const EQUAL_WITHIN = 1e-6;

type Rewarded = { readonly responses: readonly (readonly { readonly reward: Reward }[])[] };

function rewardsOf({ responses }: Rewarded, key: Filter["key"]): number[] {
  return responses.flat().map(({ reward }) => reward[key]);
}

/** Whether a question is trained on: its pooled m·n rewards differ, or their mean lies between the bounds. */
export function passesFilter(group: Rewarded, filter: Filter): boolean {
  if (filter.kind === "off") return true;
  const rewards = rewardsOf(group, filter.key);
  if (filter.kind === "valid") return Math.max(...rewards) - Math.min(...rewards) > EQUAL_WITHIN;
  const centre = mean(rewards);
  return centre > filter.low && centre < filter.high;
}

export interface FilledBatch {
  readonly groups_Q: readonly SampledGroup[];
  /** Questions asked for this step, those put aside included. */
  readonly questionsAsked: number;
  /** Questions that passed; the batch holds at most as many as it was given. */
  readonly questionsPassed: number;
  /** Said to the person when the bound was hit. */
  readonly notes: readonly string[];
}

/** The bound was hit: how far it came, why, and what may help. */
function explain(
  batch: number,
  filled: Omit<FilledBatch, "notes">,
  aside: readonly SampledGroup[],
  filter: Filter,
) {
  const means = aside.map((group) => mean(rewardsOf(group, filter.key)));
  const high = means.filter((centre) => centre > 0.5).length;
  const { questionsPassed, questionsAsked } = filled;
  return (
    `rollout.filter: ${questionsPassed} of ${questionsAsked} questions passed, ${batch} are needed; ` +
    `of those put aside ${high} have a mean ${filter.key} above 0.5 and ${means.length - high} below. The batch is filled ` +
    "with questions put aside. Ask easier or harder questions, raise rollout.responses or rollout.temperature, or raise " +
    "rollout.filter.maxTries"
  );
}

/**
 * Keeps the groups that pass and samples further questions until the batch is full or the bound is hit.
 * @param first the batch as it was given; its length is the batch's size
 */
export async function fillBatch(first: readonly SampledGroup[], context: StepContext): Promise<FilledBatch> {
  const { filter } = context.config.rollout;
  const size = first.length;
  const passed: SampledGroup[] = [];
  const aside: SampledGroup[] = [];
  const sort = (groups: readonly SampledGroup[]) => {
    for (const group of groups) (passesFilter(group, filter) ? passed : aside).push(group);
  };
  sort(first);
  const { moreQuestions } = context;
  for (let tries = 1; passed.length < size && tries < filter.maxTries && moreQuestions; tries++) {
    sort(await sampleGroups(await moreQuestions(size), context));
  }
  const groups_Q = [...passed, ...aside.toReversed()].slice(0, size);
  const filled = {
    groups_Q,
    questionsAsked: passed.length + aside.length,
    questionsPassed: passed.length,
  };
  const notes = passed.length < size ? [explain(size, filled, aside, filter)] : [];
  return { ...filled, notes };
}
