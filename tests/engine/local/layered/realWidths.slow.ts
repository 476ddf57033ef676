/**
 * Layer by layer against the network as one graph at 3B's real widths: two layers of the decoder, eight blocks of the
 * vision tower, a small vocabulary. Takes about 3 GB and two minutes.
 */
import { join } from "node:path";
import { expect, it } from "vitest";
import { writeRandomModel } from "../../../../benchmarks/measured/large/randomModel.js";
import { valueAndGrad } from "../../../../src/compile/grad.js";
import { jit } from "../../../../src/compile/jit.js";
import { DECODER_TARGETS } from "../../../../src/config/engine.js";
import { type Params, scalar } from "../../../../src/core/ndarray.js";
import { Rng } from "../../../../src/core/rng.js";
import { type TensorParams, tf } from "../../../../src/core/tf.js";
import { responseScores } from "../../../../src/engine/local/forward.js";
import { createLayeredLearner } from "../../../../src/engine/local/layered/learner.js";
import { layeredModel, openModel } from "../../../../src/engine/local/layered/model.js";
import { type LossBatch, lossBatch } from "../../../../src/engine/local/lossBatch.js";
import { createPromptReader } from "../../../../src/engine/local/promptReader.js";
import { tokenLoss } from "../../../../src/engine/local/tokenLoss.js";
import { loadModel } from "../../../../src/model/load.js";
import { adapterScales, initAdapter } from "../../../../src/model/lora/adapter.js";
import type { Sampler } from "../../../../src/model/transformer/decode.js";
import { packUnits, tokenBias } from "../../../../src/model/transformer/pack.js";
import { pickLogProbs } from "../../../../src/model/transformer/pick.js";
import { SURROGATE_DEFAULTS } from "../../../../src/policy/surrogate.js";
import { largestDifference } from "../../../model/parity.js";
import { fakePrompt, temporaryFolder } from "../../../support/fakeModel.js";
import { PROBE } from "../../../support/testLearner.js";

it("gives the log-probabilities and gradients of one graph at 3B's widths", {
  timeout: 900_000,
}, async () => {
  const dir = join(await temporaryFolder(), "model");
  await writeRandomModel({ size: "3b", layers: 2, visionDepth: 8, vocabSize: 1024, out: dir });
  const model = await loadModel(dir);
  const adapter = initAdapter(
    model,
    { rank: 16, alpha: 32, usesRslora: false, targets: DECODER_TARGETS },
    Rng.fromSeed(1),
  );
  const draws = Rng.fromSeed(2);
  for (const { data } of Object.values(adapter.params)) {
    for (let at = 0; at < data.length; at++) data[at] = 0.02 * draws.normal();
  }
  const grids: [number, number][] = [[8, 12]];
  const prompts = await Promise.all(
    ["How many red circles?", "Count the blue squares."].map((words) => fakePrompt(model, { words, grids })),
  );
  const responses_R = ["<think>red</think> \\boxed{3}", "four"].map((text) => model.processor.encode(text));
  const near = () => responses_R.map(({ length }) => Float32Array.from({ length }, () => -6.5));
  const lessons = prompts.map((prompt) => ({
    ...{ prompt, responses_R, advantages_R: [1.5, -0.7], weights_R: [0.02, 0.03] },
    oldLogProbs_R: near(),
  }));
  const readPrompts = createPromptReader(model.processor);
  const units = (await readPrompts(prompts)).map((prompt) => ({ prompt, responses: responses_R }));
  const packed = packUnits(units, model);
  const sampler = { temperature: scalar(1), tokenBias: tokenBias(model.config, model.processor.size) };
  const form = { ...SURROGATE_DEFAULTS, entropyCoefficient: 0 };
  const loss = tokenLoss(form, "none");
  const oracle = jit(
    valueAndGrad((trained: TensorParams, frozen: TensorParams, batch: LossBatch, host: Sampler) => {
      const scores = responseScores({ ...frozen, ...trained }, model, batch.packed, host);
      const logProbs = pickLogProbs(scores, tf.reshape(batch.packed.responseTokens, [-1]));
      const { loss: value, aux } = loss({ logProbs, entropies: undefined }, batch);
      return { loss: value, aux: { aux, logProbs: tf.clone(logProbs) } };
    }),
    { name: "oracle" },
  );
  const frozen = { ...model.params, ...adapterScales(adapter) };
  const expected = await oracle(adapter.params, frozen, lossBatch(lessons, packed), sampler);

  const layered = layeredModel(await openModel(dir));
  const learner = createLayeredLearner(layered, { adapter, readPrompts, microBatch: 2 });
  const found = await learner.logProbs({ readings: lessons, of: "policy", temperature: 1 });
  const [, R = 0, T = 0] = expected.aux.logProbs.shape;
  for (const [u, rows] of found.entries()) {
    for (const [r, row] of rows.entries()) {
      const begin = (u * R + r) * T;
      const theirs = expected.aux.logProbs.data.subarray(begin, begin + row.length);
      expect(largestDifference(row, theirs)).toBeLessThan(1e-5);
    }
  }
  await learner.accumulate(lessons, { ...form, temperature: 1 });
  await learner.apply(PROBE);
  for (const [name, { data }] of Object.entries(expected.grads as Params)) {
    const largest = largestDifference(data, new Float32Array(data.length));
    expect(largestDifference(learner.first[name]?.data ?? [], data) / largest, name).toBeLessThan(1e-5);
  }
  await layered.store.close();
});
