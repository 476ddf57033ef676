import { describe, expect, it } from "vitest";
import { generate } from "../../../src/engine/local/generate.js";
import { createLocalPolicy } from "../../../src/engine/local/localPolicy.js";
import type { Model } from "../../../src/model/load.js";
import type { Processor } from "../../../src/model/processor.js";
import { CASES, imagesOf, loadGolden, pick } from "../parity.js";

// golden: benchmarks/measured/parity/qwen3vl.py. Prompts with two pictures, none and one share a batch here, and are alone there.
describe.each(["qwen3vl/tied", "qwen3vl/untied"] as const)("%s", (golden) => {
  it("samples greedily, with a cache, the tokens that transformers generates", async () => {
    const { model: network, expected } = await loadGolden(golden);
    const { config } = network;
    const model: Model = {
      ...network,
      // The golden rollouts end nowhere.
      config: { ...config, tokens: { ...config.tokens, eos: [] } },
      dir: "",
      processor: { size: config.vocabSize } as Processor,
    };
    const policy = createLocalPolicy(model, {
      readPrompts: async (prompts) =>
        prompts.map(({ id }) => {
          const name = CASES.find((each) => each === id) ?? "textOnly";
          const tokens = Int32Array.from(pick(expected, `${name}.tokens`).data);
          return { tokens, images: imagesOf(expected, name) };
        }),
    });
    const prompts = CASES.map((name) => ({ id: name, name, pieces: [] }));
    const decoding = { temperature: 1, isGreedy: true, topP: 1, topK: 0, maxTokens: 16 };
    const rollouts = await generate(policy, { prompts, responses: 1, decoding });
    const found = rollouts.map(([rollout]) => Array.from(rollout?.tokens ?? []));
    expect(found).toEqual(CASES.map((name) => Array.from(pick(expected, `${name}.greedy`).data)));
  });
});
