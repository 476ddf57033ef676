import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { resolveConfig } from "../../../src/config/load.js";
import type { Engine } from "../../../src/engine/engine.js";
import { ADAPTER_WEIGHTS } from "../../../src/model/lora/peft.js";
import { readSafetensors, writeSafetensors } from "../../../src/model/safetensors.js";
import { trainInFolder } from "../../../src/train/trainInFolder.js";
import { temporaryFolder } from "../../support/fakeModel.js";
import {
  isGenerate,
  largestDifference,
  localEngine,
  ROLLOUT,
  request,
  SETTINGS,
  type Stage,
  stage,
  stageOn,
  trained,
} from "../../support/rolloutScene.js";
import type { DoubleBody } from "../../support/samplerDouble.js";
import { type SglangOptions, startSglang } from "../../support/sglangDouble.js";

/** Servers that adapters are swapped on. */
const SERVERS = [
  { name: "vLLM", scene: stage, load: "/v1/load_lora_adapter", isBatch: false },
  {
    name: "SGLang",
    scene: (rest: Partial<Stage<SglangOptions>> = {}) => stageOn({ start: startSglang, ...rest }),
    load: "/load_lora_adapter",
    isBatch: false,
  },
  {
    name: "SGLang where inference is deterministic",
    scene: (rest: Partial<Stage<SglangOptions>> = {}) =>
      stageOn({ start: startSglang, ...rest, double: { isDeterministic: true, ...rest.double } }),
    load: "/load_lora_adapter",
    isBatch: true,
  },
] as const;

/** A learner whose adapter reaches into the vision tower. */
const withVision = ({ learner: own }: Engine): Engine["learner"] => ({
  ...own,
  async save(folder, parts) {
    await own.save(folder, parts);
    const path = join(folder, ADAPTER_WEIGHTS);
    const [array] = Object.values(await readSafetensors(path));
    if (array) await writeSafetensors(path, { "base_model.model.model.visual.blocks.0.x": array });
  },
});

/** Images of a request, in either server's words. */
const imagesIn = ({ content_parts = [], image_data = [] }: DoubleBody) => [
  ...content_parts,
  ...image_data.flat(),
];

describe.each(SERVERS)(
  "rollouts on $name beside a local learner of an adapter",
  ({ scene, load, isBatch }) => {
    it("train what one engine trains: same responses to the same pictures, same adapter", {
      timeout: 300_000,
    }, async () => {
      const alone = await trained(await localEngine());
      const { engine, server, adapters } = await scene();
      const apart = await trained(engine, { ...ROLLOUT, importanceCap: null });
      expect(apart.rollouts).toEqual(alone.rollouts);
      const generated = server.calls.filter(({ path }) => isGenerate(path));
      const { responses } = SETTINGS.rollout;
      const perRequest = isBatch ? responses : 1;
      expect(generated.some(({ body }) => imagesIn(body).length === perRequest)).toBe(true);
      expect(generated.some(({ body }) => Array.isArray(body.input_ids?.[0]))).toBe(isBatch);
      expect(largestDifference(apart.adapter, alone.adapter)).toBeLessThan(1e-6);
      // B begins at 0: what it is has been learnt.
      const learnt = Object.entries(alone.adapter).filter(([name]) => name.includes("lora_B"));
      const sizes = learnt.flatMap(([, { data }]) => Array.from(data, (value) => Math.abs(Number(value))));
      expect(sizes.reduce((a, b) => Math.max(a, b))).toBeGreaterThan(1e-4);

      // Each adapter once, under a name and path of its own, without moments, and the one before it gone.
      const loads = server.calls.filter(({ path }) => path === load);
      expect(loads.map(({ body }) => body.lora_name)).toEqual(["run-000000", "run-000001", "run-000002"]);
      expect(new Set(loads.map(({ body }) => body.lora_path)).size).toBe(3);
      expect([...server.adapters.keys()]).toEqual(["run-000002"]);
      expect(await readdir(adapters)).toEqual(["run-000002"]);
      const files = await readdir(join(adapters, "run-000002"));
      expect(files.filter((name) => name.endsWith(".safetensors"))).toEqual([ADAPTER_WEIGHTS]);
    });

    it("go on when the server starts anew, and when answers to a swap are lost", {
      timeout: 120_000,
    }, async () => {
      const { engine, server } = await scene({
        double: { fault: (path, call) => (path.includes("load_lora") && call === 0 ? "lost" : undefined) },
      });
      const [before] = await engine.sampler.sample(request);
      expect(before?.[0]?.policyStep).toBe(0);
      expect(server.adapters.size).toBe(1);
      server.restart();
      expect(await engine.sampler.sample(request)).toEqual([before]);
      expect(server.adapters.size).toBe(1);
      await engine.publish();
      expect([...server.adapters.keys()]).toEqual(["run-000001"]);
    });
  },
);

