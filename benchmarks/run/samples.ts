/**
 * @module A model's scores on the bundled sample rows of all six benchmarks: a few seconds, no download. They show that
 * the way from training over evaluation to a table works; they say nothing about the benchmarks themselves.
 */
import { CHAT_DEFAULTS, type ChatClientOptions, createChatClient } from "../../src/core/chat/openai.js";
import { given } from "../../src/core/given.js";
import type { OnProgress } from "../../src/core/progress.js";
import { fileIn, samplesFolder } from "../data/locate.js";
import type { AnswerEngine } from "../engines/engine.js";
import { createLocalEngine, type LocalEngineOptions } from "../engines/local.js";
import { createServerEngine } from "../engines/server.js";
import { BENCHMARKS, NEWEST_RULES } from "../records.js";
import { benchmarkNamed } from "../suites/registry.js";
import { planDataset } from "./plan.js";
import { type EvaluationOutcome, runEvaluation, scorerBy } from "./run.js";
import type { AnswerSettings, ModelIdentity } from "./settings.js";

export interface SampleOptions {
  readonly model: ModelIdentity;
  /** Run folder of this evaluation. */
  readonly dir: string;
  /** Words after every question: those the policy was trained with. */
  readonly formatPrompt: string;
  /** Response tokens at most. */
  readonly maxTokens: number;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

/** What answers: a compiled policy on this computer, or OpenAI-compatible servers. */
export type SampledModel = Pick<LocalEngineOptions, "processor" | "sampler"> | ChatClientOptions;

function engineOf(model: SampledModel, settings: Pick<AnswerSettings, "decoding" | "pixels">): AnswerEngine {
  if (!("baseUrls" in model)) return createLocalEngine({ ...model, ...settings });
  const { concurrency = CHAT_DEFAULTS.concurrency } = model;
  return createServerEngine({ client: createChatClient(model), concurrency, ...settings });
}

/** Asks greedily, scores by the newest rules, without a judge. Finished rows of an earlier call are kept. */
export async function evaluateSamples(
  sampled: SampledModel,
  options: SampleOptions,
): Promise<EvaluationOutcome> {
  const { model, dir, formatPrompt, maxTokens, onProgress, signal } = options;
  const root = samplesFolder();
  const plans = await Promise.all(
    BENCHMARKS.map((name) => {
      const { benchmark, dataset } = benchmarkNamed(name);
      return planDataset(benchmark, dataset, fileIn(root, dataset), { root });
    }),
  );
  const settings: AnswerSettings = {
    model,
    prompt: { form: "generic", thinking: "r1-once", thinkingText: formatPrompt },
    decoding: { temperature: 0, topP: null, topK: null, repetitionPenalty: null, maxTokens, seed: 1 },
    pixels: { minPixels: null, maxPixels: null },
  };
  return runEvaluation({
    plans,
    settings,
    engine: engineOf(sampled, { decoding: settings.decoding, pixels: settings.pixels }),
    samples: 1,
    dir,
    isResume: true,
    scoring: { rules: NEWEST_RULES, judge: null },
    scorer: scorerBy({ rules: NEWEST_RULES }),
    ...given({ onProgress, signal }),
  });
}
