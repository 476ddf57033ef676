/**
 * @module From questions to rewarded responses: expand, build prompts, sample, decode, reward.
 */
import { given } from "../core/given.js";
import { regroup } from "../core/regroup.js";
import { zip } from "../core/zip.js";
import type { Sampled, Sampler } from "../engine/engine.js";
import { expandQuestion } from "../expand/expand.js";
import { buildPrompt } from "../model/prompt.js";
import type { Prompt, Question, Response, Rollout, Variant } from "../records.js";
import { builtInRewarder } from "../reward/rewarder.js";
import type { SampledGroup, StepContext } from "./stepContext.js";

/** What asking needs of a step. */
export type SampleContext = Pick<
  StepContext,
  "config" | "processor" | "rng" | "stopwatch" | "rewarder" | "onProgress" | "signal"
> & { readonly engine: { readonly sampler: Sampler } };

/** Asks every question m·n times. @throws DataError when a question cannot be expanded */
export async function sampleGroups(
  questions_Q: readonly Question[],
  context: SampleContext,
): Promise<SampledGroup[]> {
  const variants_Q_M = await context.stopwatch.time("expand", () => expandAll(questions_Q, context));
  return askVariants(questions_Q, variants_Q_M, context);
}

/** Asks the given variants of every question n times each. */
export async function askVariants(
  questions_Q: readonly Question[],
  variants_Q_M: readonly Variant[][],
  context: SampleContext,
): Promise<SampledGroup[]> {
  const { stopwatch } = context;
  const prompts_Q_M = await stopwatch.time("expand", () => promptsOf(variants_Q_M, context));
  const rollouts_Q_M_N = await stopwatch.time("rollout", () => sampleAll(variants_Q_M, prompts_Q_M, context));
  const responses_Q_M_N = await stopwatch.time("reward", () =>
    rewardAll(questions_Q, rollouts_Q_M_N, context),
  );
  return zip(zip(questions_Q, variants_Q_M), zip(prompts_Q_M, responses_Q_M_N)).map(
    ([[question, variants], [prompts_M, responses]]) => ({ question, variants, prompts_M, responses }),
  );
}

async function expandAll(
  questions: readonly Question[],
  { config, rng }: SampleContext,
): Promise<Variant[][]> {
  const expanded = await Promise.all(
    questions.map((question) => expandQuestion(question, config.expand, rng)),
  );
  return expanded.map(({ variants }) => [...variants]);
}

function promptsOf(variants_Q_M: readonly Variant[][], { processor }: SampleContext): Promise<Prompt[][]> {
  const one = (variant: Variant) =>
    buildPrompt(processor, variant, `question ${variant.questionId}, variant ${variant.index}`);
  return Promise.all(variants_Q_M.map((variants) => Promise.all(variants.map(one))));
}

async function sampleAll(
  variants_Q_M: readonly Variant[][],
  prompts_Q_M: readonly Prompt[][],
  { config, engine, rng, onProgress, signal }: SampleContext,
): Promise<Sampled[][][]> {
  const { responses, temperature, topP, topK, maxResponseLength } = config.rollout;
  const streamsOf = ({ questionId, index }: Variant) =>
    Array.from({ length: responses }, (_, i) => rng.split("rollout", questionId, index, i).key);
  const request = {
    prompts: prompts_Q_M.flat(),
    responses,
    decoding: { temperature, topP, topK, isGreedy: false, maxTokens: maxResponseLength },
    streams: variants_Q_M.flat().map(streamsOf),
  };
  const rollouts = await engine.sampler.sample(request, given({ onProgress, signal }));
  return regroup(rollouts, variants_Q_M);
}

/** Decodes the rollouts and rewards all responses of the step in one call. */
async function rewardAll(
  questions_Q: readonly Question[],
  rollouts_Q_M_N: readonly (readonly (readonly Rollout[])[])[],
  { config, processor, rewarder = builtInRewarder(config.reward) }: SampleContext,
): Promise<Response[][][]> {
  const rows = zip(questions_Q, rollouts_Q_M_N).flatMap(([question, rollouts_M_N]) =>
    rollouts_M_N.flatMap((rollouts_N, j) =>
      rollouts_N.map((rollout, i) => {
        const response = processor.decode(rollout.tokens, { skipSpecial: true });
        const { stopReason, tokens } = rollout;
        return { question, j, i, rollout, response, stopReason, tokens: tokens.length };
      }),
    ),
  );
  const responses = zip(rows, await rewarder(rows)).map(
    ([{ question, j, i, rollout, response }, reward]): Response => ({
      questionId: question.id,
      j,
      i,
      text: response,
      rollout,
      reward,
    }),
  );
  return regroup(regroup(responses, rollouts_Q_M_N.flat()), rollouts_Q_M_N);
}