describe("rollouts on a server beside a local learner of an adapter", () => {
  it("are weighted by how far the sampler is from the learner: nothing where they are one", {
    timeout: 300_000,
  }, async () => {
    const alone = await trained(await localEngine());
    const weighted = await stage();
    const capped = await trained(weighted.engine, ROLLOUT);
    expect(largestDifference(capped.adapter, alone.adapter)).toBeLessThan(1e-6);
    expect(capped.metrics.map((row) => row["rollout/policy_lag"])).toEqual([0, 0]);
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

  it("take a server of a newer version than those known, and say so", async () => {
    const said: string[] = [];
    await stage({ double: { version: "0.35.0" }, settings: { onNote: (note) => said.push(note) } });
    expect(said).toEqual(["rollouts by vLLM 0.35.0 (newer than 0.33.0, the newest known here)"]);
  });

  it("refuse an adapter of the vision tower unless the server says that it serves them", {
    timeout: 120_000,
  }, async () => {
    const refused = await stage({ learner: withVision });
    await expect(refused.engine.publish()).rejects.toThrow(/rollout\.server: .*visual.*tower.*lora\.targets/);
    const served = await stage({
      learner: withVision,
      double: { info: { lora_config: { enable_tower_connector_lora: true } } },
    });
    await served.engine.publish();
    expect(served.server.adapters.size).toBe(1);
  });

  it("refuse an adapter of the vision tower on SGLang, which serves none", { timeout: 120_000 }, async () => {
    const refused = await stageOn({ start: startSglang, learner: withVision });
    await expect(refused.engine.publish()).rejects.toThrow(
      /rollout\.server: .*visual.*SGLang serves adapters of the decoder alone.*lora\.targets/,
    );
  });

  it("refuse SGLang that was started without adapters, before anything is written", async () => {
    await expect(stageOn({ start: startSglang, double: { hasNoLora: true } })).rejects.toThrow(
      /no adapters: start it with --enable-lora, --max-lora-rank.*--lora-target-modules/,
    );
  });

  it("end with SGLang's own words where an adapter cannot be loaded", { timeout: 120_000 }, async () => {
    const settings = { adaptersThere: "/elsewhere" };
    const { engine } = await stageOn({ start: startSglang, settings });
    await expect(engine.sampler.sample(request)).rejects.toThrow(
      /adapter run-000000 was not loaded: .*Can't find 'adapter_config\.json' at '\/elsewhere\/run-000000'.*the server must see \/elsewhere/,
    );
  });

  it.each([
    { why: "in its queue", abort: () => ({}), says: /gave a response up \(Abort in waiting queue\)/ },
    { why: "because it is full", abort: () => ({ status: 503 }), says: undefined },
  ])("ask again what SGLang gives up $why", { timeout: 120_000 }, async ({ abort, says }) => {
    const once = await stageOn({
      start: startSglang,
      double: { abort: (call: number) => (call === 0 ? abort() : undefined) },
    });
    const quiet = await stageOn({ start: startSglang });
    expect(await once.engine.sampler.sample(request)).toEqual(await quiet.engine.sampler.sample(request));
    if (!says) return;
    const never = await stageOn({ start: startSglang, double: { abort } });
    await expect(never.engine.sampler.sample(request)).rejects.toThrow(says);
  });

  it("ask again what vLLM gives up", { timeout: 120_000 }, async () => {
    const edit = (answer: string) => answer.replaceAll('"length"', '"abort"').replaceAll('"stop"', '"abort"');
    const fault = (path: string, call: number) => (isGenerate(path) && call === 0 ? { edit } : undefined);
    const { engine, server } = await stage({ double: { fault } });
    expect((await engine.sampler.sample(request))[0]).toHaveLength(2);
    expect(server.calls.filter(({ path }) => isGenerate(path))).toHaveLength(2);
  });
});
