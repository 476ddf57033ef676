import { describe, expect, it } from "vitest";
import { resolveConfig } from "../../src/config/load.js";
import { zip } from "../../src/core/zip.js";
import type { LogProbRequest } from "../../src/engine/engine.js";
import { tokenPrompt } from "../../src/model/prompt.js";
import { readingsOf } from "../../src/policy/lessons.js";
import { sharePairs } from "../../src/policy/share.js";
import type { QuestionGroup, Response, Variant } from "../../src/records.js";
import type { PairLesson } from "../../src/train/miniBatches.js";
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
const lessons: readonly PairLesson[] = readingsOf(group, prompts).map((reading) => ({
  ...reading,
  weights_R: reading.responses_R.map(() => 1),
}));
const [first, second] = lessons as [PairLesson, PairLesson];

/** Under prompt 0: own −1, cross −1 − ln 2; under prompt 1: cross −1 + ln 8, own −1. */
const old = [
  [Float32Array.of(-1), Float32Array.of(-1 - LN2)],
  [Float32Array.of(-1 + 3 * LN2), Float32Array.of(-1)],
];
const REFERENCE = [Float32Array.of(-7), Float32Array.of(-8)];

/** An engine that knows the log-probs above by prompt, and what it was asked. */
function contextOf(settings: object) {
  const asked: [LogProbRequest["of"], string[]][] = [];
  const logProbs = ({ of, readings }: LogProbRequest) => {
    asked.push([of, readings.map(({ prompt }) => prompt.name)]);
    const known = readings.map(({ prompt }) => old[prompts.findIndex(({ id }) => id === prompt.id)] ?? []);
    return Promise.resolve(of === "policy" ? known : readings.map(() => REFERENCE));
  };
  const config = resolveConfig(settings, "x");
  return { config, stopwatch: stopwatch(() => 0), engine: { learner: { logProbs } }, asked };
}

describe("withLogProbs", () => {
  it("asks for the old log-probs of all mini-batches but the first, whose own update finds them", async () => {
    const context = contextOf({});
    const batches = await withLogProbs([[first], [second]], context);
    expect(batches).toEqual([[first], [{ ...second, oldLogProbs_R: old[1] }]]);
    expect(context.asked).toEqual([["policy", ["prompt 1"]]]);
  });

  it("weighs every pair by what the learner and a lagging sampler think of its response, cut at the cap", async () => {
    const settings = {
      rollout: { server: "http://x", adapters: "there", importanceCap: 2 },
      lora: { rank: 1 },
    };
    // Sampled at −1 − ln 1.5 and −1 + ln 4; the learner's own log-prob is −1: weights 1.5 and 1/4.
    const sampled = [response(0), response(1)].map((each, j) => ({
      ...each,
      rollout: {
        ...each.rollout,
        tokens: responses[j]?.[0]?.rollout.tokens ?? Int32Array.of(),
        logProbs: Float32Array.of(j === 0 ? -1 - Math.log(1.5) : -1 + 2 * LN2),
      },
    }));
    const context = { ...contextOf(settings), responses: sampled };
    const [weighed] = await withLogProbs([lessons], context);
    const weights = weighed?.map(({ importance_R }) => importance_R?.map((each) => Array.from(each)));
    for (const perPrompt of weights ?? []) {
      expect(perPrompt?.[0]?.[0]).toBeCloseTo(1.5, 6);
      expect(perPrompt?.[1]?.[0]).toBeCloseTo(0.25, 6);
    }
    expect(weights).toHaveLength(2);
    const far = sampled.map((each) => ({
      ...each,
      rollout: { ...each.rollout, logProbs: Float32Array.of(-9) },
    }));
    const [cut] = await withLogProbs([lessons], { ...context, responses: far });
    expect(cut?.flatMap(({ importance_R = [] }) => importance_R.map((each) => each[0]))).toEqual([
      2, 2, 2, 2,
    ]);
  });

  it("asks for nothing where there is one mini-batch", async () => {
    const context = contextOf({});
    expect(await withLogProbs([lessons], context)).toEqual([lessons]);
    expect(context.asked).toEqual([]);
  });

  it("weighs cross pairs by the ratio of the two prompts, cut at the cap, also in the first mini-batch", async () => {
    const settings = { advantage: { crossImportanceCap: 2 } };
    const batches = await withLogProbs([[first], [second]], contextOf(settings));
    const weights = batches
      .flat()
      .map(({ importance_R }) => (importance_R ?? []).map((row) => row[0] as number));
    // Own pairs 1; response 1 under prompt 0: 1/2; response 0 under prompt 1: 8, cut to 2.
    expect(weights[0]?.[0]).toBe(1);
    expect(weights[0]?.[1]).toBeCloseTo(0.5, 6);
    expect(weights[1]).toEqual([2, 1]);
    expect(batches.flat().map(({ oldLogProbs_R }) => oldLogProbs_R)).toEqual(old);
  });

  it("adds the reference policy's log-probs where the loss has a KL term, to all", async () => {
    const context = contextOf({ kl: { use: "loss" } });
    const batches = await withLogProbs([[first], [second]], context);
    expect(batches.flat().map(({ referenceLogProbs_R }) => referenceLogProbs_R)).toEqual([
      REFERENCE,
      REFERENCE,
    ]);
    expect(context.asked.at(-1)).toEqual(["reference", ["prompt 0", "prompt 1"]]);
  });

  it("adds none where KL is summed over the vocabulary: the loss reads the reference policy itself", async () => {
    const settings = { kl: { use: "loss", estimator: "full" } };
    const batches = await withLogProbs([lessons], contextOf(settings));
    expect(batches.flat().some((lesson) => "referenceLogProbs_R" in lesson)).toBe(false);
  });
});

describe("largestGap", () => {
  const lessonsWith = (oldLogProbs: readonly Float32Array[][]): PairLesson[] =>
    zip(lessons, oldLogProbs).map(([lesson, oldLogProbs_R]) => ({ ...lesson, oldLogProbs_R }));

  it("compares own pairs only, cross pairs having no sampled counterpart", () => {
    expect(largestGap(responses.flat(), lessonsWith(old))).toBe(0);
    const off = [[Float32Array.of(-1.25), Float32Array.of(-9)], old[1] ?? []];
    expect(largestGap(responses.flat(), lessonsWith(off))).toBe(0.25);
  });

  it("is not a number where no own pair was read", () => {
    expect(largestGap(responses.flat(), lessons)).toBeNaN();
  });
});
