/**
 * @module Greedy accuracy and format rate on held-out questions, overall and by category.
 */

import { invariant } from "../core/errors.js";
import { given } from "../core/given.js";
import type { OnProgress } from "../core/progress.js";
import { zip } from "../core/zip.js";
import type { Sampler } from "../engine/engine.js";
import type { Processor } from "../model/processor.js";
import { buildPrompt } from "../model/prompt.js";
import type { Question, Response } from "../records.js";
import { mathReward } from "../reward/reward.js";
import type { Rewarder } from "../reward/rewarder.js";

export interface EvaluateOptions {
  readonly formatPrompt: string;
  readonly maxResponseLength: number;
  /** Questions decoded at once; default 64. */
  readonly atOnce?: number;
  /** What rewards responses; default: the math reward. */
  readonly rewarder?: Rewarder;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

/** Greedy accuracy and format rate on held-out questions. */
export interface Evaluation {
  readonly total: number;
  /** Questions answered correctly. */
  readonly correct: number;
  /** Responses in the asked-for format. */
  readonly formatted: number;
  readonly perCategory: Readonly<Record<string, { readonly total: number; readonly correct: number }>>;
  readonly responses: readonly Response[];
}

/** What evaluation needs of a policy. */
export interface Evaluated {
  readonly engine: { readonly sampler: Sampler };
  readonly processor: Processor;
}

/** Asks every question once, in its own words and with its own image, and decodes greedily. */
export async function evaluate(
  policy: Evaluated,
  questions: readonly Question[],
  options: EvaluateOptions,
): Promise<Evaluation> {
  const atOnce = options.atOnce ?? 64;
  const responses: Response[] = [];
  for (let first = 0; first < questions.length; first += atOnce) {
    options.signal?.throwIfAborted();
    responses.push(...(await answerAll(policy, questions.slice(first, first + atOnce), options)));
    options.onProgress?.({ phase: "evaluate", done: responses.length, total: questions.length });
  }
  return summarise(questions, responses);
}

async function answerAll(
  { engine, processor }: Evaluated,
  questions: readonly Question[],
  { formatPrompt, maxResponseLength, rewarder = mathRewarder, signal }: EvaluateOptions,
): Promise<Response[]> {
  const prompts = await Promise.all(
    questions.map(({ id, text, images }) =>
      buildPrompt(processor, { text: `${text} ${formatPrompt}`, images }, `question ${id}`),
    ),
  );
  const decoding = { temperature: 1, topP: 1, topK: 0, isGreedy: true, maxTokens: maxResponseLength };
  const rollouts = await engine.sampler.sample({ prompts, responses: 1, decoding }, given({ signal }));
  const rows = zip(questions, rollouts).map(([question, [rollout]]) => {
    invariant(rollout, `evaluate: no rollout for question ${question.id}`);
    const response = processor.decode(rollout.tokens, { skipSpecial: true });
    return { question, response, rollout, tokens: rollout.tokens.length, stopReason: rollout.stopReason };
  });
  return zip(rows, await rewarder(rows)).map(([{ question, response, rollout }, reward]): Response => {
    return { questionId: question.id, j: 0, i: 0, text: response, rollout, reward };
  });
}

const mathRewarder: Rewarder = async (rows) =>
  rows.map(({ response, question }) => mathReward(response, question.gold));

function summarise(questions: readonly Question[], responses: readonly Response[]): Evaluation {
  const perCategory: Record<string, { total: number; correct: number }> = {};
  for (const [question, { reward }] of zip(questions, responses)) {
    const before = perCategory[question.category] ?? { total: 0, correct: 0 };
    perCategory[question.category] = { total: before.total + 1, correct: before.correct + reward.accuracy };
  }
  return {
    total: questions.length,
    correct: responses.reduce((sum, { reward }) => sum + reward.accuracy, 0),
    formatted: responses.reduce((sum, { reward }) => sum + reward.format, 0),
    perCategory,
    responses,
  };
}
