/**
 * @module What an update reads beside tokens and advantages: log-probabilities of the old and the reference policy, and
 * importance weights of cross pairs.
 *
 * The first mini-batch of a rollout step is learnt from by the old policy itself: its old log-probs are those that the
 * update's own forward pass finds, and no pass is made for them. With one mini-batch there is none at all.
 */
import { given } from "../core/given.js";
import { regroup } from "../core/regroup.js";
import { zip } from "../core/zip.js";
import type { Learner } from "../engine/engine.js";
import { crossTokenWeights } from "../policy/crossWeight.js";
import type { Response } from "../records.js";
import { type PairLesson, samplerCap } from "./miniBatches.js";
import type { StepContext } from "./stepContext.js";

type LogProbContext = Pick<StepContext, "config" | "stopwatch" | "signal"> & {
  readonly engine: { readonly learner: Pick<Learner, "logProbs"> };
  /** Those that were sampled; read where a sampler is weighted for. */
  readonly responses?: readonly Response[];
};

type Tokens = PairLesson["responses_R"][number];

/** Old log-probs of own-variant pairs where they are known, by the tokens of their response. */
function ownLogProbs(lessons: readonly PairLesson[]): Map<Tokens, Float32Array> {
  return new Map(
    lessons.flatMap(({ pairs_R, responses_R, oldLogProbs_R }) =>
      oldLogProbs_R
        ? zip(zip(pairs_R, responses_R), oldLogProbs_R).flatMap(([[{ j, k }, tokens], logProbs]) =>
            j === k ? [[tokens, logProbs] as const] : [],
          )
        : [],
    ),
  );
}

/** Which tokens are weighted, and up to what. */
interface Caps {
  /** Of cross pairs, for the prompt. */
  readonly cross: number | null;
  /** Of all pairs, for a sampler that is not the old policy. */
  readonly sampler: number | null;
}

/**
 * Weights of tokens: min(cap, π_old(k) / π_old(j)) for the prompt, 1 for own pairs, times min(cap, π_old(j) / π_sampler(j))
 * for the sampler.
 */
function withImportance(
  lessons: readonly PairLesson[],
  { cross, sampler }: Caps,
  sampled: ReadonlyMap<Tokens, Float32Array>,
): PairLesson[] {
  const own = ownLogProbs(lessons);
  const weights = (above: ArrayLike<number>, below: ArrayLike<number>, cap: number | null) =>
    cap === null
      ? Array.from(above, () => 1)
      : crossTokenWeights({ underPrompt: Array.from(above), underOwn: Array.from(below) }, cap);
  return lessons.map((lesson) => ({
    ...lesson,
    importance_R: zip(lesson.responses_R, lesson.oldLogProbs_R ?? []).map(([tokens, logProbs]) => {
      const asked = own.get(tokens) ?? [];
      const forPrompt = weights(logProbs, asked, cross);
      const forSampler = weights(asked, sampled.get(tokens) ?? [], sampler);
      return zip(forPrompt, forSampler).map(([a, b]) => a * b);
    }),
  }));
}

/**
 * Adds what the old policy thinks of every pair but those of the first mini-batch, and the reference policy where the
 * loss needs it. Importance weights need the old log-probs of all.
 */
export async function withLogProbs(
  batches: readonly (readonly PairLesson[])[],
  { config, engine, stopwatch, signal, responses = [] }: LogProbContext,
): Promise<PairLesson[][]> {
  const caps = { cross: config.advantage.crossImportanceCap, sampler: samplerCap(config) };
  const isWeighted = caps.cross !== null || caps.sampler !== null;
  const { temperature } = config.rollout;
  const ask = (of: "policy" | "reference", readings: readonly PairLesson[]) =>
    readings.length === 0 ? [] : engine.learner.logProbs({ readings, of, temperature }, given({ signal }));

  const lessons = batches.flat();
  const known = isWeighted ? 0 : (batches[0]?.length ?? 0);
  const old = await stopwatch.time("old_log_probs", async () => ask("policy", lessons.slice(known)));
  const isEstimated = config.kl.use === "loss" && config.kl.estimator !== "full";
  const reference = await stopwatch.time("reference", async () =>
    ask("reference", isEstimated ? lessons : []),
  );
  const complete = lessons.map((lesson, at) => ({
    ...lesson,
    ...given({ oldLogProbs_R: old[at - known], referenceLogProbs_R: reference[at] }),
  }));
  if (!isWeighted) return regroup(complete, batches);
  const sampled = new Map(responses.map(({ rollout: { tokens, logProbs } }) => [tokens as Tokens, logProbs]));
  return regroup(withImportance(complete, caps, sampled), batches);
}

/**
 * Largest |log π_sampled − log π_old| of own-variant pairs; cross pairs have no sampled counterpart. NaN without any.
 * @param lessons with their old log-probs
 */
export function largestGap(responses: readonly Response[], lessons: readonly PairLesson[]): number {
  const own = ownLogProbs(lessons);
  const gaps = responses.flatMap(({ rollout: { tokens, logProbs } }) => {
    const old = own.get(tokens);
    return old ? zip(Array.from(logProbs), Array.from(old)).map(([a, b]) => Math.abs(a - b)) : [];
  });
  return gaps.length === 0 ? Number.NaN : gaps.reduce((a, b) => Math.max(a, b));
}
