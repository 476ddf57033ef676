import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { findRuntime } from "../../../src/compile/runtime/runtime.js";
import type { DeviceMemory, LoadableGraph } from "../../../src/compile/runtime/session.js";
import type { RunConfigInput } from "../../../src/config/schema.js";
import { copyOf } from "../../../src/core/ndarray.js";
import { createLocalPolicy } from "../../../src/engine/local/localPolicy.js";
import { createSampler } from "../../../src/engine/local/sampler.js";
import { type LocalSettings, runtimeOf } from "../../../src/engine/local/settings.js";
import type { Model } from "../../../src/model/load.js";
import type { Reading } from "../../../src/policy/lessons.js";
import { lossSettings } from "../../../src/train/update.js";
import { asCard, hasCompiler } from "../../support/emulatedCard.js";
import { fakeModel, fakePrompt, temporaryFolder } from "../../support/fakeModel.js";
import { testLearner } from "../../support/testLearner.js";

const { runtime } = await findRuntime();
const KEPT = { keepsArrays: true };

// Not the model alone: arrays, too, are made anew, because learning changes them in place.
const sharp = () => fakeModel({ sharpness: 4 });

async function readingsOf(model: Model): Promise<Reading[]> {
  const prompts = await Promise.all([
    fakePrompt(model, { words: "How many red circles?", grids: [[4, 6]] }),
    fakePrompt(model, { words: "blue squares" }),
    fakePrompt(model, { words: "How many blue squares are there?" }),
  ]);
  const responses_R = ["<think>red</think> \\boxed{3}", "four"].map((text) => model.processor.encode(text));
  return prompts.map((prompt) => ({ prompt, responses_R }));
}

const GREEDY = { temperature: 1, isGreedy: true, topP: 1, topK: 0, maxTokens: 12 };

/** All that a learner can go through, and what it says meanwhile. */
async function life(settings: RunConfigInput, local: Partial<LocalSettings>) {
  const model = await sharp();
  const { learner, config, ...test } = testLearner(model, settings, local);
  const readings = await readingsOf(model);
  const lessons = readings.map((reading, u) => ({ ...reading, advantages_R: [1.5 - u, -0.7] }));
  const weighed = lessons.map((lesson) => ({ ...lesson, weights_R: [1, 1] }));
  const sampler = createSampler(
    createLocalPolicy(model, { runtime: runtimeOf(local), weights: learner.weights }),
  );
  const said: unknown[] = [];
  const norms: number[] = [];
  const say = async (what: Promise<unknown>) => said.push(await what);
  const update = async (step: number, of = lessons) => {
    const { gradNorm, ...stats } = await test.update(of, { step, learningRate: 1e-2, klCoefficient: 0.1 });
    norms.push(gradNorm);
    said.push(stats);
  };
  const sample = () =>
    sampler.sample({ prompts: readings.map(({ prompt }) => prompt), responses: 2, decoding: GREEDY });
  await say(sample());
  await update(1);
  await learner.keep();
  await update(2);
  await say(sample());
  await learner.rollback();
  await say(test.logProbs(readings));
  await update(2, lessons.slice(1));
  await update(
    3,
    lessons.map((lesson) => ({ ...lesson, advantages_R: [Number.NaN, 1] })),
  );
  const stopped = { signal: AbortSignal.abort(new Error("stopped")) };
  const loss = lossSettings(config, 0.1);
  await expect(learner.accumulate(weighed, loss, stopped)).rejects.toThrow("stopped");
  const folder = await temporaryFolder();
  await learner.save(folder);
  await update(3);
  await learner.restore(folder, 2);
  await update(3);
  if (local.keepsReference) await say(test.logProbs(readings, "reference"));
  const { params, first, second } = await learner.state();
  const state = [params, first, second].map(copyOf);
  const files = await Promise.all(
    ["model.safetensors", "optimizer.safetensors"].map((name) => readFile(join(folder, name))),
  );
  await learner.close();
  return { said, state, files, norms };
}

/** Settings of a run, and of its engine. */
const LIVES: Readonly<Record<string, readonly [RunConfigInput, Partial<LocalSettings>]>> = {
  "all weights": [{}, {}],
  "a frozen tower, KL, clipped gradients and decay": [
    {
      update: { frozen: "vision", maxGradNorm: 0.01, weightDecay: 0.1 },
      kl: { use: "loss", estimator: "full" },
    },
    { keepsReference: true },
  ],
};

