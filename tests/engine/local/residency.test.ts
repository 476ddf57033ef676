import { describe, expect, it } from "vitest";
import { generate } from "../../../src/engine/local/generate.js";
import { createLocalPolicy } from "../../../src/engine/local/localPolicy.js";
import type { Model } from "../../../src/model/load.js";
import { fakeModel, fakePrompt } from "../../support/fakeModel.js";
import { testLearner } from "../../support/testLearner.js";

// Not the model alone: arrays, too, are made anew, because learning changes them in place.
const sharp = () => fakeModel({ sharpness: 4 });

async function readings(model: Model) {
  const prompts = await Promise.all([
    fakePrompt(model, { words: "How many red circles?", grids: [[4, 6]] }),
    fakePrompt(model, { words: "blue squares" }),
    fakePrompt(model, { words: "How many blue squares are there?" }),
  ]);
  const responses_R = ["<think>red</think> \\boxed{3}", "four"].map((text) => model.processor.encode(text));
  return prompts.map((prompt) => ({ prompt, responses_R }));
}

/** Two updates of three lessons each, two prompts in a graph, and log-probs afterwards. */
async function trained(keepsArrays: boolean) {
  const model = await sharp();
  const learner = testLearner(model, {}, { keepsArrays });
  const lessons = (await readings(model)).map((reading, u) => ({
    ...reading,
    advantages_R: [1.5 - u, -0.7],
  }));
  for (const step of [1, 2]) await learner.update(lessons, { step, learningRate: 1e-3 });
  return { ...(await learner.learner.state()), logProbs: await learner.logProbs(lessons) };
}

describe("an engine that keeps arrays in the runtime's own memory", () => {
  it("learns the same weights, moments and log-probs to the last bit", async () => {
    expect(await trained(true)).toEqual(await trained(false));
  });

  it("samples the same tokens and log-probs to the last bit", async () => {
    const model = await sharp();
    const prompts = (await readings(model)).map(({ prompt }) => prompt);
    const decoding = { temperature: 1, isGreedy: true, topP: 1, topK: 0, maxTokens: 12 };
    const [host, kept] = await Promise.all(
      [false, true].map((keepsArrays) =>
        generate(createLocalPolicy(model, { runtime: { keepsArrays } }), { prompts, responses: 2, decoding }),
      ),
    );
    expect(kept).toEqual(host);
  });

  it("goes on after a batch that was interrupted", async () => {
    const model = await sharp();
    const { learner, config } = testLearner(model, {}, { keepsArrays: true });
    const { temperature } = config.rollout;
    const stop = new AbortController();
    stop.abort(new Error("stopped"));
    const request = { readings: await readings(model), of: "policy", temperature } as const;
    await expect(learner.logProbs(request, { signal: stop.signal })).rejects.toThrow("stopped");
    expect(await learner.logProbs(request)).toHaveLength(3);
  });
});
