import { beforeAll, describe, expect, it } from "vitest";
import { resolveConfig } from "../../../src/config/load.js";
import { scalar, zeros } from "../../../src/core/ndarray.js";
import { lossBatch, placeRows } from "../../../src/engine/local/lossBatch.js";
import { addSums, NO_SUMS } from "../../../src/engine/local/lossSums.js";
import { localSettings, runtimeOf } from "../../../src/engine/local/settings.js";
import type { Model } from "../../../src/model/load.js";
import { packUnits, sizesOf } from "../../../src/model/transformer/pack.js";
import type { Lesson } from "../../../src/policy/lessons.js";
import { fakeModel, fakePrompt } from "../../support/fakeModel.js";

let model: Model;
beforeAll(async () => {
  model = await fakeModel();
});

/** Two lessons of 2 and 1 responses, in a call of three places of three responses. */
async function packed() {
  const prompts = [
    await fakePrompt(model, { words: "How many?" }),
    await fakePrompt(model, { words: "Which colour?" }),
  ];
  const responses = [[Int32Array.of(5, 6, 7), Int32Array.of(8)], [Int32Array.of(9, 10)]];
  const lessons: Lesson[] = prompts.map((prompt, at) => ({
    prompt,
    responses_R: responses[at] ?? [],
    advantages_R: at === 0 ? [1, -2] : [3],
    weights_R: at === 0 ? [0.5, 0.25] : [0.125],
  }));
  const units = prompts.map((prompt, at) => ({ prompt, responses: responses[at] ?? [] }));
  return { lessons, units: packUnits(units, model, { rows: 3, responses: 3 }) };
}

const OLD = [[Float32Array.of(-1, -2, -3), Float32Array.of(-4)], [Float32Array.of(-5, -6)]] as const;

describe("lossBatch", () => {
  it("lays advantages and weights out by prompt and response, zeros where there is none", async () => {
    const { lessons, units } = await packed();
    const { U, R, T } = sizesOf(units);
    expect([U, R]).toEqual([3, 3]);
    const batch = lossBatch(lessons, units);
    expect(Array.from(batch.advantages.data)).toEqual([1, -2, 0, 3, 0, 0, 0, 0, 0]);
    expect(Array.from(batch.scale.data)).toEqual([0.5, 0.25, 0, 0.125, 0, 0, 0, 0, 0]);
    // No old log-probs: the policy of now is the old one, for every response there is.
    expect(Array.from(batch.isOnPolicy.data)).toEqual([1, 1, 0, 1, 0, 0, 0, 0, 0]);
    expect(batch.oldLogProbs).toEqual(zeros([U, R, T]));
    expect(batch.kl).toBeUndefined();
  });

  it("lays old log-probs out token by token; their responses are not on-policy", async () => {
    const { lessons, units } = await packed();
    const { T } = sizesOf(units);
    const old = lessons.map((lesson, at) => ({ ...lesson, oldLogProbs_R: [...(OLD[at] ?? [])] }));
    const batch = lossBatch(old, units);
    const rows = Array.from({ length: 9 }, (_, row) =>
      Array.from(batch.oldLogProbs.data.subarray(row * T, row * T + 3)),
    );
    expect(rows.slice(0, 4)).toEqual([
      [-1, -2, -3],
      [-4, 0, 0],
      [0, 0, 0],
      [-5, -6, 0],
    ]);
    expect(Array.from(batch.isOnPolicy.data)).toEqual(Array(9).fill(0));
    const mixed = lossBatch([old[0] as Lesson, lessons[1] as Lesson], units);
    expect(Array.from(mixed.isOnPolicy.data)).toEqual([0, 0, 0, 1, 0, 0, 0, 0, 0]);
  });

  it("multiplies advantages by importance weights token by token, 1 where a lesson has none", async () => {
    const { lessons, units } = await packed();
    const { U, R, T } = sizesOf(units);
    const [first, second] = lessons as [Lesson, Lesson];
    const weighted = { ...first, importance_R: [[2, 3, 4], [0.5]] };
    const { advantages } = lossBatch([weighted, second], units);
    expect(advantages.shape).toEqual([U, R, T]);
    const row = (at: number) => Array.from(advantages.data.subarray(at * T, at * T + 4));
    expect([row(0), row(1), row(3)]).toEqual([
      [2, 3, 4, 0],
      [-1, 0, 0, 0],
      [3, 3, 0, 0],
    ]);
  });

  it("has a KL term with the reference's log-probs, where every lesson has them", async () => {
    const { lessons, units } = await packed();
    const both = lessons.map((lesson, at) => ({ ...lesson, referenceLogProbs_R: [...(OLD[at] ?? [])] }));
    const { kl } = lossBatch(both, units, 0.01);
    expect(kl?.coefficient).toEqual(scalar(0.01));
    expect(Array.from(kl?.referenceLogProbs?.data.subarray(0, 3) ?? [])).toEqual([-1, -2, -3]);
    const half = lossBatch([both[0] as Lesson, lessons[1] as Lesson], units, 0);
    expect(half.kl).toEqual({ coefficient: scalar(0) });
  });
});

