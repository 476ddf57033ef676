import { beforeAll, describe, expect, it } from "vitest";
import { resolveConfig } from "../../src/config/load.js";
import type { RunConfigInput } from "../../src/config/schema.js";
import { zip } from "../../src/core/zip.js";
import { createLearner } from "../../src/engine/local/learner.js";
import { localSettings } from "../../src/engine/local/settings.js";
import type { Model } from "../../src/model/load.js";
import { tokenPrompt } from "../../src/model/prompt.js";
import type { PairReading } from "../../src/policy/lessons.js";
import { miniBatch, miniBatches, passTokens, type UnweightedLesson } from "../../src/train/miniBatches.js";
import { lossSettings } from "../../src/train/update.js";
import { largestDifference } from "../model/parity.js";
import { fakeModel, fakePrompt } from "../support/fakeModel.js";

/** Two questions' readings of two prompts each; responses of 1, 2 and 3 tokens. */
function reading(at: number, advantages_R: readonly number[]): PairReading {
  return {
    prompt: tokenPrompt(Int32Array.of(at), `prompt ${at}`),
    pairs_R: advantages_R.map((advantage, i) => ({ j: 0, k: 0, i, advantage })),
    responses_R: advantages_R.map((_, i) => new Int32Array(i + 1)),
    isTruncated_R: advantages_R.map((_, i) => i === 2),
    advantages_R,
  };
}
const configOf = (settings: RunConfigInput = {}) =>
  resolveConfig({ ...settings, train: { questionsPerStep: 2 } }, "test");
const READINGS = [
  [1, 0, -1],
  [0, 0, 0],
  [0, 0, 0],
  [0, 0, 0],
].map((advantages, at) => reading(at, advantages));

describe("miniBatch", () => {
  it("leaves out pairs without advantage, which still count in what the others weigh", () => {
    const found = miniBatch(READINGS, configOf());
    expect(found.map(({ prompt }) => prompt.name)).toEqual(["prompt 0"]);
    expect(found[0]?.pairs_R.map(({ i }) => i)).toEqual([0, 2]);
    expect(found[0]?.responses_R.map(({ length }) => length)).toEqual([1, 3]);
    expect(found[0]?.weights_R).toEqual([1 / 24, 1 / 24]); // 4 readings of 6 tokens
  });

  it.each<[string, RunConfigInput]>([
    ["a KL term", { kl: { use: "loss" } }],
    ["an entropy term", { update: { entropyCoefficient: 0.1 } }],
    ["importance weights of cross pairs", { advantage: { crossImportanceCap: 2 } }],
  ])("leaves none out where %s reads all", (_, settings) => {
    const found = miniBatch(READINGS, configOf(settings));
    expect(found.map(({ responses_R }) => responses_R.length)).toEqual([3, 3, 3, 3]);
  });

  it("leaves out what is cut off, where that is not to be learnt from", () => {
    const [found] = miniBatch(READINGS, configOf({ update: { masksTruncated: true } }));
    expect(found?.pairs_R.map(({ i }) => i)).toEqual([0]);
  });

  it("keeps one reading whole where nothing teaches", () => {
    const found = miniBatch(READINGS.slice(1), configOf());
    expect(found.map(({ prompt, responses_R }) => [prompt.name, responses_R.length])).toEqual([
      ["prompt 1", 3],
    ]);
  });
});

describe("miniBatches", () => {
  it("cuts readings in their order, also where one part has nothing to teach", () => {
    const found = miniBatches(READINGS, configOf({ update: { optimizerStepsPerRollout: 2 } }));
    expect(found.map((lessons) => lessons.map(({ prompt }) => prompt.name))).toEqual([
      ["prompt 0"],
      ["prompt 2"],
    ]);
  });
});

describe("passTokens", () => {
  it("counts each prompt once, and own-variant pairs apart", () => {
    const [one] = READINGS as [PairReading];
    const foreign = { ...one, pairs_R: one.pairs_R.map((pair) => ({ ...pair, j: pair.i })) };
    // Prompts of 1 token, responses of 1, 2 and 3; of the second reading only the first is its own.
    expect(passTokens([one, foreign])).toEqual({ all: 7 + 7, own: 7 + 2 });
    const none = { ...one, pairs_R: one.pairs_R.map((pair) => ({ ...pair, k: 1 })) };
    expect(passTokens([none])).toEqual({ all: 7, own: 0 });
  });
});

/** Advantages by reading: one that teaches whole, one in part, two not at all; micro-batches of one become empty. */
const ADVANTAGES = [
  [1.5, -0.7, 0.4, -1.2],
  [0, 0, 0, 0],
  [0, 1.1, 0, -0.8],
  [0, 0, 0, 0],
];
let model: Model;
let lessons: UnweightedLesson[];

