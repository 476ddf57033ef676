import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { resolveConfig } from "../../../src/config/load.js";
import type { RngKey } from "../../../src/core/rng.js";
import { withImageLimits } from "../../../src/data/pixels.js";
import type { Engine } from "../../../src/engine/engine.js";
import { loadEngine } from "../../../src/engine/local/engine.js";
import { localSettings } from "../../../src/engine/local/settings.js";
import { type RolloutServerSettings, withRolloutServer } from "../../../src/engine/openAi/rolloutServer.js";
import { seedOf } from "../../../src/engine/openAi/sampler.js";
import { modelFolder } from "../../../src/model/load.js";
import { ADAPTER_WEIGHTS } from "../../../src/model/lora/peft.js";
import { loadProcessor } from "../../../src/model/processor.js";
import { tokenPrompt } from "../../../src/model/prompt.js";
import { readSafetensors, writeSafetensors } from "../../../src/model/safetensors.js";
import type { Rewarder } from "../../../src/reward/rewarder.js";
import { train } from "../../../src/train/loop.js";
import { questionSource } from "../../../src/train/questionSource.js";
import { RunFolder } from "../../../src/train/run/runFolder.js";
import { trainInFolder } from "../../../src/train/trainInFolder.js";
import { temporaryFolder } from "../../support/fakeModel.js";
import { fastClock } from "../../support/tinkerScene.js";
import { startVllm, type VllmOptions } from "../../support/vllmDouble.js";

const MODEL = modelFolder("tiny");
const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

const SETTINGS = {
  expand: { variants: 2 },
  rollout: { responses: 3, maxResponseLength: 12 },
  // AdamW's usual ε would make whole steps of rounding.
  update: { learningRate: 3e-3, optimizerStepsPerRollout: 2, epsilon: 1e-3 },
  train: { steps: 2, questionsPerStep: 2, saveEvery: 2, evaluateQuestions: 2, loggedQuestions: 2 },
  lora: { rank: 4 },
};
const configOf = (rollout: object = {}) =>
  resolveConfig({ ...SETTINGS, rollout: { ...SETTINGS.rollout, ...rollout } }, "test");

async function localEngine(): Promise<Engine> {
  const engine = await loadEngine({ model: MODEL, local: localSettings(configOf()) });
  open.push(engine);
  return engine;
}

interface Stage {
  readonly double?: Partial<VllmOptions>;
  readonly settings?: Partial<RolloutServerSettings>;
  readonly learner?: (engine: Engine) => Engine["learner"];
}

/** A learner here, a server that samples with another engine of the same model, and all that was asked of it. */
async function stage({ double = {}, settings = {}, learner = (engine) => engine.learner }: Stage = {}) {
  const processor = withImageLimits(await loadProcessor(MODEL), configOf().data);
  const streams = new Map<number, readonly RngKey[]>();
  const server = await startVllm({ processor, engine: await localEngine(), streams, ...double });
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
      for (const keys of request.streams ?? []) if (keys[0]) streams.set(seedOf(keys[0]), keys);
      return engine.sampler.sample(request, watch);
    },
  };
  return { engine: { ...engine, sampler }, server, processor, adapters };
}

/** What short answers of an untaught adapter differ in: the share of digits. */
const digits: Rewarder = async (rows) =>
  rows.map(({ response }) => {
    const overall = response.replace(/\D/g, "").length / Math.max(1, response.length);
    const extracted = { kind: "none", reason: "" } as const;
    return { overall, accuracy: overall, format: 0, extracted, reason: "digits" };
  });

