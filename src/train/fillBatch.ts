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

export interface FilledBatch<Group> {
  readonly groups_Q: readonly Group[];
  /** Questions asked for this step, those put aside included. */
  readonly questionsAsked: number;
  /** Questions that passed; the batch holds at most as many as it was given. */
  readonly questionsPassed: number;
  /** Said to the person when the bound was hit. */
  readonly notes: readonly string[];
}

/** The bound was hit: how far it came, why, and what may help. */
function explain(
  needed: number,
  { questionsAsked, questionsPassed }: { readonly questionsAsked: number; readonly questionsPassed: number },
  aside: readonly Rewarded[],
  filter: Filter,
): string {
  const means = aside.map((group) => mean(rewardsOf(group, filter.key)));
  const high = means.filter((centre) => centre > 0.5).length;
  return (
    `rollout.filter: ${questionsPassed} of ${questionsAsked} questions passed, ${needed} are needed; ` +
    `of those put aside ${high} have a mean ${filter.key} above 0.5 and ${means.length - high} below. The batch is filled ` +
    "with questions put aside. Ask easier or harder questions, raise rollout.responses or rollout.temperature, or raise " +
    "rollout.filter.maxTries"
  );
}

/**
 * Keeps the groups that pass and samples further questions until the batch is full or the bound is hit.
 * @param first the batch as it was given; its length is the batch's size
 * @param more samples as many further questions; without it the batch is made of what there is
 */
export async function fillBatch<Group extends Rewarded>(
  first: readonly Group[],
  filter: Filter,
  more?: (count: number) => Promise<readonly Group[]>,
): Promise<FilledBatch<Group>> {
  const size = first.length;
  const passed: Group[] = [];
  const aside: Group[] = [];
  const sort = (groups: readonly Group[]) => {
    for (const group of groups) (passesFilter(group, filter) ? passed : aside).push(group);
  };
  sort(first);
  for (let tries = 1; passed.length < size && tries < filter.maxTries && more; tries++) {
    sort(await more(size));
  }
  const filled = { questionsAsked: passed.length + aside.length, questionsPassed: passed.length };
  const notes = passed.length < size ? [explain(size, filled, aside, filter)] : [];
  return { groups_Q: [...passed, ...aside.toReversed()].slice(0, size), ...filled, notes };
}
