import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { valueAndGrad } from "../../../../src/compile/grad.js";
import { jit } from "../../../../src/compile/jit.js";
import { DECODER_TARGETS } from "../../../../src/config/engine.js";
import { ConfigError } from "../../../../src/core/errors.js";
import { type NdArray, type Params, scalar } from "../../../../src/core/ndarray.js";
import { Rng, type RngKey } from "../../../../src/core/rng.js";
import { type TensorParams, tf } from "../../../../src/core/tf.js";
import type { LossSettings } from "../../../../src/engine/engine.js";
import { responseLogProbs, responseScores, tokenEntropies } from "../../../../src/engine/local/forward.js";
import { createLayeredEngine } from "../../../../src/engine/local/layered/engine.js";
import { createLayeredLearner } from "../../../../src/engine/local/layered/learner.js";
import { type LayeredModel, layeredModel, openModel } from "../../../../src/engine/local/layered/model.js";
import { createLayeredPolicy } from "../../../../src/engine/local/layered/policy.js";
import { createLocalPolicy } from "../../../../src/engine/local/localPolicy.js";
import { type LossBatch, lossBatch } from "../../../../src/engine/local/lossBatch.js";
import { createPromptReader } from "../../../../src/engine/local/promptReader.js";
import { createSampler } from "../../../../src/engine/local/sampler.js";
import { tokenLoss } from "../../../../src/engine/local/tokenLoss.js";
import type { Model } from "../../../../src/model/load.js";
import {
  type Adapter,
  adapterScales,
  initAdapter,
  mergedWeight,
} from "../../../../src/model/lora/adapter.js";
import { readAdapter } from "../../../../src/model/lora/peft.js";
import type { LoraSpec } from "../../../../src/model/lora/spec.js";
import type { Sampler } from "../../../../src/model/transformer/decode.js";
import { type PackedUnits, packUnits, tokenBias } from "../../../../src/model/transformer/pack.js";
import { pickLogProbs } from "../../../../src/model/transformer/pick.js";
import type { Lesson } from "../../../../src/policy/lessons.js";
import { SURROGATE_DEFAULTS } from "../../../../src/policy/surrogate.js";
import { largestDifference } from "../../../model/parity.js";
import { fakeModel, fakePrompt } from "../../../support/fakeModel.js";
import { PROBE } from "../../../support/testLearner.js";

const FAMILIES = ["qwen2_5_vl", "qwen3_vl"] as const;
const SPEC: LoraSpec = {
  rank: 3,
  alpha: 6,
  usesRslora: true,
  targets: DECODER_TARGETS,
  rankPattern: { k_proj: 2 },
};
const TEMPERATURE = 0.8;
const LOSS: LossSettings = { ...SURROGATE_DEFAULTS, temperature: TEMPERATURE, entropyCoefficient: 0.02 };

interface Case {
  readonly model: Model;
  readonly layered: LayeredModel;
  readonly adapter: Adapter;
  readonly lessons: readonly Lesson[];
}

/** An adapter that changes something: B is not 0. */
function drawnAdapter(model: Model, seed: number): Adapter {
  const adapter = initAdapter(model, SPEC, Rng.fromSeed(seed));
  const draws = Rng.fromSeed(seed + 1);
  for (const [name, { data }] of Object.entries(adapter.params)) {
    if (!name.includes("lora_B")) continue;
    for (let at = 0; at < data.length; at++) data[at] = 0.2 * draws.normal();
  }
  return adapter;
}

async function make(family: (typeof FAMILIES)[number]): Promise<Case> {
  const model = await fakeModel({ family, sharpness: 4 });
  const prompts = await Promise.all([
    fakePrompt(model, {
      words: "How many red circles?",
      grids: [
        [4, 6],
        [4, 4],
      ],
    }),
    fakePrompt(model, { words: "blue squares" }),
    fakePrompt(model, { words: "How many blue squares are there?", grids: [[4, 4]] }),
  ]);
  const responses = ["<think>red</think> \\boxed{3}", "four", "\\boxed{4}"].map((text) =>
    model.processor.encode(text),
  );
  const draws = Rng.fromSeed(5);
  const near = (of: number) =>
    responses.map(({ length }) => Float32Array.from({ length }, () => of + 0.3 * draws.normal()));
  const lessons = prompts.map((prompt, u) => ({
    prompt,
    responses_R: responses,
    advantages_R: [1.5, -0.7, 0.4 - u],
    oldLogProbs_R: near(-4),
    referenceLogProbs_R: near(-4.2),
    weights_R: [0.02, 0.03, 0.01],
  }));
  return {
    model,
    layered: layeredModel(await openModel(model.dir)),
    adapter: drawnAdapter(model, 3),
    lessons,
  };
}

const cases = new Map<string, Case>();
beforeAll(async () => {
  for (const family of FAMILIES) cases.set(family, await make(family));
});
afterAll(async () => {
  for (const { layered } of cases.values()) await layered.store.close();
});
const caseOf = (family: string) => cases.get(family) as Case;

