import { describe, expect, it } from "vitest";
import type { QuestionGroup, Response } from "../../../src/records.js";
import { stepMetrics } from "../../../src/train/run/measure.js";
import { METRICS, OCCASIONAL_METRICS } from "../../../src/train/run/metrics.js";
import type { UpdateStats } from "../../../src/train/update.js";

const UPDATE: UpdateStats = {
  loss: 1,
  clipShareLow: 0.25,
  clipShareHigh: 0.5,
  klApprox: 2,
  entropy: 3,
  ratioDeviation: 0,
  gradNorm: 4,
  isApplied: true,
};

/** A response of `length` tokens; only its reward, length and stop reason are looked at. */
function response(
  i: number,
  accuracy: number,
  length: number,
  stopReason: "eos" | "length" = "eos",
): Response {
  const reward = {
    overall: 0.9 * accuracy,
    accuracy,
    format: 0,
    extracted: { kind: "none", reason: "" } as const,
    reason: "",
  };
  const rollout = { tokens: new Int32Array(length), logProbs: new Float32Array(length), stopReason };
  return { questionId: "q", j: 0, i, text: "", rollout, reward };
}

function group(responses: readonly Response[]): QuestionGroup {
  const variant = {
    questionId: "q",
    index: 0,
    wording: "original",
    transform: "none",
    text: "",
    images: [],
  } as const;
  const question = { id: "q", text: "", images: [], gold: "", rewrites: [], category: "" };
  const pairs = responses.map(({ i }) => ({ j: 0, k: 0, i, advantage: i === 0 ? 0 : 1 }));
  return { question, variants: [variant], responses: [responses], pairs };
}

const facts = { learningRate: 1e-3, seconds: { rollout: 2, step: 5 }, residentBytes: 7, peakBytes: 8 };
const result = (updates: readonly UpdateStats[]) => ({
  groups: [
    group([response(0, 1, 2), response(1, 0, 6, "length")]),
    group([response(0, 0, 3), response(1, 0, 5)]),
  ],
  updates,
  logProbGap: 1e-6,
  policyLag: 0,
  passTokens: { all: 100, own: 40 },
  promptLengths: [20, 30],
  scores_Q_M_N: [[[0.9, 0]], [[0, 0]]],
  questionsAsked: 4,
  questionsPassed: 2,
  notes: [],
});

describe("stepMetrics", () => {
  it("is what arithmetic says", () => {
    const metrics = stepMetrics(
      result([UPDATE, { ...UPDATE, loss: 3, gradNorm: 6, ratioDeviation: 9 }]),
      facts,
    );
    expect(metrics).toMatchObject({
      "reward/overall": expect.closeTo(0.225, 12), // 0.9 / 4
      "reward/accuracy": 0.25,
      "reward/format": 0,
      "reward/std": expect.closeTo(0.9 / Math.SQRT2 / 2, 12), // of (0.9, 0) and (0, 0)
      frac_reward_zero_std: 0.5,
      "advantage/valid_share_local": 0.5,
      "advantage/valid_share_rows": 0.5,
      "response_length/mean": 4, // 2, 6, 3, 5
      "response_length/min": 2,
      "response_length/max": 6,
      "response_length/clip_ratio": 0.25,
      "prompt_length/mean": 25,
      "policy/loss": 2,
      "policy/grad_norm": 5,
      "policy/ratio_deviation_first": 0, // of the first update only
      "policy/updates_skipped": 0,
      "rollout/tokens_per_second": 8, // 16 tokens in 2 s
      "timing_s/step": 5,
      "timing_s/update": 0,
      "perf/resident_bytes": 7,
    });
  });

  it("estimates the step without sharing by the tokens of own pairs, sampling being the same", () => {
    const seconds = { rollout: 2, old_log_probs: 0.5, reference: 0.25, update: 1.25, step: 5 };
    const metrics = stepMetrics(result([UPDATE]), { ...facts, seconds });
    expect([metrics["perf/pass_tokens"], metrics["perf/pass_tokens_unshared"]]).toEqual([100, 40]);
    expect(metrics["timing_s/step_unshared"]).toBeCloseTo(3 + 0.4 * 2, 12);
  });

  it("leaves skipped updates out of the means and counts them", () => {
    const skipped = { ...UPDATE, loss: Number.NaN, gradNorm: Number.POSITIVE_INFINITY, isApplied: false };
    const metrics = stepMetrics(result([UPDATE, skipped]), facts);
    expect([metrics["policy/loss"], metrics["policy/grad_norm"], metrics["policy/updates_skipped"]]).toEqual([
      1, 4, 1,
    ]);
    expect(stepMetrics(result([skipped]), facts)["policy/loss"]).toBeNaN();
  });

  it("has the mean of each part of a custom reward, over the responses that have it", () => {
    const parts = [{ closeness: 0.5, "tool calls": 3 }, { closeness: 0 }, undefined];
    const responses = parts.map((each, i): Response => {
      const plain = response(i, 0, 1);
      return each ? { ...plain, reward: { ...plain.reward, parts: each } } : plain;
    });
    const scores_Q_M_N = [[[0, 0, 0]]];
    const metrics = stepMetrics(
      { ...result([UPDATE]), groups: [group(responses)], promptLengths: [20], scores_Q_M_N },
      facts,
    );
    // (0.5 + 0) / 2, 3 / 1
    expect([metrics["reward/closeness"], metrics["reward/tool calls"]]).toEqual([0.25, 3]);
    expect(metrics["reward/accuracy"]).toBe(0);
  });

  it("has every metric that a step defines, and no other", () => {
    const always = Object.keys(METRICS).filter((name) => !Object.hasOwn(OCCASIONAL_METRICS, name));
    expect(Object.keys(stepMetrics(result([UPDATE]), facts)).sort()).toEqual(always.sort());
  });
});
