import { describe, expect, it } from "vitest";
import { validAdvantageRatios, validRowRatio } from "../../src/advantage/valid.js";
import { golden } from "../golden/load.js";

interface GoldenFile {
  readonly valid_advantage_ratio: {
    readonly questions: number[][][];
    readonly share_grpo_question_ratio: number;
    readonly per_variant_grpo_group_ratio: number;
  };
}

function binary(questions: number[][][]) {
  return questions.map((rewards_M_N) =>
    rewards_M_N.map((rewards_N) => rewards_N.map((reward) => ({ overall: reward, accuracy: reward }))),
  );
}

describe("validAdvantageRatios", () => {
  it("equals the reference, pooled and local", () => {
    const reference = golden<GoldenFile>("shareGrpo.json").valid_advantage_ratio;
    const ratios = validAdvantageRatios(binary(reference.questions));
    expect(ratios.question).toBe(reference.share_grpo_question_ratio);
    expect(ratios.local).toBe(reference.per_variant_grpo_group_ratio);
    expect(ratios.fracRewardZeroStd).toBe(1 - reference.per_variant_grpo_group_ratio);
  });

  it("counts a group that differs in format alone as valid, but not in accuracy", () => {
    const group = [
      { overall: 0.1, accuracy: 0 },
      { overall: 0, accuracy: 0 },
    ];
    const ratios = validAdvantageRatios([
      [group],
      [
        [
          { overall: 1, accuracy: 1 },
          { overall: 0, accuracy: 0 },
        ],
      ],
    ]);
    expect(ratios).toMatchObject({ question: 1, local: 1, accuracy: 0.5, accuracyLocal: 0.5 });
  });

  it("is NaN for no questions and 0 for groups of one", () => {
    expect(validAdvantageRatios([]).question).toBeNaN();
    expect(validAdvantageRatios(binary([[[1]]])).question).toBe(0);
  });
});

describe("validRowRatio", () => {
  it("is the share of pairs with an advantage", () => {
    expect(
      validRowRatio([{ advantage: 0 }, { advantage: -1.5 }, { advantage: 1e-9 }, { advantage: 1 }]),
    ).toBe(0.5);
  });
});
