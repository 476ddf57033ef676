/**
 * @module What a rollout step works with, and what passes between its parts.
 */
import type { RunConfig } from "../config/schema.js";
import type { Rng } from "../core/rng.js";
import type { Engine, Watch } from "../engine/engine.js";
import type { Processor } from "../model/processor.js";
import type { Prompt, Question, Response, Variant } from "../records.js";
import type { Rewarder } from "../reward/rewarder.js";
import type { Stopwatch } from "./stopwatch.js";

/** What a rollout step works with. */
export interface StepContext extends Watch {
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
}

/** A question that was asked: its variants with their prompts, and what was answered. */
export interface SampledGroup {
  readonly question: Question;
  /** [M] */
  readonly variants: readonly Variant[];
  readonly prompts_M: readonly Prompt[];
  /** [M][N]: `responses[j][i]` */
  readonly responses: readonly (readonly Response[])[];
}
