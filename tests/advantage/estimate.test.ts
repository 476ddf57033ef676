import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { estimateAdvantages, sharesResponses } from "../../src/advantage/estimate.js";
import { standardise } from "../../src/advantage/group.js";
import { advantageOf } from "../../src/advantage/shareGrpo.js";
import { resolveConfig } from "../../src/config/load.js";
import { ALGORITHMS, type Algorithm, type Mode } from "../../src/config/schema.js";
import { sharePairs } from "../../src/policy/share.js";
import { golden } from "../golden/load.js";

interface GoldenFile {
  readonly tolerances: { readonly advantage_float64: number };
  readonly advantages: {
    readonly id: string;
    readonly rewards_by_source: number[][];
    readonly advantages_code_semantics: (number | null)[];
  }[];
  readonly advantages_float32_artefacts: {
    readonly rewards_by_source: number[][];
    readonly official_code_float32_min: number;
    readonly official_code_float32_max: number;
  }[];
}
const reference = golden<GoldenFile>("shareGrpo.json");

/** Estimator options as a run's settings have them. */
const optionsOf = (algorithm: Algorithm, mode: Mode = "default") => ({
  ...resolveConfig({ mode }, "x").advantage,
  algorithm,
});
const ones = (scores: readonly (readonly (readonly number[])[])[]) =>
  scores.map((scores_M_N) => scores_M_N.map((scores_N) => scores_N.map(() => 1)));
const localOf = (algorithm: Algorithm, scores_N: number[]) =>
  estimateAdvantages([[scores_N]], ones([[scores_N]]), optionsOf(algorithm))[0]?.local_M_N[0];

describe("estimateAdvantages", () => {
  it.each(reference.advantages)("gives the released code's rows with mode code: $id", (each) => {
    const scores = [each.rewards_by_source];
    const [advantages] = estimateAdvantages(scores, ones(scores), optionsOf("share-grpo", "code"));
    const pairs = sharePairs(each.rewards_by_source, advantages ?? { global_M_N: [], local_M_N: [] });
    each.advantages_code_semantics.forEach((expected, row) => {
      if (expected === null) return;
      const { advantage } = pairs[row] ?? { advantage: Number.NaN };
      expect(Math.abs(advantage - expected)).toBeLessThan(reference.tolerances.advantage_float64);
    });
    expect(pairs).toHaveLength(each.advantages_code_semantics.length);
  });

  // Rewards 1, 0, 0, 0: mean 1/4, sample std 1/2.
  it.each([
    ["grpo", [1.5, -0.5, -0.5, -0.5]],
    ["dr-grpo", [0.75, -0.25, -0.25, -0.25]],
    ["rloo", [1, -1 / 3, -1 / 3, -1 / 3]],
    ["grpo-passk", [2, 0, 0, 0]],
    ["reinforce++", [1.5, -0.5, -0.5, -0.5]],
  ] as const)("of one group by %s, by hand", (algorithm, expected) => {
    const actual = localOf(algorithm, [1, 0, 0, 0]) ?? [];
    expected.forEach((value, i) => {
      expect(actual[i]).toBeCloseTo(value, 5);
    });
  });

  it("compares within a variant for all baselines but reinforce++, which sees the whole batch", () => {
    const scores = [
      [
        [1, 1],
        [1, 0],
      ],
      [
        [0, 0],
        [0, 0],
      ],
    ];
    for (const algorithm of ALGORITHMS.filter((each) => each !== "share-grpo")) {
      const [first, second] = estimateAdvantages(scores, ones(scores), optionsOf(algorithm));
      const isBatchWide = algorithm === "reinforce++";
      expect(
        first?.local_M_N[0]?.every((value) => value === 0),
        algorithm,
      ).toBe(!isBatchWide);
      expect(
        second?.local_M_N.flat().every((value) => value === 0),
        algorithm,
      ).toBe(!isBatchWide);
      expect(
        first?.global_M_N.flat().every((value) => value === 0),
        algorithm,
      ).toBe(true);
    }
  });

  it("counts a response once per token in reinforce++, and cuts the batch up as it was", () => {
    // Tokens 3 and 1, rewards 1 and 0: μ = 3/4, σ² = (3·1/16 + 9/16)/3 = 1/4 → (1 − 3/4)/0.5, (0 − 3/4)/0.5.
    const [first, second] = estimateAdvantages([[[1]], [[0]]], [[[3]], [[1]]], optionsOf("reinforce++"));
    expect(first?.local_M_N[0]?.[0]).toBeCloseTo(0.5, 6);
    expect(second?.local_M_N[0]?.[0]).toBeCloseTo(-1.5, 6);
  });

  it("is GRPO's with share-grpo and one variant, and twice that in mode code", () => {
    const rewards = fc.array(fc.constantFrom(0, 0.1, 0.9, 1), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(rewards, (scores_N) => {
        const scores = [[scores_N]];
        const own = (mode: Mode, algorithm: Algorithm) => {
          const [advantages] = estimateAdvantages(scores, ones(scores), optionsOf(algorithm, mode));
          return scores_N.map((_, i) =>
            advantages ? advantageOf(advantages, { j: 0, k: 0, i }) : Number.NaN,
          );
        };
        const [plain, shared, released] = [
          own("default", "grpo"),
          own("default", "share-grpo"),
          own("code", "share-grpo"),
        ];
        plain.forEach((value, i) => {
          expect(shared[i]).toBeCloseTo(value, 12);
          expect(released[i]).toBeCloseTo(2 * value, 12);
        });
      }),
      { seed: 3, numRuns: 50 },
    );
  });

  it("shares responses for share-grpo only", () => {
    expect(ALGORITHMS.filter(sharesResponses)).toEqual(["share-grpo"]);
  });
});

describe("single precision", () => {
  it.each(reference.advantages_float32_artefacts)(
    "gives equal rewards an advantage of the released code's size, double precision none: $rewards_by_source",
    ({ rewards_by_source, official_code_float32_min, official_code_float32_max }) => {
      const options = { std: "duplicated", epsilon: 1e-6, copies: rewards_by_source.length } as const;
      const single = standardise(rewards_by_source.flat(), { ...options, arithmetic: "float32" });
      const released = Math.max(Math.abs(official_code_float32_min), Math.abs(official_code_float32_max));
      expect(new Set(single).size).toBe(1);
      // The size hangs on the order of summation: one reward after another here, in blocks there.
      expect(Math.abs(single[0] as number)).toBeLessThan(10 * released + 1);
      expect(standardise(rewards_by_source.flat(), options).every((value) => value === 0)).toBe(true);
    },
  );

  it("is not 0 for twelve rewards of 0.9 under two prompts", () => {
    const rewards = Array.from({ length: 12 }, () => 0.9);
    const [first] = standardise(rewards, {
      std: "duplicated",
      epsilon: 1e-6,
      copies: 2,
      arithmetic: "float32",
    });
    expect(Math.abs(first as number)).toBeGreaterThan(1e-4);
  });

  it("agrees with double precision to six digits where rewards differ", () => {
    const options = { std: "sample", epsilon: 1e-6 } as const;
    const rewards = [0.9, 0.1, 1, 0, 0.9];
    const single = standardise(rewards, { ...options, arithmetic: "float32" });
    standardise(rewards, options).forEach((value, i) => {
      expect(single[i]).toBeCloseTo(value, 5);
    });
  });
});
