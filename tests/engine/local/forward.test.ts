import { beforeAll, describe, expect, it } from "vitest";
import { valueAndGrad } from "../../../src/compile/grad.js";
import { jit } from "../../../src/compile/jit.js";
import { scalar } from "../../../src/core/ndarray.js";
import { type Tensor, type TensorParams, tf } from "../../../src/core/tf.js";
import { responseLogProbs } from "../../../src/engine/local/forward.js";
import type { Model } from "../../../src/model/load.js";
import type { Sampler } from "../../../src/model/transformer/decode.js";
import { type PackedUnits, packUnits, tokenBias, type Unit } from "../../../src/model/transformer/pack.js";
import { largestDifference } from "../../model/parity.js";
import { fakeModel, fakePrompt } from "../../support/fakeModel.js";

const TEXTS = ["<think>red</think> \\boxed{3}", "four", "<think>blue squares: 1 + 2 = 3</think>"];

describe.each(["qwen2_5_vl", "qwen3_vl"] as const)("responseLogProbs of %s", (family) => {
  let model: Model;
  let units: Unit[];
  beforeAll(async () => {
    model = await fakeModel({ family, sharpness: 4 });
    const responses = TEXTS.map((text) => model.processor.encode(text));
    const grids: [number, number][] = [
      [4, 6],
      [6, 4],
    ];
    const prompts = await Promise.all([
      fakePrompt(model, { words: "How many red circles?", grids }),
      fakePrompt(model, { words: "blue squares" }),
    ]);
    units = prompts.map((prompt) => ({ prompt, responses }));
  });

  /** Values and gradients of Σ sin(place)·log π over all response tokens, summed over graphs of such units. */
  async function read(chunks: readonly (readonly Unit[])[]) {
    const lossOf = valueAndGrad((params: TensorParams, batch: PackedUnits, sampler: Sampler) => {
      const logProbs = responseLogProbs(params, model, batch, { sampler });
      const T = logProbs.shape[2] as number;
      const weights = tf.mul(tf.sin(tf.range(1, T + 1, 1, "float32")), batch.responseMask);
      return { loss: tf.sum(tf.mul(logProbs, weights)), aux: { logProbs } };
    });
    const run = jit(
      (params: TensorParams, batch: PackedUnits, sampler: Sampler) => {
        const { aux, grads } = lossOf(params, batch, sampler);
        return { logProbs: aux["logProbs"] as Tensor, grads };
      },
      { name: "read" },
    );
    const bias = tokenBias(model.config, model.processor.size);
    const logProbs: number[] = [];
    const gradients: Record<string, Float64Array> = {};
    for (const chunk of chunks) {
      const packed = packUnits(chunk, model);
      const found = await run(model.params, packed, { temperature: scalar(0.9), tokenBias: bias });
      logProbs.push(...found.logProbs.data.filter((_, at) => packed.responseMask.data[at] === 1));
      for (const [name, { data }] of Object.entries(found.grads)) {
        const before = gradients[name];
        gradients[name] = Float64Array.from(data, (value, at) => value + (before?.[at] ?? 0));
      }
    }
    await run.dispose();
    return { logProbs, gradients };
  }

  it("reads a shared prompt as it reads one row per response, in values and every gradient", async () => {
    const shared = await read([units]);
    const naive = await read(
      units.flatMap(({ prompt, responses }) =>
        responses.map((response) => [{ prompt, responses: [response] }]),
      ),
    );
    expect(largestDifference(shared.logProbs, naive.logProbs)).toBeLessThan(1e-4);
    const names = Object.keys(model.params);
    expect(Object.keys(shared.gradients).sort()).toEqual(names.sort());
    const differences = names.map((name) => {
      const [a, b] = [shared.gradients[name] as Float64Array, naive.gradients[name] as Float64Array];
      const scale = b.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
      return { name, scale, difference: largestDifference(a, b) / Math.max(scale, 1e-3) };
    });
    expect(differences.filter(({ difference }) => !(difference < 1e-3))).toEqual([]);
    // Keys shifted alike change no softmax: their bias alone has no gradient.
    const idle = differences.filter(({ scale }) => scale < 1e-5).map(({ name }) => name);
    expect(idle.filter((name) => !/k_proj\.bias$/.test(name))).toEqual([]);
  });
});
