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
import { zip } from "../core/zip.js";
import { promptLength } from "../model/prompt.js";
import { readingsOf } from "../policy/lessons.js";
import { sharePairs } from "../policy/share.js";
import type { Question, QuestionGroup, Response } from "../records.js";
import { type FilledBatch, fillBatch } from "./fillBatch.js";
import { miniBatches, type PassTokens, passTokens } from "./miniBatches.js";
import { largestGap, withLogProbs } from "./oldLogProbs.js";
import { sampleGroups } from "./sampleGroups.js";
import { type Scores, scoresOf } from "./scores.js";
import type { SampledGroup, StepContext } from "./stepContext.js";
import { type UpdateStats, updateAll } from "./update.js";

/** What a rollout step did: groups with their pairs, scores, optimizer steps, and what was noticed. */
export interface StepResult
  extends Omit<FilledBatch<SampledGroup>, "groups_Q">,
    Omit<Scores, "scores_Q_M_N"> {
  readonly groups: readonly QuestionGroup[];
  /** What was compared: `scores_Q_M_N[q][j][i]`. */
  readonly scores_Q_M_N: readonly (readonly (readonly number[])[])[];
  /** One per optimizer step. */
  readonly updates: readonly UpdateStats[];
  /** Largest |log π_sampled − log π_old| over the tokens of own-variant pairs learnt from: sampler against learner, nats. */
  readonly logProbGap: number;
  /** Most optimizer steps by which the weights that sampled a response were behind the learner's. */
  readonly policyLag: number;
  readonly passTokens: PassTokens;
  /** Tokens of every variant's prompt. */
  readonly promptLengths: readonly number[];
}

/** Trains on the questions of one rollout step. */
export async function trainStep(questions_Q: readonly Question[], context: StepContext): Promise<StepResult> {
  const { config, stopwatch, moreQuestions } = context;
  const first_Q = await sampleGroups(questions_Q, context);
  const more = async (count: number) => sampleGroups(await moreQuestions(count), context);
  const { groups_Q: sampled_Q, ...filling } = await fillBatch(first_Q, config.rollout.filter, more);
  const { scores_Q_M_N, ...penalties } = await stopwatch.time("reward", () => scoresOf(sampled_Q, context));
  const groups = await stopwatch.time("advantages", async () => pairGroups(sampled_Q, scores_Q_M_N, config));

  const readings = zip(groups, sampled_Q).flatMap(([group, { prompts_M }]) => readingsOf(group, prompts_M));
  const responses = groups.flatMap((group) => group.responses.flat());
  const batches = await withLogProbs(miniBatches(readings, config), { ...context, responses });
  const { updates, learnt } = await stopwatch.time("update", () => updateAll(batches, context));
  const promptLengths = sampled_Q.flatMap(({ prompts_M }) => prompts_M.map(promptLength));
  return {
    groups,
    scores_Q_M_N,
    updates,
    logProbGap: largestGap(responses, learnt),
    policyLag: largestLag(responses, context.optimizerSteps),
    passTokens: passTokens(learnt),
    promptLengths,
    ...filling,
    ...penalties,
  };
}

function largestLag(responses: readonly Response[], steps: number): number {
  return responses.reduce((lag, { rollout }) => Math.max(lag, steps - (rollout.policyStep ?? steps)), 0);
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
