import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Aggregation, tokenWeights } from "../../src/policy/aggregate.js";
import { golden } from "../golden/load.js";

interface GoldenFile {
  readonly loss_accumulation: {
    readonly micro_tokens: number[];
    readonly micro_token_mean_loss: number[];
    readonly fork_effective_loss: number;
    readonly easyr1_today_effective_loss: number;
  };
  readonly loss_avg_modes: {
    readonly per_token: number[][];
    readonly mask: number[][];
    readonly token_mode: number;
    readonly seq_mode: number;
  };
}
const reference = golden<GoldenFile>("shareGrpo.json");

const unit = (lengths: readonly number[], isTruncated_R = lengths.map(() => false)) => ({
  responses_R: lengths.map((length) => new Int32Array(length)),
  isTruncated_R,
});
const options = (aggregation: Aggregation, masksTruncated = false) => ({
  aggregation,
  masksTruncated,
  maxResponseLength: 8,
});

describe("tokenWeights", () => {
  it("is 1 over the mini-batch's tokens, whatever the micro-batches", () => {
    const one = tokenWeights([[unit([1, 2]), unit([3, 4])]], options("global-token"));
    const two = tokenWeights([[unit([1, 2])], [unit([3, 4])]], options("global-token"));
    expect(one.flat(2)).toEqual([0.1, 0.1, 0.1, 0.1]);
    expect(two.flat(2)).toEqual(one.flat(2));
  });

  it("weighs a token of a short micro-batch more, as the released code does", () => {
    const { micro_tokens, micro_token_mean_loss, fork_effective_loss, easyr1_today_effective_loss } =
      reference.loss_accumulation;
    const chunks = micro_tokens.map((tokens) => [unit([tokens])]);
    const effective = (aggregation: Aggregation) =>
      tokenWeights(chunks, options(aggregation)).reduce((sum, [[weight = 0] = []], at) => {
        const tokens = micro_tokens[at] ?? 0;
        return sum + weight * tokens * (micro_token_mean_loss[at] ?? 0);
      }, 0);
    expect(effective("token")).toBeCloseTo(fork_effective_loss, 12);
    expect(effective("global-token")).toBeCloseTo(easyr1_today_effective_loss, 12);
  });

  it("weighs responses equally for sequence, tokens equally for token: the reference's two modes", () => {
    const { per_token, mask, token_mode, seq_mode } = reference.loss_avg_modes;
    const lengths = mask.map((row) => row.reduce((sum, each) => sum + each, 0));
    const mean = (aggregation: Aggregation) => {
      const [[weights = []] = []] = tokenWeights([[unit(lengths)]], options(aggregation));
      return per_token.reduce(
        (sum, row, r) =>
          sum + row.reduce((a, loss, t) => a + loss * (mask[r]?.[t] ?? 0), 0) * (weights[r] ?? 0),
        0,
      );
    };
    expect(mean("token")).toBeCloseTo(token_mode, 12);
    expect(mean("sequence")).toBeCloseTo(seq_mode, 12);
  });

  it("divides by the longest response allowed for constant: two responses, 1 / (2 · 8)", () => {
    expect(tokenWeights([[unit([3, 5])]], options("constant"))).toEqual([[[1 / 16, 1 / 16]]]);
  });

  it("leaves cut-off responses out of sum and count", () => {
    const truncated = [[unit([2, 6], [false, true])]];
    expect(tokenWeights(truncated, options("global-token", true))).toEqual([[[0.5, 0]]]);
    expect(tokenWeights(truncated, options("sequence", true))).toEqual([[[0.5, 0]]]);
    expect(tokenWeights(truncated, options("global-token"))).toEqual([[[0.125, 0.125]]]);
    const all = [[unit([6, 6], [true, true])]];
    expect(tokenWeights(all, options("token", true))).toEqual([[[0, 0]]]);
  });

  it("sums to 1 over all tokens", () => {
    const lengths = fc.array(
      fc.array(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }), {
        minLength: 1,
        maxLength: 3,
      }),
      { minLength: 1, maxLength: 3 },
    );
    fc.assert(
      fc.property(lengths, fc.constantFrom("global-token", "token", "sequence"), (chunks, aggregation) => {
        const weights = tokenWeights(
          chunks.map((units) => units.map((each) => unit(each))),
          options(aggregation as Aggregation),
        );
        const sum = chunks
          .flat(2)
          .reduce((total, length, at) => total + length * (weights.flat(2)[at] ?? 0), 0);
        expect(sum).toBeCloseTo(1, 12);
      }),
      { seed: 4, numRuns: 60 },
    );
  });
});
