import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { grpoAdvantages } from "../../src/advantage/grpo.js";
import {
  ADVANTAGE_MODES,
  advantageOf,
  hierarchicalAdvantages,
  ownAdvantages,
} from "../../src/advantage/shareGrpo.js";
import { DataError, ShapeError } from "../../src/core/errors.js";
import { sharePairs } from "../../src/policy/share.js";
import { golden } from "../golden/load.js";

interface AdvantageCase {
  readonly id: string;
  readonly eps: number;
  readonly rewards_by_source: number[][];
  readonly rows_in_order: {
    prompt: number;
    source: number;
    rollout: number;
    a_global: number;
    a_local: number | null;
  }[];
  readonly advantages_code_semantics: (number | null)[];
  readonly advantages_paper_unbiased_distinct: (number | null)[];
  readonly advantages_paper_population_std: (number | null)[];
}
interface GoldenFile {
  readonly tolerances: { readonly advantage_float64: number };
  readonly row_layout: {
    readonly m: number;
    readonly n: number;
    readonly order: { prompt: number; source: number; rollout: number }[];
  };
  readonly advantages: AdvantageCase[];
  readonly advantages_float32_artefacts: { id: string; rewards_by_source: number[][] }[];
  readonly advantages_shuffled_batch: {
    readonly rows: {
      question: string;
      prompt: number;
      source: number;
      rollout: number;
      reward: number;
      advantage: number;
    }[];
  };
}
const reference = golden<GoldenFile>("shareGrpo.json");
const tolerance = reference.tolerances.advantage_float64;

const rewardLists = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 6 })).chain(([m, n]) =>
  fc.array(fc.array(fc.constantFrom(0, 0.1, 0.9, 1), { minLength: n, maxLength: n }), {
    minLength: m,
    maxLength: m,
  }),
);

function rowsOf(rewards_M_N: number[][], options: Parameters<typeof hierarchicalAdvantages>[1]): number[] {
  return sharePairs(rewards_M_N, hierarchicalAdvantages(rewards_M_N, options)).map((pair) => pair.advantage);
}

/** Rows the reference calls NaN are own-variant rows of n = 1: there the local term is 0 by Departure 2. */
function expectRows(actual: number[], expected: (number | null)[], within: number): void {
  expect(actual).toHaveLength(expected.length);
  for (const [row, value] of expected.entries()) {
    if (value !== null) expect(Math.abs((actual[row] as number) - value)).toBeLessThan(within);
    else expect(Number.isFinite(actual[row])).toBe(true);
  }
}