describe("placeRows", () => {
  it("cuts rows to their responses and puts them where the reading stands in the call, as copies", () => {
    const prompt = { id: "p", name: "p", pieces: [] };
    const reading = (...lengths: number[]) => ({
      prompt,
      responses_R: lengths.map((length) => new Int32Array(length)),
    });
    const values = Float32Array.from({ length: 2 * 2 * 3 }, (_, at) => at);
    const found: Float32Array[][] = [[], [], []];
    const batch = [
      { at: 2, reading: reading(1, 3) },
      { at: 0, reading: reading(2) },
    ];
    placeRows(found, batch, { R: 2, T: 3 }, values);
    values.fill(9);
    expect(found).toEqual([[Float32Array.of(6, 7)], [], [Float32Array.of(0), Float32Array.of(3, 4, 5)]]);
  });
});

describe("addSums", () => {
  it("adds what is a sum, takes the larger of what is a maximum, and keeps what is not told", () => {
    const first = addSums(NO_SUMS, { loss: scalar(1.5), maxLogRatio: scalar(0.25), klSum: scalar(2) });
    expect(first).toEqual({ ...NO_SUMS, loss: 1.5, maxLogRatio: 0.25, klSum: 2 });
    const second = addSums(first, {
      loss: scalar(-0.5),
      maxLogRatio: scalar(0.125),
      referenceKlSum: scalar(3),
    });
    expect(second).toEqual({ ...first, loss: 1, maxLogRatio: 0.25, referenceKlSum: 3 });
    expect(NO_SUMS.loss).toBe(0);
  });
});

describe("localSettings and runtimeOf", () => {
  const of = (settings: object) => localSettings(resolveConfig(settings, "test"));
  it("say what differs from the usual, and nothing of what does not", () => {
    const usual = of({});
    expect(Object.keys(usual).sort()).toEqual(["keepsReference", "maxRows", "microBatch"]);
    expect(runtimeOf(usual)).toEqual({});
    expect(of({ kl: { use: "loss" } }).keepsReference).toBe(true);
    expect(of({ update: { microBatchUnits: 3 } }).microBatch).toBe(3);
  });

  it("train an adapter where there is a rank, and nothing else then", () => {
    const lora = of({ lora: { rank: 4 }, seed: 7 }).lora;
    expect(lora).toMatchObject({ seed: 7, spec: { rank: 4 }, precision: { weights: "exact" } });
    const packed = of({ lora: { rank: 4 }, rollout: { weights: "int8" } }).lora;
    expect(packed?.precision).toEqual({ weights: "int8", cache: expect.any(String) });
  });

  it("leave a device that is to be found to whoever finds it", () => {
    expect(runtimeOf({ device: "auto" })).toEqual({});
    expect(runtimeOf({ device: "cuda", precision: "tf32", blocks: true })).toEqual({
      device: "cuda",
      precision: "tf32",
      blocks: true,
    });
  });
});
