import { describe, expect, it } from "vitest";
import { promptTokens } from "../../src/model/patchPrompt.js";
import { tokenPrompt } from "../../src/model/prompt.js";
import { naiveLessons, readingsOf } from "../../src/policy/lessons.js";
import { sharePairs } from "../../src/policy/share.js";

import type { Prompt, QuestionGroup, Response, Variant } from "../../src/records.js";

const [M, N] = [2, 3];

const prompts: Prompt[] = Array.from({ length: M }, (_, k) =>
  tokenPrompt(Int32Array.of(100 + k), `prompt ${k}`),
);
const firstToken = (prompt: Prompt) => promptTokens(prompt, -1)[0];

/** Response i of variant j is the two tokens 10·j + i, 7; its global advantage is j + i/10, its local one 100. */
function group(share: boolean): QuestionGroup {
  const responses = Array.from({ length: M }, (_, j) =>
    Array.from(
      { length: N },
      (__, i): Response => ({
        questionId: "q",
        j,
        i,
        text: "",
        rollout: { tokens: Int32Array.of(10 * j + i, 7), logProbs: new Float32Array(2), stopReason: "eos" },
        reward: { overall: 0, accuracy: 0, format: 0, extracted: { kind: "none", reason: "" }, reason: "" },
      }),
    ),
  );
  const global_M_N = responses.map((each) => each.map(({ j, i }) => j + i / 10));
  const local_M_N = responses.map((each) => each.map(() => 100));
  const variants = Array.from(
    { length: M },
    (_, index): Variant => ({
      questionId: "q",
      index,
      wording: "original",
      transform: "none",
      text: "",
      images: [],
    }),
  );
  const question = { id: "q", text: "", images: [], gold: "", rewrites: [], category: "" };
  const pairs = sharePairs(responses, { global_M_N, local_M_N }, { share });
  return { question, variants, responses, pairs };
}

describe("readingsOf", () => {
  it("reads every response under every prompt, own ones with both advantages", () => {
    const readings = readingsOf(group(true), prompts);
    expect(readings.map(({ prompt }) => firstToken(prompt))).toEqual([100, 101]);
    const order = [0, 1, 2, 10, 11, 12];
    for (const reading of readings) expect(reading.responses_R.map((response) => response[0])).toEqual(order);
    expect(readings[0]?.advantages_R).toEqual([100, 100.1, 100.2, 1, 1.1, 1.2]);
    expect(readings[1]?.advantages_R).toEqual([0, 0.1, 0.2, 101, 101.1, 101.2]);
  });

  it("reads responses under their own prompt only when they are not shared", () => {
    const readings = readingsOf(group(false), prompts);
    expect(readings.map(({ responses_R }) => responses_R.map((response) => response[0]))).toEqual([
      [0, 1, 2],
      [10, 11, 12],
    ]);
    expect(readings[1]?.advantages_R).toEqual([101, 101.1, 101.2]);
  });

  it("refuses prompts that are not one per variant, and pairs without a response", () => {
    expect(() => readingsOf(group(true), prompts.slice(1))).toThrow("zip: 1 against 2 elements");
    const whole = group(true);
    const cut = { ...whole, responses: whole.responses.slice(0, 1) };
    expect(() => readingsOf(cut, prompts)).toThrow("no response 1, 0");
  });
});

describe("naiveLessons", () => {
  it("is one lesson per pair, with that pair's response, advantage and old log-probs", () => {
    const readings = readingsOf(group(true), prompts).map((reading) => ({
      ...reading,
      oldLogProbs_R: reading.responses_R.map((response) => Float32Array.of(-1 - (response[0] as number), -1)),
      weights_R: reading.responses_R.map((_, r) => r),
    }));
    const naive = naiveLessons(readings);
    expect(naive).toHaveLength(M * M * N);
    for (const { prompt, responses_R, advantages_R, oldLogProbs_R = [], weights_R } of naive) {
      const lengths = [responses_R, advantages_R, oldLogProbs_R, weights_R].map((each) => each.length);
      expect(lengths).toEqual([1, 1, 1, 1]);
      const [response, advantage] = [responses_R[0]?.[0] as number, advantages_R[0] as number];
      expect(oldLogProbs_R[0]?.[0]).toBe(-1 - response);
      const isOwn = Math.floor(response / 10) === (firstToken(prompt) as number) - 100;
      expect(advantage).toBeCloseTo(Math.floor(response / 10) + (response % 10) / 10 + (isOwn ? 100 : 0), 12);
    }
    const onPolicy = readings.map(({ oldLogProbs_R: _, ...reading }) => reading);
    expect(naiveLessons(onPolicy).some((lesson) => "oldLogProbs_R" in lesson)).toBe(false);
  });
});
