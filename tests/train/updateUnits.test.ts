import { describe, expect, it } from "vitest";
import { resolveConfig } from "../../src/config/load.js";
import type { Prompt } from "../../src/model/prompt.js";
import { sharePairs } from "../../src/policy/share.js";
import { unitsOf } from "../../src/policy/units.js";
import type { QuestionGroup, Response, Variant } from "../../src/records.js";
import { stopwatch } from "../../src/train/stopwatch.js";
import { largestGap, withLogProbs } from "../../src/train/updateUnits.js";

const LN2 = Math.LN2;

/** One response of one token per variant, sampled at log-prob −1. */
function response(j: number): Response {
  const rollout = { tokens: Int32Array.of(j), logProbs: Float32Array.of(-1), stopReason: "eos" } as const;
  const reward = {
    overall: 0,
    accuracy: 0,
    format: 0,
    extracted: { kind: "none", reason: "" },
    reason: "",
  } as const;
  return { questionId: "q", j, i: 0, text: "", rollout, reward };
}
const variant = (index: number): Variant => ({
  questionId: "q",
  index,
  wording: "original",
  transform: "none",
  text: "",
  images: [],
});
const question = { id: "q", text: "", images: [], gold: "", rewrites: [], category: "" };
const responses = [[response(0)], [response(1)]];
const advantages = { global_M_N: [[1], [2]], local_M_N: [[0], [0]] };
const group: QuestionGroup = {
  question,
  variants: [variant(0), variant(1)],
  responses,
  pairs: sharePairs(responses, advantages),
};
const prompts: Prompt[] = [0, 1].map((k) => ({ tokens: Int32Array.of(k), images: [] }));
const units = unitsOf(group, prompts);

/** Under prompt 0: own −1, cross −1 − ln 2; under prompt 1: cross −1 + ln 8, own −1. */
const old = [
  [Float32Array.of(-1), Float32Array.of(-1 - LN2)],
  [Float32Array.of(-1 + 3 * LN2), Float32Array.of(-1)],
];
const contextOf = (settings: object) => ({
  config: resolveConfig(settings, "x"),
  stopwatch: stopwatch(() => 0),
  engine: { referenceLogProbs: () => Promise.resolve([[Float32Array.of(-7)], [Float32Array.of(-8)]]) },
});

describe("withLogProbs", () => {
  it("adds old log-probs, and neither reference nor weights unless asked for", async () => {
    const ready = await withLogProbs([[group, units]], old, contextOf({}));
    expect(ready).toEqual(units.map((unit, k) => ({ ...unit, oldLogProbs: old[k] })));
  });

  it("weighs cross pairs by the ratio of the two prompts, cut at the cap", async () => {
    const ready = await withLogProbs(
      [[group, units]],
      old,
      contextOf({ advantage: { crossImportanceCap: 2 } }),
    );
    const weights = ready.map(({ importance }) => (importance ?? []).map((row) => row[0] as number));
    // Own pairs 1; response 1 under prompt 0: 1/2; response 0 under prompt 1: 8, cut to 2.
    expect(weights[0]?.[0]).toBe(1);
    expect(weights[0]?.[1]).toBeCloseTo(0.5, 6);
    expect(weights[1]).toEqual([2, 1]);
  });

  it("adds the reference policy's log-probs where the loss has a KL term", async () => {
    const ready = await withLogProbs([[group, units]], old, contextOf({ kl: { use: "loss" } }));
    expect(ready.map(({ referenceLogProbs }) => referenceLogProbs?.[0]?.[0])).toEqual([-7, -8]);
  });

  it("adds none where KL is summed over the vocabulary: the loss reads the reference policy itself", async () => {
    const settings = { kl: { use: "loss", estimator: "full" } };
    const ready = await withLogProbs([[group, units]], old, contextOf(settings));
    expect(ready.some((unit) => "referenceLogProbs" in unit)).toBe(false);
  });
});

describe("largestGap", () => {
  it("compares own pairs only, cross pairs having no sampled counterpart", () => {
    expect(largestGap([[group, units]], old)).toBe(0);
    const off = [[Float32Array.of(-1.25), Float32Array.of(-9)], old[1] ?? []];
    expect(largestGap([[group, units]], off)).toBe(0.25);
  });
});