function learnerOf({ model, layered, adapter }: Case, microBatch = 2) {
  const readPrompts = createPromptReader(model.processor);
  return createLayeredLearner(layered, { adapter, readPrompts, microBatch });
}

/** The batch and what samples, for the network as one graph. */
async function whole({ model, lessons }: Case) {
  const prompts = await createPromptReader(model.processor)(lessons.map(({ prompt }) => prompt));
  const packed = packUnits(
    prompts.map((prompt, u) => ({ prompt, responses: lessons[u]?.responses_R ?? [] })),
    model,
  );
  const sampler = {
    temperature: scalar(TEMPERATURE),
    tokenBias: tokenBias(model.config, model.processor.size),
  };
  return { packed, sampler };
}

/** `[reading][r][t]` of `[U, R, T]` numbers. */
function perToken(all: NdArray, lessons: readonly Lesson[]): number[][][] {
  const [, R = 0, T = 0] = all.shape;
  return lessons.map(({ responses_R }, u) =>
    responses_R.map((response, r) => [
      ...all.data.subarray((u * R + r) * T, (u * R + r) * T + response.length),
    ]),
  );
}

describe.each(FAMILIES)("a layered learner of %s", (family) => {
  it("gives the log-probabilities of the network as one graph, with and without the adapter", async () => {
    const one = caseOf(family);
    const { model, adapter, lessons } = one;
    const { packed, sampler } = await whole(one);
    const graph = jit(
      (params: TensorParams, batch: PackedUnits, host: Sampler) =>
        responseLogProbs(params, model, batch, { sampler: host }),
      { name: "oracle" },
    );
    const learner = learnerOf(one);
    for (const of of ["policy", "reference"] as const) {
      const adapters = of === "policy" ? { ...adapter.params, ...adapterScales(adapter) } : {};
      const expected = perToken(await graph({ ...model.params, ...adapters }, packed, sampler), lessons);
      const found = await learner.logProbs({ readings: lessons, of, temperature: TEMPERATURE });
      expect(
        largestDifference(
          found.flat().flatMap((row) => [...row]),
          expected.flat(2),
        ),
      ).toBeLessThan(1e-5);
    }
  });

  it("gives its loss, sums and gradients, with KL and entropy terms", async () => {
    const one = caseOf(family);
    const { model, adapter, lessons } = one;
    const { packed, sampler } = await whole(one);
    const kl = { term: "low_var_kl", coefficient: 0.1 } as const;
    const { temperature: _, ...form } = LOSS;
    const loss = tokenLoss(form, kl.term);
    const oracle = jit(
      valueAndGrad((trained: TensorParams, frozen: TensorParams, batch: LossBatch, host: Sampler) => {
        const scores = responseScores({ ...frozen, ...trained }, model, batch.packed, host);
        const all = tf.logSoftmax(scores);
        const labels = tf.reshape(batch.packed.responseTokens, [-1]);
        return loss({ logProbs: pickLogProbs(scores, labels), entropies: tokenEntropies(all) }, batch);
      }),
      { name: "oracle gradient" },
    );
    const frozen = { ...model.params, ...adapterScales(adapter) };
    const expected = await oracle(
      adapter.params,
      frozen,
      lossBatch(lessons, packed, kl.coefficient),
      sampler,
    );
    const learner = learnerOf(one);
    const sums = await learner.accumulate(lessons, { ...LOSS, kl });
    const found = new Map(Object.entries(sums));
    for (const [name, { data }] of Object.entries(expected.aux as Params)) {
      expect(found.get(name), name).toBeCloseTo(data[0] as number, 3);
    }
    const before = structuredClone(adapter.params);
    await learner.apply(PROBE);
    for (const [name, { data }] of Object.entries(expected.grads as Params)) {
      const largest = Math.max(...Array.from(data, Math.abs));
      expect(largestDifference(learner.first[name]?.data ?? [], data) / largest, name).toBeLessThan(2e-5);
    }
    expect(adapter.params).toEqual(before);
  });

  it("samples what the merged weights sample", async () => {
    const { model, layered, adapter, lessons } = caseOf(family);
    const merged = Object.fromEntries(
      adapter.modules.map((module) => {
        const weight = `${module.name}.weight`;
        return [weight, mergedWeight(model.params[weight] as NdArray, module, adapter.params)];
      }),
    );
    const readPrompts = createPromptReader(model.processor);
    const streams = lessons.map((_, u) =>
      [0, 1].map((r) => Rng.fromSeed(u).split("response", r).key as RngKey),
    );
    const request = {
      prompts: lessons.map(({ prompt }) => prompt),
      responses: 2,
      decoding: { temperature: 1, isGreedy: false, topP: 1, topK: 0, maxTokens: 40 },
      streams,
    };
    const one = createSampler(
      createLocalPolicy({ ...model, params: { ...model.params, ...merged } }, { readPrompts }),
    );
    const other = createSampler(createLayeredPolicy(layered, readPrompts, { adapter }));
    const [expected, found] = [await one.sample(request), await other.sample(request)];
    expect(found.flat().map(({ tokens }) => [...tokens])).toEqual(
      expected.flat().map(({ tokens }) => [...tokens]),
    );
    const logProbs = (rollouts: typeof found) => rollouts.flat().flatMap((rollout) => [...rollout.logProbs]);
    expect(largestDifference(logProbs(found), logProbs(expected))).toBeLessThan(1e-4);
  });
});

