import { describe, expect, it } from "vitest";
import type { Prompt } from "../../src/model/prompt.js";
import { sharePairs } from "../../src/policy/share.js";
import { naiveUnits, unitsOf } from "../../src/policy/units.js";
import type { QuestionGroup, Response, Variant } from "../../src/records.js";

const [M, N] = [2, 3];

const prompts: Prompt[] = Array.from({ length: M }, (_, k) => ({
  tokens: Int32Array.of(100 + k),
  images: [],
}));

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

describe("unitsOf", () => {
  it("reads every response under every prompt, own ones with both advantages", () => {
    const units = unitsOf(group(true), prompts);
    expect(units.map(({ prompt }) => prompt.tokens[0])).toEqual([100, 101]);
    const order = [0, 1, 2, 10, 11, 12];
    for (const unit of units) expect(unit.responses.map((response) => response[0])).toEqual(order);
    expect(units[0]?.advantages).toEqual([100, 100.1, 100.2, 1, 1.1, 1.2]);
    expect(units[1]?.advantages).toEqual([0, 0.1, 0.2, 101, 101.1, 101.2]);
  });

  it("reads responses under their own prompt only when they are not shared", () => {
    const units = unitsOf(group(false), prompts);
    expect(units.map(({ responses }) => responses.map((response) => response[0]))).toEqual([
      [0, 1, 2],
      [10, 11, 12],
    ]);
    expect(units[1]?.advantages).toEqual([101, 101.1, 101.2]);
  });

  it("refuses prompts that are not one per variant, and pairs without a response", () => {
    expect(() => unitsOf(group(true), prompts.slice(1))).toThrow("one prompt per variant");
    const whole = group(true);
    const cut = { ...whole, responses: whole.responses.slice(0, 1) };
    expect(() => unitsOf(cut, prompts)).toThrow("no response 1, 0");
  });
});

describe("naiveUnits", () => {
  it("is one unit per pair, with that pair's response, advantage and old log-probs", () => {
    const units = unitsOf(group(true), prompts).map((unit) => ({
      ...unit,
      oldLogProbs: unit.responses.map((response) => Float32Array.of(-1 - (response[0] as number), -1)),
    }));
    const naive = naiveUnits(units);
    expect(naive).toHaveLength(M * M * N);
    for (const { prompt, responses, advantages, oldLogProbs } of naive) {
      expect([responses, advantages, oldLogProbs].map((each) => each.length)).toEqual([1, 1, 1]);
      const [response, advantage] = [responses[0]?.[0] as number, advantages[0] as number];
      expect(oldLogProbs[0]?.[0]).toBe(-1 - response);
      const isOwn = Math.floor(response / 10) === (prompt.tokens[0] as number) - 100;
      expect(advantage).toBeCloseTo(Math.floor(response / 10) + (response % 10) / 10 + (isOwn ? 100 : 0), 12);
    }
  });
});
