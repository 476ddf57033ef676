import { beforeAll, describe, expect, it } from "vitest";
import type { RunConfigInput } from "../../../src/config/schema.js";
import { invariant } from "../../../src/core/errors.js";
import type { Model } from "../../../src/model/load.js";
import { fakeModel, fakePrompt } from "../../support/fakeModel.js";
import { type OffPolicyLesson, type TestLearner, testLearner } from "../../support/testLearner.js";

/** Longest response allowed, for the aggregation that divides by it. */
const LIMIT = 32;
const ADVANTAGES = [1.5, -0.7, -1.2];

let lessons: OffPolicyLesson[];
let logProbs_U_R_T: readonly (readonly Float32Array[])[];

/** A learner on weights of its own; the same every time. */
async function learnerOf(
  update: RunConfigInput["update"],
  kl: RunConfigInput["kl"] = {},
): Promise<TestLearner> {
  const model: Model = await fakeModel({ sharpness: 4 });
  return testLearner(model, { update, kl, rollout: { maxResponseLength: LIMIT } });
}

/** Two prompts, three responses each; the old policy is a little off, the last response was cut off. */
beforeAll(async () => {
  const model = await fakeModel({ sharpness: 4 });
  const responses = ["<think>red</think> \\boxed{3}", "four", "blue squares: 1 + 2 = 3"].map((text) =>
    model.processor.encode(text),
  );
  const prompts = await Promise.all(
    ["How many red circles?", "blue squares"].map((words) => fakePrompt(model, { words })),
  );
  const plain = prompts.map((prompt) => ({ prompt, responses_R: responses }));
  const learner = testLearner(model);
  logProbs_U_R_T = await learner.logProbs(plain);
  lessons = plain.map((reading, u) => ({
    ...reading,
    advantages_R: ADVANTAGES,
    isTruncated_R: [false, false, true],
    oldLogProbs_R: (logProbs_U_R_T[u] ?? []).map((row, r) =>
      row.map((logProb, t) => logProb + 0.3 * Math.sin(3 * u + 5 * r + t)),
    ),
  }));
});

interface Row {
  readonly advantage: number;
  readonly isTruncated: boolean;
  readonly logProbs: number[];
  /** log π − log π_old of each token */
  readonly deltas: number[];
}

