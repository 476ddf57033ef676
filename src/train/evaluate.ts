/**
 * @module Greedy accuracy and format rate on held-out questions, overall and by category.
 */
import type { OnProgress } from "../core/progress.js";
import { Rng } from "../core/rng.js";
import { zip } from "../core/zip.js";
import { buildPrompt, type Prompt } from "../model/prompt.js";
import type { Question, Response } from "../records.js";
import { mathReward } from "../reward/reward.js";
import { generate } from "../rollout/generate.js";
import type { LocalPolicy } from "../rollout/localPolicy.js";

export interface EvaluateOptions {
  readonly formatPrompt: string;
  readonly maxResponseLength: number;
  /** Prompts decoded at once. */
  readonly maxRows?: number;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

export interface Evaluation {
  readonly total: number;
  /** Questions answered correctly. */
  readonly correct: number;
  /** Responses in the asked-for format. */
  readonly formatted: number;
  readonly perCategory: Readonly<Record<string, { readonly total: number; readonly correct: number }>>;
  readonly responses: readonly Response[];
}

/** Asks every question once, in its own words and with its own image, and decodes greedily. */
export async function evaluate(
  policy: LocalPolicy,
  questions: readonly Question[],
  options: EvaluateOptions,
): Promise<Evaluation> {
  const { processor } = policy.model;
  const prompts: Prompt[] = [];
  for (const question of questions) {
    const text = `${question.text} ${options.formatPrompt}`;
    prompts.push(await buildPrompt(processor, { text, images: question.images }, `question ${question.id}`));
  }
  const rollouts = await generate(policy, {
    prompts,
    responses: 1,
    maxRows: options.maxRows ?? 64,
    sampling: { temperature: 1, topP: 1, topK: 0, isGreedy: true, maxTokens: options.maxResponseLength },
    stream: () => Rng.fromSeed(0),
    ...(options.onProgress ? { onProgress: options.onProgress } : {}),
    ...(options.signal ? { signal: options.signal } : {}),
  });
  const responses = zip(questions, rollouts).map(([question, [rollout]]): Response => {
    if (!rollout) throw new Error(`evaluate: no rollout for question ${question.id}`);
    const text = processor.decode(rollout.tokens, { skipSpecial: true });
    return { questionId: question.id, j: 0, i: 0, text, rollout, reward: mathReward(text, question.gold) };
  });
  return summarise(questions, responses);
}

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