describe("a layered learner", () => {
  it("gives the same whatever the micro-batch", async () => {
    const one = caseOf("qwen2_5_vl");
    const gradient = async (microBatch: number) => {
      const learner = learnerOf(one, microBatch);
      await learner.accumulate(one.lessons, LOSS);
      await learner.apply(PROBE);
      return Object.values(learner.first).flatMap(({ data }) => [...data]);
    };
    const [whole, single] = [await gradient(3), await gradient(1)];
    expect(largestDifference(whole, single) / Math.max(...whole.map(Math.abs))).toBeLessThan(2e-5);
  });

  it("learns without old log-probs, and some responses fewer, as with those of now and all", async () => {
    const one = caseOf("qwen2_5_vl");
    const step = { step: 1, learningRate: 0, maxGradNorm: 1e9, weightDecay: 0 };
    const loss = { ...LOSS, entropyCoefficient: 0 }; // an entropy term learns from all
    const gradient = async (lessons: readonly Lesson[]) => {
      const learner = learnerOf(one);
      const { logProbs } = await learner.accumulate(lessons, loss);
      await learner.apply({ ...step, beta1: 0, beta2: 0.9, epsilon: 1e-8 });
      return { logProbs, values: Object.values(learner.first).flatMap(({ data }) => [...data]) };
    };
    const readings = one.lessons.map((lesson) => ({ ...lesson, advantages_R: [1.5, 0, 0] }));
    const now = await learnerOf(one).logProbs({ readings, of: "policy", temperature: LOSS.temperature });
    const told = readings.map((lesson, u) => ({ ...lesson, oldLogProbs_R: now[u] ?? [] }));
    const untold = one.lessons.map(({ prompt, responses_R, weights_R }) => ({
      ...{
        prompt,
        responses_R: responses_R.slice(0, 1),
        weights_R: weights_R.slice(0, 1),
        advantages_R: [1.5],
      },
    }));
    const [a, b] = [await gradient(told), await gradient(untold)];
    expect(a.logProbs).toEqual(now);
    expect(b.logProbs.map((rows_R) => rows_R.map(({ length }) => length))).toEqual(
      untold.map(({ responses_R }) => responses_R.map(({ length }) => length)),
    );
    const largest = Math.max(...a.values.map(Math.abs));
    expect(largest).toBeGreaterThan(1e-4);
    expect(largestDifference(a.values, b.values) / largest).toBeLessThan(2e-5);
  });

  it("goes on from its files as if it had not stopped, and peft's reader finds every tensor", async () => {
    const { model, lessons } = caseOf("qwen2_5_vl");
    const folder = await mkdtemp(join(tmpdir(), "adapter-state-"));
    const settings = { microBatch: 3, maxRows: 8, keepsReference: false, lora: { spec: SPEC, seed: 1 } };
    const at = {
      learningRate: 0.01,
      maxGradNorm: 1,
      weightDecay: 0.01,
      beta1: 0.9,
      beta2: 0.99,
      epsilon: 1e-8,
    };
    const open = async () => createLayeredEngine(await openModel(model.dir), settings);
    const [one, other] = [await open(), await open()];
    const step = async ({ learner }: typeof one, number: number) => {
      await learner.accumulate(lessons, LOSS);
      return learner.apply({ ...at, step: number });
    };
    await step(one, 1);
    await one.learner.save(folder);
    await other.learner.restore(folder, 1);
    expect(await step(other, 2)).toEqual(await step(one, 2));
    const read = async ({ learner }: typeof one) =>
      learner.logProbs({ readings: lessons, of: "policy", temperature: 1 });
    expect(await read(other)).toEqual(await read(one));
    const adapter = await readAdapter(folder, model);
    expect(Object.keys(adapter.params)).toHaveLength(2 * 7 * model.config.layers);
    await Promise.all([one.close(), other.close()]);
    await rm(folder, { recursive: true });
  });

  it("refuses adapters of the vision tower, which it keeps what it computed of", async () => {
    const { model } = caseOf("qwen2_5_vl");
    const lora = { spec: { ...SPEC, targets: "all-linear", rankPattern: {} }, seed: 1 };
    const opened = await openModel(model.dir);
    const settings = { microBatch: 3, maxRows: 8, keepsReference: false, lora };
    expect(() => createLayeredEngine(opened, settings)).toThrow(ConfigError);
    expect(() => createLayeredEngine(opened, settings)).toThrow(
      /unsupported modules: visual\.blocks\.0\.attn\.qkv/,
    );
    await opened.store.close();
  });
});
