import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { packageRoot } from "../../src/core/files/packageRoot.js";
import { generate } from "../../src/engine/local/generate.js";
import { createLocalPolicy } from "../../src/engine/local/localPolicy.js";
import { loadModel, type Model } from "../../src/model/load.js";
import { promptTokens } from "../../src/model/patchPrompt.js";
import { buildPrompt } from "../../src/model/prompt.js";

const FOLDER = "tests/golden/tiny";
const MODEL = join(packageRoot(), "data", "models", "tiny");

interface Question {
  readonly image: string;
  readonly text: string;
}
interface Answer {
  readonly image: string;
  readonly promptTokens: readonly number[];
  readonly text: string;
}

const read = (name: string) => JSON.parse(readFileSync(join(FOLDER, name), "utf8"));
const questions: readonly Question[] = read("questions.json").questions;
const answers: readonly Answer[] = read("greedy.json").answers;

// golden: benchmarks/measured/parity/tiny.py
describe("the bundled tiny policy", () => {
  let model: Model;
  beforeAll(async () => {
    model = await loadModel(MODEL);
  });

  const promptOf = async ({ image, text }: Question) =>
    buildPrompt(
      model.processor,
      { text, images: [{ kind: "bytes", bytes: new Uint8Array(await readFile(join(FOLDER, image))) }] },
      image,
    );

  it("takes at most 10 MB", () => {
    expect(existsSync(join(MODEL, "model.safetensors"))).toBe(true);
    expect(readFileSync(join(MODEL, "model.safetensors")).length).toBeLessThan(10 * 2 ** 20);
  });

  it("reads prompts as transformers does", async () => {
    for (const [at, question] of questions.entries()) {
      const prompt = await promptOf(question);
      expect([...promptTokens(prompt, model.processor.imageToken)]).toEqual(answers[at]?.promptTokens);
    }
  });

  it("gives the greedy text that transformers gives", async () => {
    const prompts = await Promise.all(questions.map(promptOf));
    const decoding = { temperature: 1, isGreedy: true, topP: 1, topK: 0, maxTokens: 96 };
    const rollouts = await generate(createLocalPolicy(model), { prompts, responses: 1, decoding });
    const texts = rollouts.map(([rollout]) =>
      model.processor.decode(rollout?.tokens ?? [], { skipSpecial: true }),
    );
    expect(texts).toEqual(answers.map(({ text }) => text));
  });
});
