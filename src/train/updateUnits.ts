/**
 * @module What an update reads beside tokens and advantages: log-probabilities of the old and the reference policy, and
 * importance weights of cross pairs.
 */
import { invariant } from "../core/errors.js";
import { zip } from "../core/zip.js";
import { crossTokenWeights } from "../policy/crossWeight.js";
import type { AdvantageUnit, UpdateUnit } from "../policy/units.js";
import type { Pair, QuestionGroup } from "../records.js";
import type { StepContext } from "./step.js";

/** A question with its units, one per prompt k. */
type GroupUnits = readonly [QuestionGroup, readonly AdvantageUnit[]];

/** Every pair of a step with its log-probs: `[r][t]` under prompt k, cut from the flat list of units. */
function* pairsWithLogProbs(
  groups: readonly GroupUnits[],
  logProbs_U: readonly (readonly Float32Array[])[],
): Generator<{ readonly group: QuestionGroup; readonly pairs_K: readonly PairLogProbs[][] }> {
  let first = 0;
  for (const [group, units_K] of groups) {
    const pairs_K = units_K.map((_, k) =>
      zip(
        group.pairs.filter((pair) => pair.k === k),
        logProbs_U[first + k] ?? [],
      ).map(([pair, logProbs]) => ({ pair, logProbs })),
    );
    yield { group, pairs_K };
    first += units_K.length;
  }
}

interface PairLogProbs {
  readonly pair: Pair;
  readonly logProbs: Float32Array;
}

/** Importance weights of a question's pairs: 1 for own ones, min(cap, π_old(k) / π_old(j)) for cross ones. */
function importanceOf(pairs_K: readonly PairLogProbs[][], cap: number): number[][][] {
  return pairs_K.map((pairs) =>
    pairs.map(({ pair, logProbs }) => {
      const own = pairs_K[pair.j]?.find((other) => other.pair.j === pair.j && other.pair.i === pair.i);
      invariant(own, `importanceOf: response ${pair.j}, ${pair.i} has no pair of its own`);
      return crossTokenWeights(
        { underPrompt: Array.from(logProbs), underOwn: Array.from(own.logProbs) },
        cap,
      );
    }),
  );
}

type LogProbContext = Pick<StepContext, "config" | "stopwatch"> & {
  readonly engine: Pick<StepContext["engine"], "referenceLogProbs">;
};

/**
 * Units ready for the update, in the order of `old`.
 * @param old log π_old of every response token, `[unit][r][t]`
 */
export async function withLogProbs(
  groups: readonly GroupUnits[],
  old: readonly Float32Array[][],
  { config, engine, stopwatch }: LogProbContext,
): Promise<UpdateUnit[]> {
  const units = groups.flatMap(([, units_K]) => units_K);
  const isEstimated = config.kl.use === "loss" && config.kl.estimator !== "full";
  const reference = isEstimated && (await stopwatch.time("reference", () => engine.referenceLogProbs(units)));
  const cap = config.advantage.crossImportanceCap;
  const importance =
    cap !== null && [...pairsWithLogProbs(groups, old)].flatMap(({ pairs_K }) => importanceOf(pairs_K, cap));
  return zip(units, old).map(([unit, oldLogProbs], u) => ({
    ...unit,
    oldLogProbs,
    ...(reference ? { referenceLogProbs: reference[u] ?? [] } : {}),
    ...(importance ? { importance: importance[u] ?? [] } : {}),
  }));
}

/** The sampler and the learner must agree on own-variant pairs; cross pairs have no sampled counterpart. */
export function largestGap(groups: readonly GroupUnits[], old: readonly Float32Array[][]): number {
  let largest = 0;
  for (const { group, pairs_K } of pairsWithLogProbs(groups, old)) {
    for (const { pair, logProbs } of pairs_K.flat().filter(({ pair: { j, k } }) => j === k)) {
      const sampled = group.responses[pair.j]?.[pair.i]?.rollout.logProbs ?? [];
      sampled.forEach((logProb, t) => {
        largest = Math.max(largest, Math.abs(logProb - (logProbs[t] as number)));
      });
    }
  }
  return largest;
}
