import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { LocalEngineOptions } from "../../../benchmarks/engines/local.js";
import { BENCHMARKS } from "../../../benchmarks/records.js";
import { answeredQuestions } from "../../../benchmarks/run/answers.js";
import { evaluateSamples } from "../../../benchmarks/run/samples.js";
import { packageRoot } from "../../../src/core/files/packageRoot.js";
import { loadProcessor } from "../../../src/model/processor.js";
import { startChatServer } from "../../helpers/chatServer.js";

describe("evaluateSamples(…)", () => {
  it("scores a policy on all six and keeps its answers for the next call", async () => {
    const processor = await loadProcessor(join(packageRoot(), "data", "models", "tiny"));
    const tokens = Int32Array.from(processor.encode("\\boxed{A}"));
    let asked = 0;
    // Whatever the question, the answer is A.
    const sample: LocalEngineOptions["sampler"]["sample"] = async ({ prompts }) => {
      asked += prompts.length;
      const logProbs = new Float32Array(tokens.length);
      return prompts.map(() => [{ tokens, logProbs, stopReason: "eos", policyStep: 0 }]);
    };
    const sampler = { sample };
    const options = {
      model: { name: "A", weights: null },
      dir: await mkdtemp(join(tmpdir(), "samples-")),
      formatPrompt: "Answer.",
      maxTokens: 16,
    };
    const { result, datasets } = await evaluateSamples({ processor, sampler }, options);
    expect(result.datasets.map(({ benchmark }) => benchmark)).toEqual(BENCHMARKS);
    const rows = result.datasets.reduce((sum, { total }) => sum + total, 0);
    expect(asked).toBe(rows);
    // The gold of one of the thirteen AI2D rows is A.
    const ai2d = result.datasets.find(({ benchmark }) => benchmark === "AI2D");
    expect(ai2d?.scores.map(({ mode, correct }) => [mode, correct])).toEqual([
      ["fixed", 1],
      ["compatible", 1],
    ]);
    const [first] = datasets.flatMap(answeredQuestions);
    expect(first).toMatchObject({
      response: "\\boxed{A}",
      extracted: { text: "A" },
      reward: { accuracy: 0 },
    });
    expect(first?.question).toMatch(/^<image>Hint: /);
    expect(first?.images).toHaveLength(1);
    await evaluateSamples({ processor, sampler }, options);
    expect(asked).toBe(rows);
  });

  it("asks a server in place of a policy", async () => {
    const server = await startChatServer({ answer: () => "\\boxed{A}" });
    const dir = await mkdtemp(join(tmpdir(), "samples-"));
    const options = { model: { name: "A", weights: null }, dir, formatPrompt: "Answer.", maxTokens: 16 };
    const { result } = await evaluateSamples({ baseUrls: [server.url], model: "test-model" }, options);
    const ai2d = result.datasets.find(({ benchmark }) => benchmark === "AI2D");
    expect(ai2d?.scores[0]?.correct).toBe(1);
    expect(server.requests).toHaveLength(result.datasets.reduce((sum, { total }) => sum + total, 0));
    await server.close();
    await rm(dir, { recursive: true });
  });
});