describe("hierarchicalAdvantages", () => {
  it("has the sizes worked out by hand", () => {
    // Rewards (1 0 | 1 1): mean ¾, squares ¹⁄₁₆+⁹⁄₁₆+¹⁄₁₆+¹⁄₁₆ = ¾, sample std √(¾/3) = ½.
    // Global: (¼, −¾, ¼, ¼)/½ = (½, −3⁄2, ½, ½). Local of variant 0: ±½/√½ = ±√½; variant 1: equal, so 0.
    const { global_M_N, local_M_N } = hierarchicalAdvantages([
      [1, 0],
      [1, 1],
    ]);
    const flat = [...global_M_N.flat(), ...local_M_N.flat()];
    const expected = [0.5, -1.5, 0.5, 0.5, Math.SQRT1_2, -Math.SQRT1_2, 0, 0];
    for (const [at, value] of expected.entries()) expect(flat[at]).toBeCloseTo(value, 5);
  });

  for (const mode of ["code", "sample", "population"] as const) {
    it.each(reference.advantages)(`equals the reference's ${mode} advantages: $id`, (golden_) => {
      const options = {
        code: ADVANTAGE_MODES.code,
        sample: { ...ADVANTAGE_MODES.code, std: "sample" },
        population: { ...ADVANTAGE_MODES.code, std: "population" },
      } as const;
      const expected = {
        code: golden_.advantages_code_semantics,
        sample: golden_.advantages_paper_unbiased_distinct,
        population: golden_.advantages_paper_population_std,
      };
      const actual = rowsOf(golden_.rewards_by_source, { ...options[mode], epsilon: golden_.eps });
      expectRows(actual, expected[mode], tolerance);
    });
  }

  it.each(reference.advantages)("equals the reference's two terms apart: $id", (golden_) => {
    const advantages = hierarchicalAdvantages(golden_.rewards_by_source, ADVANTAGE_MODES.code);
    for (const { source, rollout, a_global, a_local } of golden_.rows_in_order) {
      expect(Math.abs((advantages.global_M_N[source]?.[rollout] ?? Number.NaN) - a_global)).toBeLessThan(
        tolerance,
      );
      if (a_local === null || a_local === undefined) continue;
      const local = advantages.local_M_N[source]?.[rollout] ?? Number.NaN;
      expect(Math.abs(local - a_local)).toBeLessThan(tolerance);
    }
  });

  it("does not depend on the order in which rows of two questions are mixed", () => {
    for (const id of ["A", "B"]) {
      const rows = reference.advantages_shuffled_batch.rows.filter((row) => row.question === id);
      const rewards_M_N: number[][] = [
        [0, 0],
        [0, 0],
      ];
      for (const row of rows) (rewards_M_N[row.source] as number[])[row.rollout] = row.reward;
      const advantages = hierarchicalAdvantages(rewards_M_N, ADVANTAGE_MODES.code);
      for (const row of rows) {
        const actual = advantageOf(advantages, { j: row.source, k: row.prompt, i: row.rollout });
        expect(Math.abs(actual - row.advantage)).toBeLessThan(tolerance);
      }
    }
  });

  it.each(reference.advantages_float32_artefacts)("is exactly 0 for equal rewards: $id", (golden_) => {
    for (const options of Object.values(ADVANTAGE_MODES)) {
      expect(rowsOf(golden_.rewards_by_source, options).every((advantage) => advantage === 0)).toBe(true);
    }
  });

  it("equals GRPO for one variant in default and paper mode, and is twice that in code mode", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(0, 0.1, 0.9, 1), { minLength: 1, maxLength: 12 }), (rewards_N) => {
        const grpo = grpoAdvantages(rewards_N);
        expect(rowsOf([rewards_N], ADVANTAGE_MODES.default)).toEqual(grpo);
        expect(rowsOf([rewards_N], ADVANTAGE_MODES.paper)).toEqual(
          grpoAdvantages(rewards_N, { std: "population", epsilon: 0 }),
        );
        expect(rowsOf([rewards_N], ADVANTAGE_MODES.code)).toEqual(grpo.map((advantage) => 2 * advantage));
      }),
    );
  });

  it("sums to 0 over a variant locally and over the question globally", () => {
    fc.assert(
      fc.property(rewardLists, fc.constantFrom(...Object.values(ADVANTAGE_MODES)), (rewards_M_N, options) => {
        const { global_M_N, local_M_N } = hierarchicalAdvantages(rewards_M_N, options);
        const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
        expect(Math.abs(sum(global_M_N.flat()))).toBeLessThan(1e-9);
        for (const local_N of local_M_N) expect(Math.abs(sum(local_N))).toBeLessThan(1e-9);
      }),
    );
  });

  it("permutes with the responses of a variant", () => {
    const rewards_M_N = [
      [1, 0.1, 0, 0.9],
      [0, 0, 1, 0.1],
    ];
    const reversed = rewards_M_N.map((rewards_N) => [...rewards_N].reverse());
    const straight = ownAdvantages(hierarchicalAdvantages(rewards_M_N));
    const back = ownAdvantages(hierarchicalAdvantages(reversed)).map((own_N) => own_N.reverse());
    for (const [at, value] of straight.flat().entries()) expect(back.flat()[at]).toBeCloseTo(value, 12);
  });

  it("keeps one term where the ablation asks for one", () => {
    const rewards_M_N = [
      [1, 0],
      [0, 0],
    ];
    const both = hierarchicalAdvantages(rewards_M_N);
    const global = hierarchicalAdvantages(rewards_M_N, { ...ADVANTAGE_MODES.default, terms: "global" });
    const local = hierarchicalAdvantages(rewards_M_N, { ...ADVANTAGE_MODES.default, terms: "local" });
    expect(global).toEqual({
      global_M_N: both.global_M_N,
      local_M_N: [
        [0, 0],
        [0, 0],
      ],
    });
    expect(local).toEqual({
      global_M_N: [
        [0, 0],
        [0, 0],
      ],
      local_M_N: both.local_M_N,
    });
  });

  it("refuses variants with different numbers of responses, none, and rewards that are not numbers", () => {
    expect(() => hierarchicalAdvantages([[1, 0], [1]])).toThrow(ShapeError);
    expect(() => hierarchicalAdvantages([])).toThrow(ShapeError);
    expect(() => hierarchicalAdvantages([[1, Number.NaN]])).toThrow(DataError);
    expect(() => grpoAdvantages([Number.POSITIVE_INFINITY])).toThrow("position 0");
  });
});

describe("sharePairs", () => {
  it("orders rows by prompt, then source, then rollout", () => {
    const { m, n, order } = reference.row_layout;
    const responses = Array.from({ length: m }, () => Array.from({ length: n }, () => 0));
    const pairs = sharePairs(responses, hierarchicalAdvantages(responses));
    expect(pairs.map(({ j, k, i }) => ({ prompt: k, source: j, rollout: i }))).toEqual(
      order.map(({ prompt, source, rollout }) => ({ prompt, source, rollout })),
    );
  });

  it("makes m·m·n pairs, and m·n of them without sharing", () => {
    fc.assert(
      fc.property(rewardLists, (rewards_M_N) => {
        const m = rewards_M_N.length;
        const n = (rewards_M_N[0] as number[]).length;
        const advantages = hierarchicalAdvantages(rewards_M_N);
        const shared = sharePairs(rewards_M_N, advantages);
        expect(shared).toHaveLength(m * m * n);
        for (const [row, { j, k, i }] of shared.entries()) expect((k * m + j) * n + i).toBe(row);
        const own = sharePairs(rewards_M_N, advantages, { share: false });
        expect(own).toEqual(shared.filter(({ j, k }) => j === k));
      }),
    );
  });

  it("weighs cross pairs only", () => {
    const rewards_M_N = [
      [1, 0],
      [0, 0],
    ];
    const advantages = hierarchicalAdvantages(rewards_M_N);
    const full = sharePairs(rewards_M_N, advantages);
    const half = sharePairs(rewards_M_N, advantages, { crossWeight: 0.5 });
    expect(half.map((pair) => pair.advantage)).toEqual(
      full.map((pair) => (pair.j === pair.k ? 1 : 0.5) * pair.advantage),
    );
  });

  it("refuses advantages of other responses", () => {
    expect(() => sharePairs([[0, 0]], hierarchicalAdvantages([[1]]))).toThrow(
      "sharePairs: expected advantages for [2] responses per variant, got [1]",
    );
  });
});
