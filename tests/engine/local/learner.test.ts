import { beforeAll, describe, expect, it } from "vitest";
import { type NdArray, type Params, zerosLike } from "../../../src/core/ndarray.js";
import { zip } from "../../../src/core/zip.js";
import type { Model } from "../../../src/model/load.js";
import { lossSettings } from "../../../src/train/update.js";
import { largestDifference } from "../../model/parity.js";
import { fakeModel, fakePrompt, temporaryFolder } from "../../support/fakeModel.js";
import {
  type OffPolicyLesson,
  type PlainLesson,
  type TestLearner,
  testLearner,
} from "../../support/testLearner.js";

let model: Model;
/** Three prompts, two images among them, four responses each, old log-probs a little off the policy's. */
let lessons: OffPolicyLesson[];

beforeAll(async () => {
  model = await fakeModel({ sharpness: 4 });
  const prompts = await Promise.all([
    fakePrompt(model, { words: "How many red circles?", grids: [[4, 6]] }),
    fakePrompt(model, { words: "blue squares" }),
    fakePrompt(model, { words: "How many blue squares are there?", grids: [[4, 4]] }),
  ]);
  const responses = [
    "<think>red</think> \\boxed{3}",
    "four",
    "<think>blue squares: 1 + 2 = 3</think>",
    "\\boxed{4}",
  ].map((text) => model.processor.encode(text));
  const plain = prompts.map((prompt) => ({ prompt, responses_R: responses }));
  const logProbs = await testLearner(model).logProbs(plain);
  lessons = plain.map((reading, u) => ({
    ...reading,
    advantages_R: [1.5, -0.7, 0.4 - u, -1.2],
    oldLogProbs_R: (logProbs[u] ?? []).map((row, r) =>
      row.map((logProb, t) => logProb + 0.3 * Math.sin(3 * u + 5 * r + t)),
    ),
  }));
});

/** The lessons with the policy's own log-probs as old ones. */
async function onPolicy(learner: TestLearner): Promise<OffPolicyLesson[]> {
  const logProbs = await learner.logProbs(lessons);
  return lessons.map((lesson, u) => ({ ...lesson, oldLogProbs_R: logProbs[u] ?? [] }));
}

/** The lessons for a policy that is the old one itself. */
function plain(): PlainLesson[] {
  return lessons.map(({ oldLogProbs_R: _, ...lesson }) => lesson);
}

/** A model with the same numbers in arrays of its own. */
function copyOf({ params, ...rest }: Model): Model {
  return { ...rest, params: copies(params) };
}

function copies(params: Params): Record<string, NdArray> {
  return Object.fromEntries(
    Object.entries(params).map(([name, each]) => [name, { ...each, data: each.data.slice() }]),
  );
}

type Update = NonNullable<Parameters<typeof testLearner>[1]>["update"] & object;

const learners = new Map<string, TestLearner>();

/** A learner at its beginning. Those of equal options share their compiled graphs, and so their arrays. */
function learner(options: Update = {}): TestLearner {
  const key = JSON.stringify(options);
  const found = learners.get(key) ?? testLearner(copyOf(model), { update: options });
  learners.set(key, found);
  for (const [name, { data }] of Object.entries(model.params)) {
    found.params[name]?.data.set(data);
    for (const moment of [found.first, found.second]) moment[name]?.data.fill(0);
  }
  return found;
}

/** The first update's gradient: AdamW's first moment is (1 − β1) of it. */
function gradientOf({ first }: TestLearner): Record<string, number[]> {
  return Object.fromEntries(
    Object.entries(first).map(([name, { data }]) => [name, Array.from(data, (m) => m / 0.1)]),
  );
}

function expectSameGradients(one: TestLearner, other: TestLearner, tolerance: number): void {
  const [a, b] = [gradientOf(one), gradientOf(other)];
  const far = Object.keys(a).filter((name) => !(largestDifference(a[name] ?? [], b[name] ?? []) < tolerance));
  expect(far).toEqual([]);
}

const AT = { learningRate: 1e-3, step: 1 };

/** One lesson per response: what shared prefixes save. */
function naive(of: readonly OffPolicyLesson[]): OffPolicyLesson[] {
  return of.flatMap(({ prompt, responses_R, advantages_R, oldLogProbs_R }) =>
    zip(zip(responses_R, advantages_R), oldLogProbs_R).map(([[response, advantage], old]) => ({
      prompt,
      responses_R: [response],
      advantages_R: [advantage],
      oldLogProbs_R: [old],
    })),
  );
}

