/**
 * @module From questions to rewarded responses: expand, build prompts, sample, decode, reward.
 */
import { zip } from "../core/zip.js";
import { expandQuestion } from "../expand/expand.js";
import { buildPrompt, type Prompt } from "../model/prompt.js";
import type { Question, Response, Rollout, Variant } from "../records.js";
import { builtInRewarder } from "../reward/rewarder.js";
import type { StepContext } from "./step.js";

/** What asking needs of a step. */
export type SampleContext = Pick<
  StepContext,
  "config" | "engine" | "processor" | "rng" | "stopwatch" | "rewarder" | "onProgress"
>;

/** A question that was asked: its variants with their prompts, and what was answered. */
export interface SampledGroup {
  readonly question: Question;
  /** [M] */
  readonly variants: readonly Variant[];
  readonly prompts_M: readonly Prompt[];
  /** [M][N]: `responses[j][i]` */
  readonly responses: readonly (readonly Response[])[];
}

/** Asks every question m·n times. @throws DataError when a question cannot be expanded */
export async function sampleGroups(
  questions_Q: readonly Question[],
  context: SampleContext,
): Promise<SampledGroup[]> {
  const { stopwatch } = context;
  const variants_Q_M = await stopwatch.time("expand", () => expandAll(questions_Q, context));
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
  { config, engine, rng, onProgress }: SampleContext,
): Promise<Rollout[][][]> {
  const { responses, temperature, topP, topK, maxResponseLength, maxRows } = config.rollout;
  const streamsOf = ({ questionId, index }: Variant) =>
    Array.from({ length: responses }, (_, i) => rng.split("rollout", questionId, index, i).key);
  const rollouts = await engine.generate(
    {
      prompts: prompts_Q_M.flat(),
      responses,
      maxRows,
      sampling: { temperature, topP, topK, isGreedy: false, maxTokens: maxResponseLength },
      streams: variants_Q_M.flat().map(streamsOf),
    },
    onProgress,
  );
  const left = [...rollouts];
  return variants_Q_M.map((variants_M) => left.splice(0, variants_M.length));
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
  return rollouts_Q_M_N.map((rollouts_M_N) =>
    rollouts_M_N.map((rollouts_N) => responses.splice(0, rollouts_N.length)),
  );
}
