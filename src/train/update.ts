/**
 * @module The optimizer steps of a rollout step: mini-batches in the order of the questions, gradients of each gathered,
 * one AdamW step on them.
 */
import { sharesResponses } from "../advantage/estimate.js";
import type { RunConfig } from "../config/schema.js";
import { given } from "../core/given.js";
import { zip } from "../core/zip.js";
import type { Applied, Engine, LossSettings, LossSums } from "../engine/engine.js";
import { tokenWeights } from "../policy/aggregate.js";
import type { Lesson } from "../policy/lessons.js";
import { microBatches } from "../policy/microBatches.js";
import type { UnweightedLesson } from "./oldLogProbs.js";
import type { StepContext } from "./stepContext.js";

/** What one optimizer step did. Shares are of response tokens. */
export interface UpdateStats extends Applied {
  /** The surrogate, without KL and entropy terms. */
  readonly loss: number;
  readonly clipShareLow: number;
  readonly clipShareHigh: number;
  /** mean of old − new log-prob, nats */
  readonly klApprox: number;
  /** −mean log-prob of the sampled tokens, nats: a one-sample estimate of the entropy */
  readonly entropy: number;
  /** largest |π/π_old − 1| over response tokens */
  readonly ratioDeviation: number;
  /** Token mean of the KL estimate to the reference policy; where the loss has a KL term. */
  readonly referenceKl?: number;
  /** Token mean of the entropy of the whole distribution, nats; where the loss has an entropy term. */
  readonly fullEntropy?: number;
}

/** Mini-batches of a rollout step; the released code takes m times as many, since a question has m·m·n rows. */
export function miniBatches({ update, expand }: Pick<RunConfig, "update" | "expand">): number {
  const isScaled = update.scalesStepsByVariants && sharesResponses(update.algorithm);
  return update.optimizerStepsPerRollout * (isScaled ? expand.variants : 1);
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

/** The lessons of one mini-batch, with the weight of each response's tokens. */
export function weigh(
  lessons: readonly UnweightedLesson[],
  { update, rollout }: Pick<RunConfig, "update" | "rollout">,
): Lesson[] {
  const batches = microBatches(lessons, update.microBatchUnits);
  const readings = batches.map((batch) => batch.map(({ reading }) => reading));
  const { maxResponseLength } = rollout;
  const weights = tokenWeights(readings, { ...update, maxResponseLength }).flat();
  const placed = new Map(zip(batches.flat(), weights).map(([{ at }, weights_R]) => [at, weights_R]));
  return lessons.map(({ pairs_R: _, isTruncated_R: __, ...lesson }, at) => ({
    ...lesson,
    weights_R: placed.get(at) ?? [],
  }));
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

/** One optimizer step. @param step counts from 1 over the whole run */
export async function updateOnce(
  lessons: readonly UnweightedLesson[],
  step: number,
  { config, engine: { learner }, learningRate, klCoefficient, signal }: UpdateContext<"learner">,
): Promise<UpdateStats> {
  const { maxGradNorm, weightDecay, beta1, beta2, epsilon } = config.update;
  const loss = lossSettings(config, klCoefficient);
  const sums = await learner.accumulate(weigh(lessons, config), loss, given({ signal }));
  const applied = await learner.apply({
    ...{ step, learningRate, maxGradNorm, weightDecay, beta1, beta2, epsilon },
  });
  const tokens = lessons
    .flatMap(({ responses_R }) => responses_R)
    .reduce((sum, { length }) => sum + length, 0);
  return statsOf(sums, applied, tokens);
}

/**
 * All optimizer steps of a rollout step. Aborted, the weights are those of before the first where the engine can go back
 * to them; where it cannot, steps that were begun are finished.
 * @throws the signal's reason
 */
export async function updateAll(
  lessons: readonly UnweightedLesson[],
  { signal, ...context }: UpdateContext<"learner" | "abilities">,
): Promise<UpdateStats[]> {
  const { config, engine, onProgress } = context;
  const { epochs } = config.update;
  const steps = miniBatches(config);
  const size = Math.ceil(lessons.length / steps);
  const starts = Array.from({ length: Math.ceil(lessons.length / size) }, (_, at) => at * size);
  const canRollback = engine.abilities.can.includes("rollback");
  if (canRollback && starts.length * epochs > 1) await engine.learner.keep();
  const updates: UpdateStats[] = [];
  try {
    for (const first of Array.from({ length: epochs }, () => starts).flat()) {
      const step = context.optimizerSteps + updates.length + 1;
      const mayStop = updates.length === 0 || canRollback;
      const watched = { ...context, ...given({ signal: mayStop ? signal : undefined }) };
      updates.push(await updateOnce(lessons.slice(first, first + size), step, watched));
      onProgress?.({ phase: "update", done: updates.length, total: steps * epochs });
    }
    return updates;
  } catch (error) {
    if (signal?.aborted && updates.length > 0) await engine.learner.rollback();
    throw error;
  }
}
