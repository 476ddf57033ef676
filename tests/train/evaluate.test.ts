import { beforeAll, describe, expect, it } from "vitest";
import { resolveConfig } from "../../src/config/load.js";
import type { SampleRequest, Sampler } from "../../src/engine/engine.js";
import { createEngine } from "../../src/engine/local/engine.js";
import { localSettings } from "../../src/engine/local/settings.js";
import type { Model } from "../../src/model/load.js";
import type { Question } from "../../src/records.js";
import { evaluate } from "../../src/train/evaluate.js";
import { fakeModel } from "../support/fakeModel.js";

let model: Model;
beforeAll(async () => {
  model = await fakeModel();
});

const OPTIONS = { formatPrompt: "Think, then answer.", maxResponseLength: 9 };

const question = (id: string, gold: string, category: string): Question => ({
  id,
  text: "How many?",
  images: [],
  gold,
  rewrites: [],
  category,
});

/** A sampler that says these words in turn, and what it was asked. */
function saying(...words: readonly string[]) {
  const requests: SampleRequest[] = [];
  let said = 0;
  const sampler = {
    sample: async (request: SampleRequest) => {
      requests.push(request);
      return request.prompts.map(() => [
        {
          tokens: Int32Array.from(model.processor.encode(words[said++] ?? "")),
          logProbs: new Float32Array(),
          stopReason: "eos" as const,
          policyStep: 0,
        },
      ]);
    },
  } as Pick<Sampler, "sample"> as Sampler;
  return { requests, policy: { engine: { sampler }, processor: model.processor } };
}

describe("evaluate", () => {
  const RIGHT = "<think>1</think> \\boxed{3}";
  it("counts what is right and what is in the asked-for format, overall and by category", async () => {
    const { policy } = saying(RIGHT, "\\boxed{3}", "<think>2</think> \\boxed{1}", "");
    const questions = ["a", "a", "b", "c"].map((category, at) => question(`q${at}`, "3", category));
    const found = await evaluate(policy, questions, OPTIONS);
    expect(found).toMatchObject({ total: 4, correct: 2, formatted: 2 });
    expect(found.perCategory).toEqual({
      a: { total: 2, correct: 2 },
      b: { total: 1, correct: 0 },
      c: { total: 1, correct: 0 },
    });
    expect(found.responses.map(({ questionId, text }) => [questionId, text])).toEqual([
      ["q0", RIGHT],
      ["q1", "\\boxed{3}"],
      ["q2", "<think>2</think> \\boxed{1}"],
      ["q3", ""],
    ]);
  });

  it("asks greedily, once, with the question's own words and the format prompt, so many at once", async () => {
    const { policy, requests } = saying();
    const questions = Array.from({ length: 5 }, (_, at) => question(`q${at}`, "3", "a"));
    const events: unknown[] = [];
    const onProgress = (event: unknown) => void events.push(event);
    await evaluate(policy, questions, { ...OPTIONS, atOnce: 2, onProgress });
    expect(requests.map(({ prompts, responses }) => [prompts.length, responses])).toEqual([
      [2, 1],
      [2, 1],
      [1, 1],
    ]);
    expect(requests[0]?.decoding).toEqual({ temperature: 1, topP: 1, topK: 0, isGreedy: true, maxTokens: 9 });
    const [piece] = requests[0]?.prompts[0]?.pieces ?? [];
    const words = piece?.kind === "tokens" ? model.processor.decode(piece.tokens, { skipSpecial: true }) : "";
    expect(words).toContain("How many? Think, then answer.");
    expect(events).toEqual([2, 4, 5].map((done) => ({ phase: "evaluate", done, total: 5 })));
  });

  it("rewards by the run's own rewarder where there is one", async () => {
    const { policy } = saying("x", "y");
    const rewarder = async (rows: readonly { readonly response: string }[]) =>
      rows.map(({ response }) => ({
        overall: 0,
        accuracy: response === "y" ? 1 : 0,
        format: 0,
        reason: "mine",
        extracted: { kind: "none" as const, reason: "mine" },
      }));
    const questions = [question("q0", "3", "a"), question("q1", "3", "a")];
    const found = await evaluate(policy, questions, { ...OPTIONS, rewarder: rewarder as never });
    expect([found.correct, found.formatted]).toEqual([1, 0]);
  });

  it("asks nobody where there is nothing to ask, and stops between questions when aborted", async () => {
    const { policy, requests } = saying();
    expect(await evaluate(policy, [], OPTIONS)).toEqual({
      total: 0,
      correct: 0,
      formatted: 0,
      perCategory: {},
      responses: [],
    });
    const controller = new AbortController();
    const reason = new Error("interrupted");
    const questions = [question("q0", "3", "a"), question("q1", "3", "a")];
    const evaluating = evaluate(policy, questions, {
      ...OPTIONS,
      atOnce: 1,
      signal: controller.signal,
      onProgress: () => controller.abort(reason),
    });
    await expect(evaluating).rejects.toBe(reason);
    expect(requests).toHaveLength(1);
  });

  it("by an engine is the same however many are asked at once", async () => {
    const config = resolveConfig({ model: "x" }, "test");
    const engine = createEngine(model, localSettings(config));
    const questions = Array.from({ length: 5 }, (_, at) => question(`q${at}`, "3", "a"));
    const texts = async (atOnce: number) => {
      const found = await evaluate({ engine, processor: model.processor }, questions, { ...OPTIONS, atOnce });
      return found.responses.map(({ text }) => text);
    };
    expect(await texts(5)).toEqual(await texts(2));
    await engine.close();
  });
});
