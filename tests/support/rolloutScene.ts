/**
 * @module An adapter that learns here beside a double of a server that samples with it.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect } from "vitest";
import { resolveConfig } from "../../src/config/load.js";
import type { RngKey } from "../../src/core/rng.js";
import { withImageLimits } from "../../src/data/pixels.js";
import type { Engine } from "../../src/engine/engine.js";
import { loadEngine } from "../../src/engine/local/engine.js";
import { localSettings } from "../../src/engine/local/settings.js";
import { type RolloutServerSettings, withRolloutServer } from "../../src/engine/openAi/rolloutServer.js";
import { seedOf } from "../../src/engine/openAi/sampler.js";
import { modelFolder } from "../../src/model/load.js";
import { ADAPTER_WEIGHTS } from "../../src/model/lora/peft.js";
import { loadProcessor } from "../../src/model/processor.js";
import { tokenPrompt } from "../../src/model/prompt.js";
import { readSafetensors } from "../../src/model/safetensors.js";
import type { Rewarder } from "../../src/reward/rewarder.js";
import { train } from "../../src/train/loop.js";
import { questionSource } from "../../src/train/questionSource.js";
import { RunFolder } from "../../src/train/run/runFolder.js";
import { temporaryFolder } from "./fakeModel.js";
import type { DoubleOptions, SamplerDouble } from "./samplerDouble.js";
import { fastClock } from "./tinkerScene.js";
import { startVllm, type VllmOptions } from "./vllmDouble.js";

const MODEL = modelFolder("tiny");
const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

export const SETTINGS = {
  expand: { variants: 2 },
  rollout: { responses: 3, maxResponseLength: 12 },
  // AdamW's usual ε would make whole steps of rounding.
  update: { learningRate: 3e-3, optimizerStepsPerRollout: 2, epsilon: 1e-3 },
  train: { steps: 2, questionsPerStep: 2, saveEvery: 2, evaluateQuestions: 2, loggedQuestions: 2 },
  lora: { rank: 4 },
};
export const configOf = (rollout: object = {}) =>
  resolveConfig({ ...SETTINGS, rollout: { ...SETTINGS.rollout, ...rollout } }, "test");

export async function localEngine(): Promise<Engine> {
  const engine = await loadEngine({ model: MODEL, local: localSettings(configOf()) });
  open.push(engine);
  return engine;
}

export interface Stage<Options> {
  readonly start: (options: Options) => Promise<SamplerDouble>;
  readonly double?: Partial<Options>;
  readonly settings?: Partial<RolloutServerSettings>;
  readonly learner?: (engine: Engine) => Engine["learner"];
}

/** A learner here, a server that samples with another engine of the same model, and all that was asked of it. */
export async function stageOn<Options extends DoubleOptions>({
  start,
  double,
  settings = {},
  learner = (engine) => engine.learner,
}: Stage<Options>) {
  const processor = withImageLimits(await loadProcessor(MODEL), configOf().data);
  const streams = new Map<number, readonly RngKey[]>();
  const base: DoubleOptions = { processor, engine: await localEngine(), streams };
  const server = await start({ ...base, ...double } as Options);
  open.push(server);
  const adapters = await temporaryFolder();
  const here = await localEngine();
  const engine = await withRolloutServer(
    { ...here, learner: learner(here), close: () => Promise.resolve() },
    {
      ...{ url: server.url, adapters, publishEvery: 1, processor, run: "run" },
      ...{ timeoutMs: 20_000, clock: fastClock(), ...settings },
    },
  );
  open.push(engine);
  const sampler: Engine["sampler"] = {
    sample(request, watch) {
      for (const keys of request.streams ?? []) {
        for (const [r, key] of keys.entries()) streams.set(seedOf(key), keys.slice(r));
      }
      return engine.sampler.sample(request, watch);
    },
  };
  return { engine: { ...engine, sampler }, server, processor, adapters };
}

export const stage = (rest: Partial<Stage<VllmOptions>> = {}) => stageOn({ start: startVllm, ...rest });

/** What short answers of an untaught adapter differ in: the share of digits. */
const digits: Rewarder = async (rows) =>
  rows.map(({ response }) => {
    const overall = response.replace(/\D/g, "").length / Math.max(1, response.length);
    const extracted = { kind: "none", reason: "" } as const;
    return { overall, accuracy: overall, format: 0, extracted, reason: "digits" };
  });

/** A run in a folder: its rollouts, metrics and the adapter it ends with. */
export async function trained(engine: Engine, rollout: object = {}) {
  const config = configOf(rollout);
  const processor = withImageLimits(await loadProcessor(MODEL), config.data);
  const dir = join(await temporaryFolder(), "run");
  const questions = await questionSource(config, { processor });
  const run = await RunFolder.open(dir, config, { isResume: false });
  const quiet = { ...engine, report: () => Promise.resolve({}) };
  const rest = { isResume: false, now: () => 0, rewarder: digits };
  await train({ config, engine: quiet, processor, questions, run, ...rest });
  const rows = async (file: string) =>
    (await readFile(join(dir, file), "utf8"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const [checkpoint = ""] = await readdir(join(dir, "checkpoints"));
  const adapter = await readSafetensors(join(dir, "checkpoints", checkpoint, ADAPTER_WEIGHTS));
  return { rollouts: await rows("rollouts.jsonl"), metrics: await rows("metrics.jsonl"), adapter };
}

type Trained = Awaited<ReturnType<typeof trained>>;

export function largestDifference(a: Trained["adapter"], b: Trained["adapter"]): number {
  expect(Object.keys(a)).toEqual(Object.keys(b));
  const gaps = Object.entries(a).flatMap(([name, { data }]) =>
    Array.from(data, (value, at) => Math.abs(Number(value) - Number(b[name]?.data[at]))),
  );
  return gaps.reduce((most, gap) => Math.max(most, gap), 0);
}

export const ROLLOUT = { server: "http://127.0.0.1:1/v1", adapters: "there" };
const PROMPT = tokenPrompt(Int32Array.of(5, 6, 7), "a prompt");
const DECODING = { temperature: 1, isGreedy: false, topP: 1, topK: 0, maxTokens: 4 };
const KEYS: readonly RngKey[] = [
  [1, 2],
  [3, 4],
];
export const request = { prompts: [PROMPT], responses: 2, decoding: DECODING, streams: [KEYS] };
export const isGenerate = (path: string) => path.endsWith("/generate");