describe("an engine that keeps arrays in the runtime's own memory", () => {
  afterEach(() => vi.restoreAllMocks());

  it.each(Object.entries(LIVES))(
    "lives as one on host arrays, to the last bit: %s",
    async (_, [settings, local]) => {
      expect(await life(settings, { ...local, ...KEPT })).toEqual(await life(settings, local));
    },
  );

  it.skipIf(!hasCompiler)("and by a card's kernels, but for the norm's rounding", async () => {
    const expected = await life({}, {});
    const open = runtime.memory;
    const launched = new Set<string>();
    vi.spyOn(runtime, "memory").mockImplementation(async (device) =>
      asCard((await open(device)) as DeviceMemory, (name) => launched.add(name)),
    );
    const { norms, ...found } = await life({}, KEPT);
    expect([...launched]).toEqual(expect.arrayContaining(["adamw", "fold", "squares"]));
    const { norms: exact, ...rest } = expected;
    expect(found).toEqual(rest);
    for (const [at, norm] of norms.entries()) {
      if (Number.isNaN(norm)) expect(exact[at]).toBeNaN();
      else expect(norm / (exact[at] as number)).toBeCloseTo(1, 13);
    }
  });

  it("adds gradients up in place", async () => {
    const graphs: LoadableGraph[] = [];
    const create = runtime.createSession;
    vi.spyOn(runtime, "createSession").mockImplementation(async (graph, options) => {
      graphs.push(graph);
      return create(graph, options);
    });
    const model = await sharp();
    const { update } = testLearner(model, {}, KEPT);
    const lesson = { ...((await readingsOf(model))[1] as Reading), advantages_R: [1, -1] };
    await update([lesson], { step: 1, learningRate: 1e-3 });
    const [{ inputs, outputs, overwrites } = {} as LoadableGraph] = graphs;
    const apart = outputs.flatMap(({ name }, at) => {
      const sum = inputs.findIndex((input) => input.name === name.replace("out/0/", "in/1/"));
      return sum < 0 || overwrites?.get(at)?.has(sum) ? [] : [name];
    });
    expect(outputs.filter(({ name }) => name.startsWith("out/0/"))).toHaveLength(
      Object.keys(model.params).length,
    );
    expect(apart).toEqual([]);
  });

  it("samples the same tokens and log-probs to the last bit from a model alone", async () => {
    const model = await sharp();
    const prompts = (await readingsOf(model)).map(({ prompt }) => prompt);
    const [host, kept] = await Promise.all(
      [false, true].map((keepsArrays) =>
        createSampler(createLocalPolicy(model, { runtime: { keepsArrays } })).sample({
          prompts,
          responses: 2,
          decoding: GREEDY,
        }),
      ),
    );
    expect(kept).toEqual(host);
  });

  it("samples from matrices of bfloat16 where products are of that, as where they are rounded in every step", async () => {
    const model = await sharp();
    const prompts = (await readingsOf(model)).map(({ prompt }) => prompt);
    const create = runtime.createSession;
    const narrow = new Set<boolean>();
    vi.spyOn(runtime, "createSession").mockImplementation(async (graph, options) => {
      narrow.add(graph.inputs.some(({ type }) => type === "bfloat16"));
      return create(graph, options);
    });
    const sample = (keepsArrays: boolean) => {
      narrow.clear();
      const policy = createLocalPolicy(model, { runtime: { keepsArrays, precision: "bf16" } });
      return createSampler(policy).sample({ prompts, responses: 2, decoding: GREEDY });
    };
    const host = await sample(false);
    expect([...narrow]).toEqual([false]);
    expect(await sample(true)).toEqual(host);
    expect([...narrow].sort()).toEqual([false, true]);
  });

  it("holds nothing once it is closed", async () => {
    const model = await sharp();
    const { learner, logProbs } = testLearner(model, {}, KEPT);
    const readings = await readingsOf(model);
    await logProbs(readings);
    await learner.close();
    await expect(logProbs(readings)).rejects.toThrow("learner: used after it was closed");
  });
});