/** The loss as its definition reads, in float64, one token at a time. */
function plainLoss(of: readonly OffPolicyLesson[], logProbs: readonly (readonly Float32Array[])[]): number {
  let [sum, tokens] = [0, 0];
  of.forEach(({ advantages_R, oldLogProbs_R }, u) => {
    advantages_R.forEach((advantage, r) => {
      logProbs[u]?.[r]?.forEach((logProb, t) => {
        const ratio = Math.exp(logProb - (oldLogProbs_R[r]?.[t] as number));
        const clipped = Math.min(Math.max(ratio, 0.8), 1.3);
        sum += Math.min(Math.max(-advantage * ratio, -advantage * clipped), 3 * Math.abs(advantage));
        tokens++;
      });
    });
  });
  return sum / tokens;
}

describe("logProbs", () => {
  it("has one number per response token, whatever shares its batch", async () => {
    const one = learner();
    const all = await one.logProbs(lessons);
    expect(all.map((each) => each.map((row) => row.length))).toEqual(
      lessons.map(({ responses_R }) => responses_R.map((response) => response.length)),
    );
    const alone = await learner({ microBatchUnits: 1 }).logProbs(naive(lessons));
    expect(
      largestDifference(
        all.flat().flatMap((row) => [...row]),
        alone.flat().flatMap((row) => [...row]),
      ),
    ).toBeLessThan(1e-4);
    expect(all.flat().every((row) => row.every((logProb) => logProb < 0 && Number.isFinite(logProb)))).toBe(
      true,
    );
  });
});