function rowsOf(): Row[] {
  return lessons.flatMap((unit, u) =>
    unit.oldLogProbs_R.map((old, r) => {
      const logProbs = Array.from(logProbs_U_R_T[u]?.[r] ?? []);
      const deltas = logProbs.map((logProb, t) => logProb - (old[t] as number));
      return { advantage: ADVANTAGES[r] as number, isTruncated: r === 2, logProbs, deltas };
    }),
  );
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
const clip = (ratio: number, low: number, high: number) => Math.min(Math.max(ratio, 1 - low), 1 + high);
const AT = { learningRate: 1e-3, step: 1 };

describe("update", () => {
  it("with loss gspo and sequence aggregation is the mean over responses of one clipped ratio each", async () => {
    const learner = await learnerOf({
      loss: "gspo",
      aggregation: "sequence",
      gspoClipLow: 0.01,
      gspoClipHigh: 0.02,
    });
    const perRow = rowsOf().map(({ advantage, deltas }) => {
      const ratio = Math.exp(mean(deltas));
      return Math.max(-advantage * ratio, -advantage * clip(ratio, 0.01, 0.02));
    });
    const stats = await learner.update(lessons, AT);
    expect(stats.loss).toBeCloseTo(mean(perRow), 5);
    expect(stats.clipShareHigh).toBeGreaterThan(0);
    expect(stats.gradNorm).toBeGreaterThan(0);
  });

  it("with loss cispo, constant aggregation and truncated responses masked is as its definition reads", async () => {
    const learner = await learnerOf({ loss: "cispo", aggregation: "constant", masksTruncated: true });
    const counted = rowsOf().filter(({ isTruncated }) => !isTruncated);
    const sum = total(
      counted.flatMap(({ advantage, logProbs, deltas }) =>
        deltas.map((delta, t) => -clip(Math.exp(delta), 0.2, 0.3) * advantage * (logProbs[t] as number)),
      ),
    );
    expect((await learner.update(lessons, AT)).loss).toBeCloseTo(sum / (counted.length * LIMIT), 5);
  });

  it("with loss sapo, and importance weights on the advantages, is as its definition reads", async () => {
    const learner = await learnerOf({ loss: "sapo", sapoTauPositive: 2, sapoTauNegative: 3 });
    const weight = (t: number) => 1 / (1 + t);
    const weighted = lessons.map((unit) => ({
      ...unit,
      importance_R: unit.responses_R.map((response) => Array.from(response, (_, t) => weight(t))),
    }));
    const perToken = rowsOf().flatMap(({ advantage, deltas }) => {
      const tau = advantage > 0 ? 2 : 3;
      return deltas.map((delta, t) => {
        const gate = 1 / (1 + Math.exp(-tau * (Math.exp(delta) - 1)));
        return -advantage * weight(t) * (4 / tau) * gate;
      });
    });
    expect((await learner.update(weighted, AT)).loss).toBeCloseTo(mean(perToken), 5);
  });
});

describe("update with KL over the whole vocabulary", () => {
  const idle = () => lessons.map((unit) => ({ ...unit, advantages_R: ADVANTAGES.map(() => 0) }));

  it("measures none at first, more as the policy leaves, and less once it is drawn back", async () => {
    const learner = await learnerOf({}, { use: "loss", estimator: "full" });
    const still = await learner.update(idle(), { learningRate: 0, step: 1, klCoefficient: 1 });
    expect(still.referenceKl).toBeCloseTo(0, 6);
    expect(still.gradNorm).toBeCloseTo(0, 5);
    for (let step = 1; step <= 3; step++)
      await learner.update(lessons, { learningRate: 1e-2, step, klCoefficient: 0 });
    const away = await learner.update(idle(), { learningRate: 1e-3, step: 4, klCoefficient: 1 });
    for (let step = 5; step <= 9; step++)
      await learner.update(idle(), { learningRate: 1e-3, step, klCoefficient: 1 });
    const back = await learner.update(idle(), { learningRate: 0, step: 10, klCoefficient: 1 });
    expect(away.referenceKl).toBeGreaterThan(1e-3);
    expect(back.referenceKl).toBeLessThan(away.referenceKl as number);
    expect(back.referenceKl).toBeGreaterThan(0);
  });

  it("is what the estimate −d gives on the mean over all next tokens", async () => {
    const [unit] = lessons;
    invariant(unit, "a unit");
    const learner = await learnerOf({}, { use: "loss", estimator: "full" });
    for (let step = 1; step <= 3; step++)
      await learner.update(lessons, { learningRate: 1e-2, step, klCoefficient: 0 });
    // Every token of the vocabulary as a response of one token: Σ_v π(v)·(log π(v) − log π_ref(v)) on the host.
    const { config } = await fakeModel();
    const responses = Array.from({ length: config.vocabSize }, (_, token) => Int32Array.of(token));
    const all = [{ prompt: unit.prompt, responses_R: responses }];
    const [now] = await learner.logProbs(all);
    const [before] = await learner.logProbs(all, "reference");
    const onHost = responses.reduce((sum, _, v) => {
      const [logProb, reference] = [now?.[v]?.[0] as number, before?.[v]?.[0] as number];
      return sum + Math.exp(logProb) * (logProb - reference);
    }, 0);
    const one = {
      ...unit,
      responses_R: [Int32Array.of(5)],
      advantages_R: [0],
      isTruncated_R: [false],
      oldLogProbs_R: [Float32Array.of(-1)],
    };
    const stats = await learner.update([one], { learningRate: 0, step: 4, klCoefficient: 1 });
    expect(stats.referenceKl).toBeCloseTo(onHost, 5);
    expect(onHost).toBeGreaterThan(1e-4);
  });
});

describe("one ratio per response", () => {
  it("is Eq. 8 as printed: the product over tokens, clipped once, each response weighing the same", async () => {
    const learner = await learnerOf({
      ratio: "response",
      aggregation: "sequence",
      dualClip: null,
      maxLogRatio: null,
    });
    const perRow = rowsOf().map(({ advantage, deltas }) => {
      const ratio = Math.exp(total(deltas));
      return Math.max(-advantage * ratio, -advantage * clip(ratio, 0.2, 0.3));
    });
    expect((await learner.update(lessons, AT)).loss).toBeCloseTo(mean(perRow), 4);
  });
});

describe("terms of the loss", () => {
  let learner: TestLearner;
  /** No advantage: what moves is moved by the terms. */
  const idle = () =>
    lessons.map((unit) => ({
      ...unit,
      advantages_R: ADVANTAGES.map(() => 0),
      referenceLogProbs_R: unit.oldLogProbs_R,
    }));
  beforeAll(async () => {
    learner = await learnerOf({ entropyCoefficient: 1 }, { use: "loss", estimator: "low_var_kl" });
  });

  it("measure KL to the reference by its estimator, and leave the surrogate alone", async () => {
    const stats = await learner.update(idle(), { learningRate: 0, step: 1, klCoefficient: 1 });
    // d = log π_ref − log π = −δ
    const kl = rowsOf().flatMap(({ deltas }) => deltas.map((delta) => Math.exp(-delta) + delta - 1));
    expect(stats.referenceKl).toBeCloseTo(mean(kl), 5);
    expect(stats.loss).toBeCloseTo(0, 12);
    expect(stats.gradNorm).toBeGreaterThan(0);
  });

  it("keep the initial weights as the reference policy while the learner's move", async () => {
    const plain = lessons.map(({ prompt, responses_R }) => ({ prompt, responses_R }));
    const referred = lessons.map((unit) => ({ ...unit, referenceLogProbs_R: unit.oldLogProbs_R }));
    const flat = (rows: readonly (readonly Float32Array[])[]) => rows.flat().flatMap((row) => [...row]);
    for (let step = 1; step <= 3; step++)
      await learner.update(referred, { learningRate: 1e-2, step, klCoefficient: 0 });
    expect(flat(await learner.logProbs(plain, "reference"))).toEqual(flat(logProbs_U_R_T));
    expect(flat(await learner.logProbs(plain))).not.toEqual(flat(logProbs_U_R_T));
  });

  it("raise the entropy of the whole distribution, step after step", async () => {
    const entropies: number[] = [];
    for (let step = 1; step <= 4; step++) {
      const { fullEntropy } = await learner.update(idle(), { learningRate: 3e-3, step, klCoefficient: 0 });
      entropies.push(fullEntropy ?? Number.NaN);
    }
    entropies.slice(1).forEach((entropy, at) => {
      expect(entropy).toBeGreaterThan(entropies[at] as number);
    });
  });

  it("pull the policy back to the reference", async () => {
    const kl: number[] = [];
    for (let step = 1; step <= 4; step++) {
      const { referenceKl } = await learner.update(idle(), { learningRate: 3e-3, step, klCoefficient: 1000 });
      kl.push(referenceKl ?? Number.NaN);
    }
    expect(kl.at(-1) as number).toBeLessThan(kl[0] as number);
  });

  it("need a reference policy that was asked for", async () => {
    const without = await learnerOf({});
    await expect(without.logProbs([], "reference")).rejects.toThrow("set kl.use to loss or reward");
  });
});