beforeAll(async () => {
  model = await fakeModel({ sharpness: 4 });
  const words = ["How many red circles?", "blue squares", "How many blue squares are there?", "red?"];
  const prompts = await Promise.all(words.map((each) => fakePrompt(model, { words: each })));
  const texts = ["<think>red</think> \\boxed{3}", "four", "<think>blue: 1 + 2 = 3</think>", "\\boxed{4}"];
  const responses_R = texts.map((text) => model.processor.encode(text));
  const plain = zip(prompts, ADVANTAGES).map(([prompt, advantages_R]) => ({
    ...{ prompt, responses_R, advantages_R },
    pairs_R: advantages_R.map((advantage, i) => ({ j: 0, k: 0, i, advantage })),
    isTruncated_R: [false, true, false, false],
  }));
  const learner = createLearner(model, localSettings(configOf()));
  const now = await learner.logProbs({ readings: plain, of: "policy", temperature: 1 });
  lessons = zip(plain, now).map(([each, rows_R], u) => ({
    ...each,
    oldLogProbs_R: rows_R.map((row, r) =>
      row.map((logProb, t) => logProb + 0.3 * Math.sin(3 * u + 5 * r + t)),
    ),
  }));
});

/** Loss and gradient of the lessons; AdamW's first moment is (1 − β1) of the gradient. */
async function gradientOf(weighed: ReturnType<typeof miniBatch>, settings: RunConfigInput) {
  const config = configOf(settings);
  const params = Object.fromEntries(
    Object.entries(model.params).map(([name, each]) => [name, { ...each, data: each.data.slice() }]),
  );
  const learner = createLearner({ ...model, params }, localSettings(config));
  const { loss } = await learner.accumulate(weighed, lossSettings(config));
  const { gradNorm } = await learner.apply({ ...config.update, maxGradNorm: 1e9, learningRate: 0, step: 1 });
  const gradient = Object.entries(learner.first).map(([, { data }]) => Array.from(data, (m) => m / 0.1));
  return { loss, gradNorm, gradient };
}

describe("an update on what is left", () => {
  const aggregations = ["global-token", "token", "sequence", "constant"] as const;
  const losses = ["clip", "gspo", "gspo-token", "cispo", "sapo"] as const;
  const cases = [
    ...aggregations.map((aggregation) => ({ aggregation, loss: "clip", masksTruncated: false }) as const),
    ...losses.slice(1).map((loss) => ({ aggregation: "token", loss, masksTruncated: false }) as const),
    { aggregation: "sequence", loss: "clip", ratio: "response", masksTruncated: false } as const,
    ...aggregations.map((aggregation) => ({ aggregation, loss: "clip", masksTruncated: true }) as const),
  ];

  it.each(cases)("has loss and gradient of the whole: %o", async (update) => {
    const settings = { update: { ...update, microBatchUnits: 1 }, rollout: { maxResponseLength: 64 } };
    const config = configOf(settings);
    const left = miniBatch(lessons, config);
    expect(left.map(({ prompt }) => prompt.id)).toEqual([lessons[0]?.prompt.id, lessons[2]?.prompt.id]);
    // An entropy term of next to nothing keeps every pair, weighed alike.
    const all = miniBatch(
      lessons,
      configOf({ ...settings, update: { ...settings.update, entropyCoefficient: 1 } }),
    );
    expect(all).toHaveLength(4);
    const [part, whole] = [await gradientOf(left, settings), await gradientOf(all, settings)];
    expect(whole.gradNorm).toBeGreaterThan(1e-3);
    expect(part.loss).toBeCloseTo(whole.loss, 6);
    zip(part.gradient, whole.gradient).forEach(([a, b]) => {
      expect(largestDifference(a, b)).toBeLessThan(1e-6 * Math.max(1, whole.gradNorm));
    });
  });

  it("is one of zeros where nothing teaches, and not the one before", async () => {
    const config = configOf();
    const learner = createLearner(model, localSettings(config));
    const step = { ...config.update, weightDecay: 0, learningRate: 0 };
    await learner.accumulate(miniBatch(lessons, config), lossSettings(config));
    expect((await learner.apply({ ...step, step: 1 })).gradNorm).toBeGreaterThan(0);
    await learner.accumulate(miniBatch(lessons.slice(1, 2), config), lossSettings(config));
    expect((await learner.apply({ ...step, step: 2 })).gradNorm).toBe(0);
  });
});
