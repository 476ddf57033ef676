import { describe, expect, it } from "vitest";
import type { RunConfigInput } from "../../../src/config/schema.js";
import { zip } from "../../../src/core/zip.js";
import { chunkSizes } from "../../../src/engine/local/rowChunks.js";
import { fakeModel, fakePrompt } from "../../support/fakeModel.js";
import { testLearner } from "../../support/testLearner.js";

const WORDS = ["<think>red</think> \\boxed{3}", "four", "blue squares: 1 + 2 = 3"];

/** What learners of equal weights find, one per limit: log-probs before, sums and gradients of an update. */
async function found(heldScores: number | undefined, settings: RunConfigInput) {
  const model = await fakeModel({ sharpness: 4 });
  const responses = WORDS.map((text) => model.processor.encode(text));
  const prompts = await Promise.all([
    fakePrompt(model, { words: "How many red circles?", grids: [[4, 6]] }),
    fakePrompt(model, { words: "blue squares" }),
  ]);
  const plain = prompts.map((prompt) => ({ prompt, responses_R: responses }));
  // β1 = 0: the first moment is the gradient.
  const update = { beta1: 0, ...settings.update };
  const learner = testLearner(model, { ...settings, update }, heldScores === undefined ? {} : { heldScores });
  const before = await learner.logProbs(plain);
  // A step away, so that policy and reference are two.
  const lessons = plain.map((reading, u) => ({
    ...reading,
    advantages_R: [1.5, -0.7, -1.2],
    oldLogProbs_R: (before[u] ?? []).map((row, r) =>
      row.map((p, t) => p + 0.3 * Math.sin(3 * u + 5 * r + t)),
    ),
  }));
  await learner.update(lessons, { learningRate: 1e-2, step: 1 });
  const stats = await learner.update(lessons, { learningRate: 0, step: 2 });
  return { before: before.flat(), stats, gradients: learner.first };
}

/** Largest difference over the largest value. */
function gap(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const most = Math.max(...Array.from(b, Math.abs));
  return (
    Math.max(...zip(Array.from(a), Array.from(b)).map(([x, y]) => Math.abs(x - y))) / Math.max(most, 1e-12)
  );
}

describe("rows in chunks", () => {
  it.each([
    { rows: 10, columns: 4, held: 12, sizes: [2, 3, 2, 3] },
    { rows: 10, columns: 4, held: 40, sizes: [10] },
    { rows: 3, columns: 100, held: 1, sizes: [1, 1, 1] },
    { rows: 0, columns: 4, held: 12, sizes: [0] },
  ])("$rows rows of $columns numbers, $held of them held: $sizes", ({ rows, columns, held, sizes }) => {
    expect(chunkSizes(rows, columns, held)).toEqual(sizes);
  });

  it.each([
    { what: "log-probs alone", settings: {} },
    { what: "entropies", settings: { update: { entropyCoefficient: 0.05 } } },
    {
      what: "entropies and KL over the vocabulary",
      settings: {
        update: { entropyCoefficient: 0.05 },
        kl: { use: "loss", estimator: "full", coefficient: 0.1 },
      },
    },
  ] satisfies { what: string; settings: RunConfigInput }[])(
    "give what one chunk gives: $what",
    async ({ settings }) => {
      const whole = await found(undefined, settings);
      // Two rows of the fake model's vocabulary at once, and seven.
      for (const held of [1024, 3584]) {
        const cut = await found(held, settings);
        for (const [a, b] of zip(cut.before, whole.before)) expect(gap(a, b)).toBeLessThan(1e-6);
        expect(cut.stats.gradNorm / whole.stats.gradNorm).toBeCloseTo(1, 6);
        for (const [name, { data }] of Object.entries(whole.gradients)) {
          expect(gap(cut.gradients[name]?.data ?? [], data), name).toBeLessThan(1e-5);
        }
      }
    },
  );
});
