/**
 * @module The stages of a step for single questions, for people who look: what a policy says to a question's variants,
 * what that is worth, and what an update on it would change. Training itself is `step.ts`.
 */
import type { RunConfig } from "../config/schema.js";
import type { Rng } from "../core/rng.js";
import { zip } from "../core/zip.js";
import { locateModel } from "../data/hubModel.js";
import type { Engine } from "../engine/engine.js";
import { loadEngine } from "../engine/local/engine.js";
import { localSettings } from "../engine/local/settings.js";
import { withDevice } from "../engine/open.js";
import { loadProcessor, type Processor } from "../model/processor.js";
import { type PairReading, readingsOf } from "../policy/lessons.js";
import type { Prompt, Question, QuestionGroup } from "../records.js";
import { sampleGroups } from "./sampleGroups.js";
import { scoresOf } from "./scores.js";
import { pairGroups } from "./step.js";
import { stopwatch } from "./stopwatch.js";
import { type AskedVariants, type AskVariantsOptions, askAllVariants } from "./variants.js";

/** A policy at hand: what samples and learns, and what reads and writes its tokens. */
export interface Explorer {
  readonly config: RunConfig;
  readonly engine: Engine;
  readonly processor: Processor;
}

/** A question that was asked: its group, the variants' prompts, and what an update would read (one reading per prompt). */
export interface AskedQuestion {
  readonly group: QuestionGroup;
  readonly prompts_M: readonly Prompt[];
  readonly readings_M: readonly PairReading[];
}

/**
 * The policy that `config.model` names, on this thread; with `lora.rank` an adapter of it is trained.
 * @throws ModelError naming the file that is missing or damaged; ConfigError where `engine.device` cannot be had
 */
export async function loadExplorer(asked: RunConfig): Promise<Explorer> {
  const config = await withDevice(asked);
  const { folder: model } = await locateModel(config.model);
  const engine = await loadEngine({ model, local: localSettings(config) });
  return { config, engine, processor: await loadProcessor(model) };
}

/** Variants, responses, rewards, advantages and pairs of each question, all by the config. */
export async function askQuestions(
  questions: readonly Question[],
  { config, engine, processor }: Explorer,
  rng: Rng,
): Promise<AskedQuestion[]> {
  const context = { config, engine, processor, rng, stopwatch: stopwatch(() => 0) };
  const sampled = await sampleGroups(questions, context);
  const { scores_Q_M_N } = await scoresOf(sampled, { ...context, klCoefficient: config.kl.coefficient });
  const groups = pairGroups(sampled, scores_Q_M_N, config);
  return zip(groups, sampled).map(([group, { prompts_M }]) => ({
    group,
    prompts_M,
    readings_M: readingsOf(group, prompts_M),
  }));
}

/** Answers to every variant of each question, counted; `config.rollout.responses` answers to each. */
export function countVariants(
  questions: readonly Question[],
  { config, engine, processor }: Explorer,
  { rng, ...options }: AskVariantsOptions & { readonly rng: Rng },
): Promise<AskedVariants[]> {
  return askAllVariants(questions, options, {
    config,
    engine,
    processor,
    rng,
    stopwatch: stopwatch(() => 0),
  });
}

/** The words of single tokens, in order. */
export function tokenTexts(processor: Processor, tokens: ArrayLike<number>): string[] {
  return Array.from(tokens, (token) => processor.decode([token], { skipSpecial: false }));
}
