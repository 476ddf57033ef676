/**
 * @module The stages of a step for single questions, for people who look: what a policy says to a question's variants,
 * what that is worth, and what an update on it would change. Training itself is `step.ts`.
 */
import { hierarchicalAdvantages } from "../advantage/shareGrpo.js";
import type { RunConfig } from "../config/schema.js";
import type { Rng } from "../core/rng.js";
import { zip } from "../core/zip.js";
import { expandQuestion } from "../expand/expand.js";
import { loadModel, modelFolder } from "../model/load.js";
import type { Processor } from "../model/processor.js";
import { buildPrompt, type Prompt } from "../model/prompt.js";
import { learnerOptions } from "../policy/learner.js";
import { sharePairs } from "../policy/share.js";
import { type AdvantageUnit, unitsOf } from "../policy/units.js";
import type { Question, QuestionGroup, Response } from "../records.js";
import { mathReward } from "../reward/reward.js";
import { createEngine, type Engine } from "./engine.js";

/** A policy at hand: what samples and learns, and what reads and writes its tokens. */
export interface Explorer {
  readonly config: RunConfig;
  readonly engine: Engine;
  readonly processor: Processor;
}

/** A question that was asked: its group, the variants' prompts, and what an update would read (one unit per prompt). */
export interface AskedQuestion {
  readonly group: QuestionGroup;
  readonly prompts_M: readonly Prompt[];
  readonly units_M: readonly AdvantageUnit[];
}

/**
 * The policy that `config.model` names, on this thread.
 * @throws ModelError naming the file that is missing or damaged
 */
export async function loadExplorer(config: RunConfig): Promise<Explorer> {
  const model = await loadModel(modelFolder(config.model));
  const engine = createEngine(model, learnerOptions(config));
  return { config, engine, processor: model.processor };
}

/** Variants, responses, rewards, advantages and pairs of each question, with m, n and temperature of the config. */
export async function askQuestions(
  questions: readonly Question[],
  { config, engine, processor }: Explorer,
  rng: Rng,
): Promise<AskedQuestion[]> {
  const { responses: n, temperature, topP, topK, maxResponseLength: maxTokens, maxRows } = config.rollout;
  const expansions = await Promise.all(
    questions.map((question) => expandQuestion(question, config.expand, rng)),
  );
  const prompts_Q_M = await Promise.all(
    expansions.map(({ variants }) =>
      Promise.all(
        variants.map((variant) =>
          buildPrompt(processor, variant, `question ${variant.questionId}, variant ${variant.index}`),
        ),
      ),
    ),
  );
  const rollouts = await engine.generate({
    prompts: prompts_Q_M.flat(),
    responses: n,
    maxRows,
    sampling: { temperature, topP, topK, isGreedy: false, maxTokens },
    streams: expansions.flatMap(({ variants }) =>
      variants.map(({ questionId, index }) =>
        Array.from({ length: n }, (_, i) => rng.split("rollout", questionId, index, i).key),
      ),
    ),
  });
  const left = [...rollouts];
  return zip(questions, zip(expansions, prompts_Q_M)).map(([question, [{ variants }, prompts_M]]) => {
    const responses = left.splice(0, variants.length).map((rollouts_N, j) =>
      rollouts_N.map((rollout, i): Response => {
        const text = processor.decode(rollout.tokens, { skipSpecial: true });
        const reward = mathReward(text, question.gold, config.reward);
        return { questionId: question.id, j, i, text, rollout, reward };
      }),
    );
    const rewards_M_N = responses.map((responses_N) => responses_N.map(({ reward }) => reward.overall));
    const pairs = sharePairs(responses, hierarchicalAdvantages(rewards_M_N));
    const group = { question, variants, responses, pairs };
    return { group, prompts_M, units_M: unitsOf(group, prompts_M) };
  });
}

/** The words of single tokens, in order. */
export function tokenTexts(processor: Processor, tokens: ArrayLike<number>): string[] {
  return Array.from(tokens, (token) => processor.decode([token], { skipSpecial: false }));
}
