/**
 * @module What an update reads beside tokens and advantages: log-probabilities of the old and the reference policy, and
 * importance weights of cross pairs.
 */
import { given } from "../core/given.js";
import { regroup } from "../core/regroup.js";
import { zip } from "../core/zip.js";
import type { Learner } from "../engine/engine.js";
import { crossTokenWeights } from "../policy/crossWeight.js";
import type { Lesson, PairReading } from "../policy/lessons.js";
import type { Pair, Response } from "../records.js";
import type { StepContext } from "./stepContext.js";

/** A reading with everything the loss needs but the weights, which depend on the mini-batch. */
export type UnweightedLesson = PairReading & Omit<Lesson, "weights_R">;

type LogProbContext = Pick<StepContext, "config" | "stopwatch" | "signal"> & {
  readonly engine: { readonly learner: Pick<Learner, "logProbs"> };
};

const keyOf = ({ j, i }: Pair) => `${j},${i}`;

/** Importance weights of a question's pairs: 1 for own ones, min(cap, π_old(k) / π_old(j)) for cross ones. */
function importanceOf(lessons_K: readonly UnweightedLesson[], cap: number): number[][][] {
  const own = new Map(
    lessons_K.flatMap(({ pairs_R, oldLogProbs_R }) =>
      zip(pairs_R, oldLogProbs_R).flatMap(([pair, logProbs]) =>
        pair.j === pair.k ? [[keyOf(pair), Array.from(logProbs)] as const] : [],
      ),
    ),
  );
  return lessons_K.map(({ pairs_R, oldLogProbs_R }) =>
    zip(pairs_R, oldLogProbs_R).map(([pair, logProbs]) =>
      crossTokenWeights({ underPrompt: Array.from(logProbs), underOwn: own.get(keyOf(pair)) ?? [] }, cap),
    ),
  );
}

/**
 * Reads every pair under its prompt with the old policy, and with the reference policy where the loss needs it.
 * @param readings_Q_K one reading per prompt k of each question
 */
export async function withLogProbs(
  readings_Q_K: readonly (readonly PairReading[])[],
  { config, engine, stopwatch, signal }: LogProbContext,
): Promise<UnweightedLesson[][]> {
  const readings = readings_Q_K.flat();
  const ask = (of: "policy" | "reference") =>
    engine.learner.logProbs({ readings, of, temperature: config.rollout.temperature }, given({ signal }));
  const old = await stopwatch.time("old_log_probs", () => ask("policy"));
  const isEstimated = config.kl.use === "loss" && config.kl.estimator !== "full";
  const reference = isEstimated ? await stopwatch.time("reference", () => ask("reference")) : undefined;
  const lessons = zip(readings, old).map(([reading, oldLogProbs_R], at) => ({
    ...reading,
    oldLogProbs_R,
    ...given({ referenceLogProbs_R: reference?.[at] }),
  }));
  const lessons_Q_K = regroup(lessons, readings_Q_K);
  const cap = config.advantage.crossImportanceCap;
  if (cap === null) return lessons_Q_K;
  return lessons_Q_K.map((lessons_K) =>
    zip(lessons_K, importanceOf(lessons_K, cap)).map(([lesson, importance_R]) => ({
      ...lesson,
      importance_R,
    })),
  );
}

/**
 * Largest |log π_sampled − log π_old| of own-variant pairs; cross pairs have no sampled counterpart.
 * @param responses_M_N a question's responses
 */
export function largestGap(
  responses_M_N: readonly (readonly Response[])[],
  lessons_K: readonly Pick<UnweightedLesson, "pairs_R" | "oldLogProbs_R">[],
): number {
  let largest = 0;
  for (const { pairs_R, oldLogProbs_R } of lessons_K) {
    for (const [{ j, i, k }, logProbs] of zip(pairs_R, oldLogProbs_R)) {
      if (j !== k) continue;
      responses_M_N[j]?.[i]?.rollout.logProbs.forEach((sampled, t) => {
        largest = Math.max(largest, Math.abs(sampled - (logProbs[t] as number)));
      });
    }
  }
  return largest;
}