/** A run in a folder: its rollouts, metrics and the adapter it ends with. */
async function trained(engine: Engine, rollout: object = {}) {
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

function largestDifference(a: Trained["adapter"], b: Trained["adapter"]): number {
  expect(Object.keys(a)).toEqual(Object.keys(b));
  const gaps = Object.entries(a).flatMap(([name, { data }]) =>
    Array.from(data, (value, at) => Math.abs(Number(value) - Number(b[name]?.data[at]))),
  );
  return gaps.reduce((most, gap) => Math.max(most, gap), 0);
}

const ROLLOUT = { server: "http://127.0.0.1:1/v1", adapters: "there" };
const PROMPT = tokenPrompt(Int32Array.of(5, 6, 7), "a prompt");
const DECODING = { temperature: 1, isGreedy: false, topP: 1, topK: 0, maxTokens: 4 };
const KEYS: readonly RngKey[] = [
  [1, 2],
  [3, 4],
];
const request = { prompts: [PROMPT], responses: 2, decoding: DECODING, streams: [KEYS] };
const isGenerate = (path: string) => path.endsWith("/generate");

describe("rollouts on a server beside a local learner of an adapter", () => {
  it("train what one engine trains: same responses to the same pictures, same adapter", {
    timeout: 300_000,
  }, async () => {
    const alone = await trained(await localEngine());
    const { engine, server, adapters } = await stage();
    const apart = await trained(engine, { ...ROLLOUT, importanceCap: null });
    expect(apart.rollouts).toEqual(alone.rollouts);
    expect(server.calls.some(({ body }) => body.content_parts?.length === 1)).toBe(true);
    expect(largestDifference(apart.adapter, alone.adapter)).toBeLessThan(1e-6);
    // B begins at 0: what it is has been learnt.
    const learnt = Object.entries(alone.adapter).filter(([name]) => name.includes("lora_B"));
    const sizes = learnt.flatMap(([, { data }]) => Array.from(data, (value) => Math.abs(Number(value))));
    expect(sizes.reduce((a, b) => Math.max(a, b))).toBeGreaterThan(1e-4);

    const weighted = await stage();
    const capped = await trained(weighted.engine, ROLLOUT);
    expect(largestDifference(capped.adapter, alone.adapter)).toBeLessThan(1e-6);
    expect(capped.metrics.map((row) => row["rollout/policy_lag"])).toEqual([0, 0]);

    // Each adapter once, under a name and path of its own, and the one before it gone.
    const loads = server.calls.filter(({ path }) => path === "/v1/load_lora_adapter");
    expect(loads.map(({ body }) => body.lora_name)).toEqual(["run-000000", "run-000001", "run-000002"]);
    expect(new Set(loads.map(({ body }) => body.lora_path)).size).toBe(3);
    expect([...server.adapters.keys()]).toEqual(["run-000002"]);
    expect(await readdir(adapters)).toEqual(["run-000002"]);
  });

  it("lag behind where adapters are swapped less often, and say by how much", {
    timeout: 300_000,
  }, async () => {
    const { engine, server } = await stage({ settings: { publishEvery: 2 } });
    const { metrics } = await trained(engine, { ...ROLLOUT, publishEvery: 2 });
    expect(metrics.map((row) => row["rollout/policy_lag"])).toEqual([0, 2]);
    // Evaluations, which are greedy, are of the weights of now.
    const loads = server.calls.filter(({ path }) => path === "/v1/load_lora_adapter");
    expect(loads.length).toBe(2);
  });

  it("go on when the server starts anew, and when an answer to a swap is lost", {
    timeout: 120_000,
  }, async () => {
    const { engine, server } = await stage({
      double: { fault: (path, call) => (path.includes("/load") && call === 0 ? "lost" : undefined) },
    });
    const [before] = await engine.sampler.sample(request);
    expect(before?.[0]?.policyStep).toBe(0);
    expect(server.adapters.size).toBe(1);
    server.restart();
    expect(await engine.sampler.sample(request)).toEqual([before]);
    expect(server.adapters.size).toBe(1);
  });

  it("are what settings ask for: a run from settings alone, resumed under new names", {
    timeout: 300_000,
  }, async () => {
    const { server, adapters } = await stage();
    const out = join(await temporaryFolder(), "run");
    const settings = { ...SETTINGS, engine: { kind: "local" }, data: { kind: "scenes" } };
    const rollout = { ...SETTINGS.rollout, server: server.url, adapters };
    const config = resolveConfig({ ...settings, rollout }, "test");
    const control = new AbortController();
    const stopped = { onStep: () => control.abort(), signal: control.signal };
    await trainInFolder({ config, out, ...stopped });
    const before = new Set(server.calls.map(({ body }) => body.lora_name));
    const { step } = await trainInFolder({ config, out, isResume: true });
    expect(step).toBe(2);
    const after = server.calls.filter(
      ({ path, body }) => path.includes("/load") && !before.has(body.lora_name),
    );
    expect(after.length).toBeGreaterThan(0);
    expect(server.adapters.size).toBe(0);
    expect(await readdir(adapters)).toEqual([]);
  });

  it.each([
    {
      why: "an adapter cannot be loaded",
      double: {
        fault: (path: string) =>
          path.includes("/load")
            ? { status: 500, message: "LoRA rank 4 is greater than max_lora_rank 2" }
            : undefined,
      },
      says: /adapter run-000000 was not loaded: .*max_lora_rank 2.*--max-lora-rank/,
    },
    {
      why: "it reads fewer tokens",
      double: { misread: (tokens: number[]) => tokens.slice(1) },
      says: /vLLM 0\.33\.0 read 2 prompt tokens where 3 were meant: its processor is not the one named here/,
    },
    {
      why: "it reads other tokens",
      double: { misread: ([first = 0, ...rest]: number[]) => [first + 1, ...rest] },
      says: /read another prompt of 3 tokens: token 0 is 6, 5 was meant/,
    },
    {
      why: "it does not answer in time",
      double: { fault: (path: string) => (isGenerate(path) ? ("hang" as const) : undefined) },
      settings: { timeoutMs: 300 },
      says: /no whole answer within 0\.3 s.*after \d attempts/,
    },
  ])("end with the reason when $why", { timeout: 120_000 }, async ({ double, settings = {}, says }) => {
    const { engine } = await stage({ double, settings });
    await expect(engine.sampler.sample(request)).rejects.toThrow(says);
  });

  it("refuse a server of an older version, naming both", async () => {
    await expect(stage({ double: { version: "0.31.2" } })).rejects.toThrow(
      /unsupported version: vLLM 0\.31\.2: its token route is that of 0\.33\.0/,
    );
  });

  it("refuse an adapter of the vision tower unless the server says that it serves them", {
    timeout: 120_000,
  }, async () => {
    const learner = ({ learner: own }: Engine): Engine["learner"] => ({
      ...own,
      async save(folder) {
        await own.save(folder);
        const path = join(folder, ADAPTER_WEIGHTS);
        const [array] = Object.values(await readSafetensors(path));
        if (array) await writeSafetensors(path, { "base_model.model.model.visual.blocks.0.x": array });
      },
    });
    const refused = await stage({ learner });
    await expect(refused.engine.publish()).rejects.toThrow(/rollout\.server: .*visual.*tower.*lora\.targets/);
    const served = await stage({
      learner,
      double: { info: { lora_config: { enable_tower_connector_lora: true } } },
    });
    await served.engine.publish();
    expect(served.server.adapters.size).toBe(1);
  });
});
