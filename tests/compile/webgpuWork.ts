/**
 * @module What training asks of a device, small: responses are drawn, then read again, then learnt from with every term
 * of the loss.
 */
import type { Device } from "../../src/compile/runtime/session.js";
import { createLocalPolicy } from "../../src/engine/local/localPolicy.js";
import { createSampler } from "../../src/engine/local/sampler.js";
import { type FakeModelOptions, fakeModel, fakePrompt } from "../support/fakeModel.js";
import { testLearner } from "../support/testLearner.js";

const GREEDY = { temperature: 1, isGreedy: true, topP: 1, topK: 0, maxTokens: 4 };

/** @returns tokens and numbers that do not depend on the device but for rounding */
export async function work(device: Device, family: FakeModelOptions["family"] & string) {
  const model = await fakeModel({ sharpness: 4, family });
  const prompts = await Promise.all([
    fakePrompt(model, { words: "How many red circles?", grids: [[4, 4]] }),
    fakePrompt(model, { words: "blue squares" }),
  ]);
  const sampler = createSampler(createLocalPolicy(model, { runtime: { device } }));
  const drawn = await sampler.sample({ prompts, responses: 2, decoding: GREEDY });
  const readings = prompts.map((prompt, u) => ({
    prompt,
    responses_R: (drawn[u] ?? []).map(({ tokens }) => tokens),
  }));
  const settings = { kl: { use: "loss", estimator: "full" }, update: { entropyCoefficient: 0.01 } } as const;
  const { logProbs, update, first } = testLearner(model, settings, { device, keepsReference: true });
  const read = await logProbs(readings);
  const lessons = readings.map((reading, u) => ({
    ...{ ...reading, advantages_R: [1.5, -0.7] },
    oldLogProbs_R: (read[u] ?? []).map((each) => each.map((value) => value + 0.1)),
  }));
  const { gradNorm } = await update(lessons, { step: 1, learningRate: 0, klCoefficient: 0.1 });
  return {
    tokens: readings.map(({ responses_R }) => responses_R.map((tokens) => [...tokens])),
    numbers: [gradNorm, ...read.flat().flatMap((each) => [...each])],
    gradients: first,
  };
}
