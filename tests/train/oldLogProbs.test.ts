import { describe, expect, it } from "vitest";
import { resolveConfig } from "../../src/config/load.js";
import type { LogProbRequest } from "../../src/engine/engine.js";
import { tokenPrompt } from "../../src/model/prompt.js";
import { readingsOf } from "../../src/policy/lessons.js";
import { sharePairs } from "../../src/policy/share.js";
import type { QuestionGroup, Response, Variant } from "../../src/records.js";
import { largestGap, withLogProbs } from "../../src/train/oldLogProbs.js";
import { stopwatch } from "../../src/train/stopwatch.js";

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
const prompts = [0, 1].map((k) => tokenPrompt(Int32Array.of(k), `prompt ${k}`));
const readings_Q_K = [readingsOf(group, prompts)];

/** Under prompt 0: own −1, cross −1 − ln 2; under prompt 1: cross −1 + ln 8, own −1. */
const old = [
  [Float32Array.of(-1), Float32Array.of(-1 - LN2)],
  [Float32Array.of(-1 + 3 * LN2), Float32Array.of(-1)],
];
const contextOf = (settings: object) => ({
  config: resolveConfig(settings, "x"),
  stopwatch: stopwatch(() => 0),
  engine: {
    learner: {
      logProbs: ({ of }: LogProbRequest) =>
        Promise.resolve(of === "policy" ? old : [[Float32Array.of(-7)], [Float32Array.of(-8)]]),
    },
  },
});

describe("withLogProbs", () => {
  it("adds old log-probs, and neither reference nor weights unless asked for", async () => {
    const [lessons_K] = await withLogProbs(readings_Q_K, contextOf({}));
    expect(lessons_K).toEqual(readings_Q_K[0]?.map((reading, k) => ({ ...reading, oldLogProbs_R: old[k] })));
  });

  it("weighs cross pairs by the ratio of the two prompts, cut at the cap", async () => {
    const settings = { advantage: { crossImportanceCap: 2 } };
    const [lessons_K = []] = await withLogProbs(readings_Q_K, contextOf(settings));
    const weights = lessons_K.map(({ importance_R }) => (importance_R ?? []).map((row) => row[0] as number));
    // Own pairs 1; response 1 under prompt 0: 1/2; response 0 under prompt 1: 8, cut to 2.
    expect(weights[0]?.[0]).toBe(1);
    expect(weights[0]?.[1]).toBeCloseTo(0.5, 6);
    expect(weights[1]).toEqual([2, 1]);
  });

  it("adds the reference policy's log-probs where the loss has a KL term", async () => {
    const [lessons_K] = await withLogProbs(readings_Q_K, contextOf({ kl: { use: "loss" } }));
    expect(lessons_K?.map(({ referenceLogProbs_R }) => referenceLogProbs_R?.[0]?.[0])).toEqual([-7, -8]);
  });

  it("adds none where KL is summed over the vocabulary: the loss reads the reference policy itself", async () => {
    const settings = { kl: { use: "loss", estimator: "full" } };
    const [lessons_K] = await withLogProbs(readings_Q_K, contextOf(settings));
    expect(lessons_K?.some((lesson) => "referenceLogProbs_R" in lesson)).toBe(false);
  });

  it("keeps questions apart", async () => {
    const twice = [...readings_Q_K, ...readings_Q_K];
    const context = contextOf({});
    const learner = { logProbs: () => Promise.resolve([...old, ...old]) };
    const lessons_Q_K = await withLogProbs(twice, { ...context, engine: { learner } });
    expect(lessons_Q_K.map((lessons_K) => lessons_K.length)).toEqual([2, 2]);
  });
});

describe("largestGap", () => {
  const lessonsWith = (oldLogProbs: readonly Float32Array[][]) =>
    readings_Q_K.flat().map((reading, k) => ({ ...reading, oldLogProbs_R: oldLogProbs[k] ?? [] }));

  it("compares own pairs only, cross pairs having no sampled counterpart", () => {
    expect(largestGap(responses, lessonsWith(old))).toBe(0);
    const off = [[Float32Array.of(-1.25), Float32Array.of(-9)], old[1] ?? []];
    expect(largestGap(responses, lessonsWith(off))).toBe(0.25);
  });
});