describe("update", () => {
  it("has the loss that its definition gives, with ratios off 1", async () => {
    const packed = learner();
    const logProbs = await packed.logProbs(lessons);
    const { loss } = await packed.update(lessons, AT);
    expect(loss).toBeCloseTo(plainLoss(lessons, logProbs), 5);
  });

  it("with shared prompts equals one row per pair, in loss and in every gradient", async () => {
    const [packed, rows] = [learner(), learner({ microBatchUnits: 4 })];
    const shared = await packed.update(lessons, AT);
    const alone = await rows.update(naive(lessons), AT);
    expect(Math.abs(shared.loss - alone.loss)).toBeLessThan(1e-5);
    expect(Math.abs(shared.gradNorm - alone.gradNorm) / alone.gradNorm).toBeLessThan(1e-5);
    expect(alone.gradNorm).toBeGreaterThan(0.01);
    expectSameGradients(packed, rows, 1e-5);
  });

  it.each([1, 3, 4])("does not depend on the micro-batch: 2 against %d", async (microBatchUnits) => {
    const [two, other] = [learner(), learner({ microBatchUnits })];
    const [a, b] = [await two.update(lessons, AT), await other.update(lessons, AT)];
    expect(Math.abs(a.loss - b.loss)).toBeLessThan(1e-5);
    for (const part of ["clipShareHigh", "clipShareLow", "klApprox", "entropy", "ratioDeviation"] as const) {
      expect(b[part], part).toBeCloseTo(a[part], 5);
    }
    expectSameGradients(two, other, 1e-5);
  });

  it("begins with a ratio of 1 on every token, and nothing clipped", async () => {
    const fresh = learner();
    const stats = await fresh.update(await onPolicy(fresh), AT);
    expect(stats.ratioDeviation).toBeLessThan(1e-4);
    expect([stats.clipShareHigh, stats.clipShareLow]).toEqual([0, 0]);
    expect(Math.abs(stats.klApprox)).toBeLessThan(1e-5);
    expect(stats.isApplied).toBe(true);
  });

  it.each(["clip", "gspo", "gspo-token", "cispo", "sapo"] as const)(
    "without old log-probs has the gradient of old ones that are the policy's own: loss %s",
    async (loss) => {
      const [told, untold] = [learner({ loss }), learner({ loss, microBatchUnits: 3 })];
      const a = await told.update(await onPolicy(told), AT);
      const b = await untold.update(plain(), AT);
      expect(Math.abs(a.loss - b.loss)).toBeLessThan(1e-5);
      expect(b.gradNorm).toBeGreaterThan(0.01);
      expectSameGradients(told, untold, 1e-5);
      expect([b.ratioDeviation, b.klApprox, b.clipShareHigh, b.clipShareLow].map(Math.abs)).toEqual([
        0, 0, 0, 0,
      ]);
    },
  );

  it("takes lessons with and without old log-probs into one micro-batch", async () => {
    const [apart, together] = [learner({ microBatchUnits: 1 }), learner({ microBatchUnits: 3 })];
    const mixed = plain().map((lesson, u) => (u === 1 ? (lessons[1] ?? lesson) : lesson));
    const [a, b] = [await apart.update(mixed, AT), await together.update(mixed, AT)];
    expect(b.klApprox).toBeCloseTo(a.klApprox, 6);
    expect(Math.abs(a.klApprox)).toBeGreaterThan(1e-4);
    expectSameGradients(apart, together, 1e-5);
  });

  it("finds the log-probs of what it learns from, in the order it was given", async () => {
    const fresh = learner();
    const logProbs = await fresh.logProbs(lessons);
    const weighed = lessons.map((lesson) => ({ ...lesson, weights_R: lesson.responses_R.map(() => 1) }));
    const found = await fresh.learner.accumulate(weighed, lossSettings(fresh.config));
    const flat = (rows: readonly (readonly Float32Array[])[]) =>
      rows.map((each) => each.map((row) => row.length));
    expect(flat(found.logProbs)).toEqual(flat(logProbs));
    found.logProbs.forEach((rows_R, u) => {
      rows_R.forEach((row, r) => {
        expect(largestDifference([...row], [...(logProbs[u]?.[r] ?? [])])).toBeLessThan(1e-5);
      });
    });
  });

  it("counts clipped tokens and the largest ratio as their definitions say", async () => {
    const fresh = learner();
    const logProbs = await fresh.logProbs(lessons);
    const tokens = lessons.flatMap(({ advantages_R, oldLogProbs_R }, u) =>
      advantages_R.flatMap((advantage, r) =>
        Array.from(logProbs[u]?.[r] ?? [], (logProb, t) => ({
          advantage,
          delta: logProb - (oldLogProbs_R[r]?.[t] as number),
        })),
      ),
    );
    const isClipped = ({ advantage, delta }: (typeof tokens)[number]) =>
      advantage > 0 ? Math.exp(delta) > 1.3 : Math.exp(delta) < 0.8;
    const stats = await fresh.update(lessons, AT);
    expect(stats.clipShareHigh).toBeCloseTo(tokens.filter(isClipped).length / tokens.length, 6);
    expect(stats.clipShareHigh).toBeGreaterThan(0);
    expect(stats.klApprox).toBeCloseTo(-tokens.reduce((sum, { delta }) => sum + delta, 0) / tokens.length, 5);
    const largest = Math.max(...tokens.map(({ delta }) => Math.abs(delta)));
    expect(stats.ratioDeviation).toBeCloseTo(Math.expm1(largest), 4);
    const entropy =
      -logProbs.flat().reduce((sum, row) => sum + row.reduce((a, b) => a + b, 0), 0) / tokens.length;
    expect(stats.entropy).toBeCloseTo(entropy, 4);
  });

  it("makes rewarded responses likelier, step after step", async () => {
    const fresh = learner();
    const meanLogProb = async () => {
      const rows = (await fresh.logProbs(lessons)).flat();
      const sum = rows.reduce((total, row) => total + row.reduce((a, b) => a + b, 0), 0);
      return sum / rows.reduce((count, row) => count + row.length, 0);
    };
    const means = [await meanLogProb()];
    for (let step = 1; step <= 4; step++) {
      const rewarded = (await onPolicy(fresh)).map((lesson) => ({ ...lesson, advantages_R: [1, 1, 1, 1] }));
      await fresh.update(rewarded, { learningRate: 3e-3, step });
      means.push(await meanLogProb());
    }
    for (let step = 1; step < means.length; step++) {
      expect(means[step] as number).toBeGreaterThan(means[step - 1] as number);
    }
  });

  it("lowers the loss of one batch when repeated, until the clip holds it", async () => {
    const fresh = learner();
    const fixed = await onPolicy(fresh);
    const losses: number[] = [];
    for (let step = 1; step <= 5; step++)
      losses.push((await fresh.update(fixed, { learningRate: 1e-3, step })).loss);
    expect(losses.at(-1) as number).toBeLessThan((losses[0] as number) - 0.01);
  });

  it("moves nothing when all advantages are 0, but for the decay asked for", async () => {
    const idle = lessons.map((lesson) => ({ ...lesson, advantages_R: [0, 0, 0, 0] }));
    const still = learner();
    const stats = await still.update(idle, AT);
    expect(stats.gradNorm).toBe(0);
    for (const [name, { data }] of Object.entries(still.params))
      expect(data, name).toEqual(model.params[name]?.data);
    const decaying = learner({ weightDecay: 0.5 });
    await decaying.update(idle, { learningRate: 0.1, step: 1 });
    // p ← p · (1 − 0.1 · 0.5)
    const name = "model.norm.weight";
    const expected = Array.from(model.params[name]?.data ?? [], (p) => 0.95 * p);
    expect(largestDifference(decaying.params[name]?.data ?? [], expected)).toBeLessThan(1e-6);
  });

  it("is scaled down to the norm asked for", async () => {
    const [free, clipped] = [learner(), learner({ maxGradNorm: 0.01 })];
    const [{ gradNorm }, after] = [await free.update(lessons, AT), await clipped.update(lessons, AT)];
    expect(after.gradNorm).toBeCloseTo(gradNorm, 5);
    const squares = Object.values(gradientOf(clipped))
      .flat()
      .reduce((sum, g) => sum + g * g, 0);
    expect(Math.sqrt(squares)).toBeCloseTo(0.01, 5);
  });

  it.each([
    ["an infinite advantage", { advantages_R: [Number.POSITIVE_INFINITY, 1, 1, 1] }],
    ["an advantage that is not a number", { advantages_R: [1, Number.NaN, 1, 1] }],
  ])("changes no weight and no moment for %s, and goes on as if it had not been", async (_, damage) => {
    const hurt = learner();
    const params = copies(hurt.params);
    const stats = await hurt.update(
      [{ ...(lessons[0] as OffPolicyLesson), ...damage }, ...lessons.slice(1)],
      AT,
    );
    expect(stats.isApplied).toBe(false);
    expect(Number.isFinite(stats.gradNorm)).toBe(false);
    for (const [name, { data }] of Object.entries(params))
      expect(hurt.params[name]?.data, name).toEqual(data);
    const zeros = zerosLike(params);
    for (const moment of [hurt.first, hurt.second]) {
      for (const [name, { data }] of Object.entries(zeros)) expect(moment[name]?.data, name).toEqual(data);
    }
    const after = { stats: await hurt.update(lessons, AT), params: copies(hurt.params) };
    const healthy = learner();
    expect(after.stats).toEqual(await healthy.update(lessons, AT));
    expect(after.params).toEqual(healthy.params);
  });

  it("gives the same bytes for the same batches", async () => {
    const twoSteps = async () => {
      const fresh = learner();
      for (const step of [1, 2]) await fresh.update(lessons, { ...AT, step });
      return [fresh.params, fresh.first, fresh.second].map(copies);
    };
    const [params, ...moments] = await twoSteps();
    expect([params, ...moments]).toEqual(await twoSteps());
    expect(params).not.toEqual(model.params);
  });

  it.each([
    { frozen: "vision", isFrozen: (name: string) => name.startsWith("visual.") },
    { frozen: "language", isFrozen: (name: string) => !name.startsWith("visual.") },
  ] as const)("leaves $frozen as it is where that is frozen, and trains the rest alike", async (part) => {
    const free = { maxGradNorm: 1e9 };
    const whole = learner(free);
    await whole.update(lessons, AT);
    const copy = copyOf(model);
    const partly = testLearner(copy, { update: { ...free, frozen: part.frozen } });
    await partly.update(lessons, AT);
    for (const [name, { data }] of Object.entries(copy.params)) {
      const expected = part.isFrozen(name) ? model.params[name]?.data : whole.params[name]?.data;
      expect(largestDifference(data, expected ?? []), name).toBeLessThan(part.isFrozen(name) ? 1e-12 : 2e-5);
    }
    expect(Object.keys(partly.first).some(part.isFrozen)).toBe(false);
    const folder = await temporaryFolder();
    await partly.learner.save(folder);
    const again = testLearner(copyOf(model), { update: { ...free, frozen: part.frozen } });
    await again.learner.restore(folder, 1);
    expect(again.params).toEqual(partly.params);
    expect(again.second).toEqual(partly.second);
    await expect(testLearner(copyOf(model)).learner.restore(folder, 1)).rejects.toThrow(
      /first moments: .*missing/,
    );
  });
});
