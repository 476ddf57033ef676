import { describe, expect, it } from "vitest";
import { resolveConfig } from "../../src/config/load.js";
import { tokenPrompt } from "../../src/model/prompt.js";
import type { Response } from "../../src/records.js";
import { scoreOf, scoresOf } from "../../src/train/scores.js";
import type { SampledGroup } from "../../src/train/stepContext.js";
import { stopwatch } from "../../src/train/stopwatch.js";

/** Response (j, i) with these log-probs and a reward of 1. */
function response(j: number, i: number, logProbs: readonly number[]): Response {
  return {
    questionId: "q",
    j,
    i,
    text: "",
    rollout: {
      tokens: new Int32Array(logProbs.length),
      logProbs: Float32Array.from(logProbs),
      stopReason: "eos",
    },
    reward: { overall: 1, accuracy: 1, format: 1, extracted: { kind: "none", reason: "" }, reason: "" },
  };
}

const question = { id: "q", text: "", images: [], gold: "", rewrites: [], category: "" };
const prompt = tokenPrompt(Int32Array.of(1), "prompt");
const group: SampledGroup = {
  question,
  variants: [],
  prompts_M: [prompt, prompt],
  responses: [[response(0, 0, [-1, -2])], [response(1, 0, [-0.5])]],
};
const contextOf = (settings: object, reference: Float32Array[][] = []) => ({
  config: resolveConfig(settings, "x"),
  stopwatch: stopwatch(() => 0),
  klCoefficient: 0.1,
  engine: { learner: { logProbs: () => Promise.resolve(reference.map((each) => [...each])) } },
});

describe("scoresOf", () => {
  it("is the overall reward without penalties, and asks no reference policy", async () => {
    expect(await scoresOf([group], contextOf({}))).toEqual({ scores_Q_M_N: [[[1], [1]]] });
  });

  it("takes β·Σ (log π − log π_ref) off under the response's own prompt", async () => {
    const reference = [[Float32Array.of(-1.5, -1.5)], [Float32Array.of(-1)]];
    const settings = { kl: { use: "reward", estimator: "kl" } };
    const { scores_Q_M_N, rewardKl } = await scoresOf([group], contextOf(settings, reference));
    // 1 − 0.1·(0.5 − 0.5) and 1 − 0.1·0.5; token means 0 and 0.5.
    expect(scores_Q_M_N[0]?.flat()).toEqual([1, 0.95]);
    expect(rewardKl).toBeCloseTo(0.25, 12);
  });

  it("uses the estimator that is asked for", async () => {
    const reference = [[Float32Array.of(-1.5, -1.5)], [Float32Array.of(-1)]];
    const settings = { kl: { use: "reward", estimator: "abs" } };
    const { scores_Q_M_N } = await scoresOf([group], contextOf(settings, reference));
    expect(scores_Q_M_N[0]?.flat()).toEqual([0.9, 0.95]);
  });
});

describe("scoreOf", () => {
  it("takes the over-long penalty off: limit 8, buffer 4, half-way at 6 tokens", () => {
    const settings = {
      rollout: { maxResponseLength: 8 },
      reward: { overlongBuffer: 4, overlongFactor: 0.5 },
    };
    const config = resolveConfig(settings, "x");
    const scores = [4, 6, 8].map((length) =>
      scoreOf(response(0, 0, new Array<number>(length).fill(-1)), config),
    );
    expect(scores).toEqual([1, 0.75, 0.5]);
  });
});
