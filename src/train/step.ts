/**
 * @module One step of Share-GRPO: the whole algorithm on one screen.
 *
 * question → m variants → n responses each → rewards → global and local advantages → m·m·n pairs → clipped update.
 * The baselines are the same step with another estimator, and each response under its own prompt only.
 *
 * Source: the paper's §3, Eqs. 3–8. What differs between paper and code stands in config/modes.ts.
 */
import { estimateAdvantages, sharesResponses } from "../advantage/estimate.js";
import type { RunConfig } from "../config/schema.js";
import type { OnProgress } from "../core/progress.js";
import type { Rng } from "../core/rng.js";
import { zip } from "../core/zip.js";
import type { Engine } from "../engine/local/engine.js";
import type { UpdateStats } from "../engine/local/learner.js";
import type { Processor } from "../model/processor.js";
import { sharePairs } from "../policy/share.js";
import { type UpdateUnit, unitsOf } from "../policy/units.js";
import type { Question, QuestionGroup } from "../records.js";
import type { Rewarder } from "../reward/rewarder.js";
import { type FilledBatch, fillBatch } from "./fillBatch.js";
import { type SampledGroup, sampleGroups } from "./sampleGroups.js";
import { type Scores, scoresOf } from "./scores.js";
import type { Stopwatch } from "./stopwatch.js";
import { largestGap, withLogProbs } from "./updateUnits.js";

export interface StepContext {
  readonly config: RunConfig;
  readonly engine: Engine;
  readonly processor: Processor;
  /** Learning rate of this rollout step. */
  readonly learningRate: number;
  /** Optimizer steps finished before this rollout step. */
  readonly optimizerSteps: number;
  /** Streams of this rollout step; a question's draws are keyed by its id. */
  readonly rng: Rng;
  readonly stopwatch: Stopwatch;
  /** What rewards responses; default: the built-in reward of the config. */
  readonly rewarder?: Rewarder;
  /** β of the KL term or penalty; read where `kl.use` is not off. */
  readonly klCoefficient?: number;
  /** Further questions, where `rollout.filter` puts some aside. */
  readonly moreQuestions: (count: number) => Promise<readonly Question[]>;
  readonly onProgress?: OnProgress;
}

export interface StepResult
  extends Omit<FilledBatch<SampledGroup>, "groups_Q">,
    Omit<Scores, "scores_Q_M_N"> {
  readonly groups: readonly QuestionGroup[];
  /** What was compared: `scores_Q_M_N[q][j][i]`. */
  readonly scores_Q_M_N: readonly (readonly (readonly number[])[])[];
  /** One per optimizer step. */
  readonly updates: readonly UpdateStats[];
  /** Largest |log π_sampled − log π_old| over the tokens of own-variant pairs: sampler against learner, nats. */
  readonly logProbGap: number;
  /** Tokens of every variant's prompt. */
  readonly promptLengths: readonly number[];
}

/** Trains on the questions of one rollout step. */
export async function trainStep(questions_Q: readonly Question[], context: StepContext): Promise<StepResult> {
  const { config, engine, stopwatch, moreQuestions } = context;
  const first_Q = await sampleGroups(questions_Q, context);
  const more = async (count: number) => sampleGroups(await moreQuestions(count), context);
  const { groups_Q: sampled_Q, ...filling } = await fillBatch(first_Q, config.rollout.filter, more);
  const { scores_Q_M_N, ...penalties } = await stopwatch.time("reward", () => scoresOf(sampled_Q, context));
  const groups = await stopwatch.time("advantages", async () => pairGroups(sampled_Q, scores_Q_M_N, config));

  const units_Q_K = zip(groups, sampled_Q).map(([group, { prompts_M }]) => unitsOf(group, prompts_M));
  const old = await stopwatch.time("old_log_probs", () => engine.logProbs(units_Q_K.flat()));
  const units = await withLogProbs(zip(groups, units_Q_K), old, context);
  const updates = await stopwatch.time("update", () => updateAll(units, context));
  const promptLengths = sampled_Q.flatMap(({ prompts_M }) => prompts_M.map(({ tokens }) => tokens.length));
  const logProbGap = largestGap(zip(groups, units_Q_K), old);
  return { groups, scores_Q_M_N, updates, logProbGap, promptLengths, ...filling, ...penalties };
}

/** Advantages by the estimator of the settings, and the pairs that carry them. */
export function pairGroups(
  sampled_Q: readonly SampledGroup[],
  scores_Q_M_N: Scores["scores_Q_M_N"],
  { update, advantage }: RunConfig,
): QuestionGroup[] {
  const { algorithm } = update;
  const tokens_Q_M_N = sampled_Q.map(({ responses }) =>
    responses.map((responses_N) => responses_N.map(({ rollout }) => rollout.tokens.length)),
  );
  const advantages_Q = estimateAdvantages(scores_Q_M_N, tokens_Q_M_N, { ...advantage, algorithm });
  const { crossWeight } = advantage;
  const share = sharesResponses(algorithm) && crossWeight > 0;
  return zip(sampled_Q, advantages_Q).map(([{ question, variants, responses }, advantages]) => {
    const pairs = sharePairs(responses, advantages, { share, crossWeight });
    return { question, variants, responses, pairs };
  });
}

/** Mini-batches of a rollout step; the released code takes m times as many, since a question has m·m·n rows. */
export function miniBatches({ update, expand }: Pick<RunConfig, "update" | "expand">): number {
  const isScaled = update.scalesStepsByVariants && sharesResponses(update.algorithm);
  return update.optimizerStepsPerRollout * (isScaled ? expand.variants : 1);
}

/** Mini-batches in the order of the questions; each is one optimizer step. */
async function updateAll(units: readonly UpdateUnit[], context: StepContext): Promise<UpdateStats[]> {
  const { config, engine, learningRate, klCoefficient, onProgress } = context;
  const { epochs } = config.update;
  const steps = miniBatches(config);
  const size = Math.ceil(units.length / steps);
  const updates: UpdateStats[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (let first = 0; first < units.length; first += size) {
      const step = context.optimizerSteps + updates.length + 1;
      const at = { learningRate, step, ...(klCoefficient === undefined ? {} : { klCoefficient }) };
      updates.push(await engine.update(units.slice(first, first + size), at));
      onProgress?.({ phase: "update", done: updates.length, total: steps * epochs });
    }
  }
  return updates;
}
