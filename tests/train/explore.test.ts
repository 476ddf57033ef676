import { describe, expect, it } from "vitest";
import { resolveConfig } from "../../src/config/load.js";
import { Rng } from "../../src/core/rng.js";
import { createEngine } from "../../src/engine/local/engine.js";
import { localSettings } from "../../src/engine/local/settings.js";
import { askQuestions, tokenTexts } from "../../src/train/explore.js";
import { fakeModel } from "../support/fakeModel.js";
import { taughtQuestion } from "../support/taughtModel.js";

async function ask(settings: object) {
  const model = await fakeModel({ sharpness: 10, endWeight: 6 });
  const config = resolveConfig({ rollout: { responses: 3, maxResponseLength: 8 }, ...settings }, "x");
  const engine = createEngine(model, localSettings(config));
  const explorer = { config, engine, processor: model.processor };
  return askQuestions([taughtQuestion(0), taughtQuestion(1)], explorer, Rng.fromSeed(1));
}

describe("askQuestions", () => {
  it("asks each question m·n times and reads every response under every prompt", async () => {
    const asked = await ask({});
    expect(asked.map(({ group }) => group.question.id)).toEqual(["q0", "q1"]);
    for (const { group, prompts_M, readings_M } of asked) {
      expect(group.responses.map((responses_N) => responses_N.length)).toEqual([3, 3]);
      expect(group.pairs).toHaveLength(2 * 2 * 3);
      expect(readings_M.map(({ prompt }) => prompt)).toEqual(prompts_M);
      expect(readings_M.map(({ responses_R }) => responses_R.length)).toEqual([6, 6]);
    }
  });

  it("reads responses under their own prompt only for a baseline", async () => {
    const [first] = await ask({ update: { algorithm: "grpo" } });
    expect(first?.group.pairs.every(({ j, k }) => j === k)).toBe(true);
    expect(first?.readings_M.map(({ responses_R }) => responses_R.length)).toEqual([3, 3]);
  });
});

describe("tokenTexts", () => {
  it("are the words of single tokens, special ones too, which together are the text", async () => {
    const text = "How many red circles? \\boxed{3}";
    const { processor, config } = await fakeModel();
    const words = processor.encode(text);
    const texts = tokenTexts(processor, [...words, ...config.tokens.eos]);
    expect(texts.slice(0, words.length).join("")).toBe(text);
    expect(texts).toHaveLength(words.length + config.tokens.eos.length);
    expect(texts.at(-1)).toMatch(/^<\|.*\|>$/);
  });
});
