/**
 * @module The optimizer steps of a rollout step: the gradients of each mini-batch gathered, one AdamW step on them.
 */
import type { RunConfig } from "../config/schema.js";
import { given } from "../core/given.js";
import { zip } from "../core/zip.js";
import type { Applied, Engine, LossSettings, LossSums } from "../engine/engine.js";
import { miniBatch, type PairLesson, type UnweightedLesson } from "./miniBatches.js";
import type { StepContext } from "./stepContext.js";

/** What one optimizer step did. Shares and means are of the response tokens that it read (miniBatches.ts). */
export interface UpdateStats extends Applied {
  /** The surrogate, without KL and entropy terms. */
  readonly loss: number;
  readonly clipShareLow: number;
  readonly clipShareHigh: number;
  /** mean of old − new log-prob, nats */
  readonly klApprox: number;
  /** −mean log-prob of the sampled tokens, nats: a one-sample estimate of the entropy */
  readonly entropy: number;
  /** largest |π/π_old − 1| over response tokens; 0 where the update found π_old itself */
  readonly ratioDeviation: number;
  /** Token mean of the KL estimate to the reference policy; where the loss has a KL term. */
  readonly referenceKl?: number;
  /** Token mean of the entropy of the whole distribution, nats; where the loss has an entropy term. */
  readonly fullEntropy?: number;
}

/** The loss of a run's settings. @param klCoefficient β of now; read where `kl.use` is loss */
export function lossSettings({ update, rollout, kl }: RunConfig, klCoefficient = 0): LossSettings {
  const { loss, ratio, clipLow, clipHigh, dualClip, maxLogRatio } = update;
  const { gspoClipLow, gspoClipHigh, sapoTauPositive, sapoTauNegative, entropyCoefficient } = update;
  return {
    ...{ loss, ratio, clipLow, clipHigh, dualClip, maxLogRatio },
    ...{ gspoClipLow, gspoClipHigh, sapoTauPositive, sapoTauNegative, entropyCoefficient },
    temperature: rollout.temperature,
    ...(kl.use === "loss" ? { kl: { term: kl.estimator, coefficient: klCoefficient } } : {}),
  };
}

/** Token means of a mini-batch's sums. */
export function statsOf(sums: LossSums, applied: Applied, tokens: number): UpdateStats {
  const { referenceKlSum, fullEntropySum } = sums;
  const perToken = (sum: number | undefined) => (sum === undefined ? undefined : sum / tokens);
  return {
    ...applied,
    loss: sums.loss,
    clipShareLow: sums.clippedLow / tokens,
    clipShareHigh: sums.clippedHigh / tokens,
    klApprox: sums.klSum / tokens,
    entropy: sums.entropySum / tokens,
    ratioDeviation: Math.expm1(sums.maxLogRatio),
    ...given({ referenceKl: perToken(referenceKlSum), fullEntropy: perToken(fullEntropySum) }),
  };
}

type UpdateContext<Used extends keyof Engine> = Pick<
  StepContext,
  "config" | "learningRate" | "optimizerSteps" | "klCoefficient" | "onProgress" | "signal"
> & { readonly engine: Pick<Engine, Used> };

/** Gathers the gradients of a mini-batch and steps; returns its lessons with their old log-probs. */
async function learn(
  lessons: readonly PairLesson[],
  step: number,
  { config, engine: { learner }, learningRate, klCoefficient, signal }: UpdateContext<"learner">,
): Promise<{ readonly stats: UpdateStats; readonly learnt: PairLesson[] }> {
  const { maxGradNorm, weightDecay, beta1, beta2, epsilon } = config.update;
  const loss = lossSettings(config, klCoefficient);
  const read = lessons.map(({ pairs_R: _, isTruncated_R: __, ...lesson }) => lesson);
  const { logProbs, ...sums } = await learner.accumulate(read, loss, given({ signal }));
  const applied = await learner.apply({
    ...{ step, learningRate, maxGradNorm, weightDecay, beta1, beta2, epsilon },
  });
  const tokens = lessons
    .flatMap(({ responses_R }) => responses_R)
    .reduce((sum, { length }) => sum + length, 0);
  return {
    stats: statsOf(sums, applied, tokens),
    learnt: zip(lessons, logProbs).map(([lesson, oldLogProbs_R]) => ({ oldLogProbs_R, ...lesson })),
  };
}

/** One optimizer step. @param step counts from 1 over the whole run */
export async function updateOnce(
  lessons: readonly UnweightedLesson[],
  step: number,
  context: UpdateContext<"learner">,
): Promise<UpdateStats> {
  return (await learn(miniBatch(lessons, context.config), step, context)).stats;
}

/**
 * All optimizer steps of a rollout step. Aborted, the weights are those of before the first where the engine can go back
 * to them; where it cannot, steps that were begun are finished.
 * @returns what each did, and all lessons with their old log-probs
 * @throws the signal's reason
 */
export async function updateAll(
  batches: readonly (readonly PairLesson[])[],
  { signal, ...context }: UpdateContext<"learner" | "abilities">,
): Promise<{ readonly updates: UpdateStats[]; readonly learnt: PairLesson[] }> {
  const { config, engine, onProgress } = context;
  const learnt = batches.map((lessons) => [...lessons]);
  const order = Array.from({ length: config.update.epochs }, () => [...learnt.keys()]).flat();
  const canRollback = engine.abilities.can.includes("rollback");
  if (canRollback && order.length > 1) await engine.learner.keep();
  const updates: UpdateStats[] = [];
  try {
    for (const at of order) {
      const step = context.optimizerSteps + updates.length + 1;
      const mayStop = updates.length === 0 || canRollback;
      const watched = { ...context, ...given({ signal: mayStop ? signal : undefined }) };
      const done = await learn(learnt[at] ?? [], step, watched);
      learnt[at] = done.learnt;
      updates.push(done.stats);
      onProgress?.({ phase: "update", done: updates.length, total: order.length });
    }
    return { updates, learnt: learnt.flat() };
  } catch (error) {
    if (signal?.aborted && updates.length > 0) await engine.learner.rollback();
    throw error;
  }
}
