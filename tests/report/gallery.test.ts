import { describe, expect, it } from "vitest";
import type { ResponseRecord, RolloutRecord } from "../../src/core/files/runRecords.js";
import { Rng } from "../../src/core/rng.js";
import { gallery, marksOf, pickSamples } from "../../src/report/gallery.js";
import { emptyRun, rolloutRecord } from "./fixtures.js";

const response: ResponseRecord = {
  j: 0,
  i: 0,
  text: "\\boxed{3}",
  tokens: 4,
  stopReason: "eos",
  extracted: { text: "3" },
  reward: { overall: 1, accuracy: 1, format: 1, reason: "equal as text" },
  advantageGlobal: 0.5,
  advantageLocal: -1.25,
};

function rolloutOf(responses: readonly ResponseRecord[], step = 1): RolloutRecord {
  const variant = {
    index: 0,
    text: "How many?",
    transform: "none",
    wording: "original",
    images: [],
  } as const;
  return {
    step,
    questionId: "q",
    category: "count",
    question: "How many?",
    gold: "3",
    variants: [variant],
    responses,
  };
}

describe("marksOf", () => {
  it("marks wrong, truncated and zero-advantage responses, and nothing else", () => {
    expect(marksOf(response)).toEqual([]);
    const wrong = { ...response.reward, accuracy: 0 };
    expect(marksOf({ ...response, reward: wrong, stopReason: "length" })).toEqual(["wrong", "truncated"]);
    expect(marksOf({ ...response, advantageGlobal: 0, advantageLocal: 0 })).toEqual(["zero"]);
    expect(marksOf({ ...response, advantageGlobal: null, advantageLocal: null })).toEqual(["zero"]);
  });

  it("does not call an advantage zero that is zero in one of its terms only", () => {
    expect(marksOf({ ...response, advantageGlobal: 0 })).toEqual([]);
  });
});

describe("pickSamples", () => {
  const rollouts = Array.from({ length: 100 }, (_, at) => rolloutOf([], at));

  it("picks evenly, the first and the last among them", () => {
    expect(pickSamples(rollouts, 4).map((rollout) => rollout.step)).toEqual([0, 33, 66, 99]);
  });

  it("takes all where there are few, one where one is asked for, and none for none", () => {
    expect(pickSamples(rollouts.slice(0, 3), 4)).toHaveLength(3);
    expect(pickSamples(rollouts, 1)).toHaveLength(1);
    expect(pickSamples([], 4)).toEqual([]);
  });
});

describe("gallery", () => {
  it("states the own advantage as global plus local and the cross advantage as global", () => {
    const rollout = rolloutOf([response]);
    const other = { ...rollout.variants[0], index: 1 } as const;
    const shared = { ...rollout, variants: [...rollout.variants, other] } as RolloutRecord;
    const { markup } = gallery([shared], 1, new Map());
    // 0.5 + (−1.25) = −0.75.
    expect(markup).toContain("own −0.75");
    expect(markup).toContain("cross +0.50");
  });

  it("says nothing of other prompts where there is one variant", () => {
    const { markup } = gallery([rolloutOf([response])], 1, new Map());
    expect(markup).toContain("own −0.75");
    expect(markup).not.toContain("cross");
  });

  it("puts each response under the variant that it was sampled from", async () => {
    const rollout = await rolloutRecord(await emptyRun(), 1, Rng.fromSeed(1));
    const columns = gallery([rollout], 1, new Map()).markup.split('<section class="variant">').slice(1);
    expect(columns.map((column) => column.split('<li class="response"').length - 1)).toEqual([6, 6]);
  });

  it("names all parts of a reward", () => {
    const reward = { ...response.reward, overall: 0.25, accuracy: 0, parts: { closeness: 0.5 } };
    const { markup } = gallery([rolloutOf([{ ...response, reward }])], 1, new Map());
    expect(markup).toContain('0.25 <span class="quiet">(accuracy 0, format 1, closeness 0.5)</span>');
  });

  it("says that a response is empty and why nothing was extracted", () => {
    const nothing = { ...response, text: "", extracted: { none: "no \\boxed" } };
    const { markup } = gallery([rolloutOf([nothing])], 1, new Map());
    expect(markup).toContain("empty response");
    expect(markup).toContain("none (no \\boxed)");
  });

  it("folds a long response", () => {
    const long = { ...response, text: "x".repeat(1000) };
    expect(gallery([rolloutOf([long])], 1, new Map()).markup).toContain(
      "<summary>1,000 characters</summary>",
    );
  });

  it("counts what each filter shows", () => {
    const wrong = { ...response, reward: { ...response.reward, accuracy: 0 } };
    const { markup } = gallery([rolloutOf([response, wrong, wrong])], 1, new Map());
    expect(markup).toMatch(/value="all" checked>all <span class="quiet">3</);
    expect(markup).toMatch(/value="wrong">wrong <span class="quiet">2</);
  });

  it("shows what a response thinks apart from what it says", () => {
    const thinking = { ...response, text: "<think>1+2</think> \\boxed{3}" };
    const { markup } = gallery([rolloutOf([thinking])], 1, new Map());
    expect(markup).toContain(
      '<p class="said thought" dir="auto">1+2</p><p class="said" dir="auto">\\boxed{3}</p>',
    );
  });
});
