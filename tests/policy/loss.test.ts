import { beforeAll, describe, expect, it } from "vitest";
import { type Tensor, tf } from "../../src/core/tf.js";
import { POLICY_LOSS_DEFAULTS, type PolicyLossOptions, policyLoss } from "../../src/policy/loss.js";
import { golden } from "../golden/load.js";

interface LossCase {
  readonly id: string;
  readonly clip_ratio_low: number;
  readonly clip_ratio_high: number;
  readonly clip_ratio_dual: number;
  readonly old_log_probs: number[][];
  readonly log_probs: number[][];
  readonly advantages: number[][];
  readonly response_mask: number[][];
  readonly pg_loss: number;
  readonly pg_clipfrac_higher: number;
  readonly pg_clipfrac_lower: number;
  readonly ppo_kl: number;
  readonly entropy_loss: number;
  readonly grad_wrt_log_probs: number[][];
}
interface GoldenFile {
  readonly policy_loss: LossCase[];
  readonly loss_accumulation: {
    micro_tokens: number[];
    micro_token_mean_loss: number[];
    easyr1_today_effective_loss: number;
  };
  readonly loss_avg_modes: { per_token: number[][]; mask: number[][]; token_mode: number; seq_mode: number };
}
const reference = golden<GoldenFile>("shareGrpo.json");

/** float32 against the reference's float64: losses of size up to 6 carry errors up to 6·2⁻²³. */
const TOLERANCE = 2e-6;

interface Batch {
  readonly logProbs: number[][];
  readonly oldLogProbs: number[][];
  readonly advantages: number[][];
  readonly mask: number[][];
}

/** The loss and its gradient as TensorFlow.js computes them. */
function evaluate(
  batch: Batch,
  scale: number | number[][],
  options: PolicyLossOptions = POLICY_LOSS_DEFAULTS,
) {
  return tf.tidy(() => {
    const inputs = {
      oldLogProbs: tf.tensor2d(batch.oldLogProbs),
      advantages: tf.tensor2d(batch.advantages),
      mask: tf.tensor2d(batch.mask),
      scale: typeof scale === "number" ? tf.scalar(scale) : tf.tensor2d(scale),
    };
    const logProbs = tf.tensor2d(batch.logProbs);
    const lossOf = (given: Tensor) => policyLoss({ ...inputs, logProbs: given }, options);
    const grad = tf.grad((given: Tensor) => lossOf(given).loss)(logProbs);
    const { loss, stats } = lossOf(logProbs);
    const sums = Object.fromEntries(
      Object.entries(stats).map(([name, sum]) => [name, sum.dataSync()[0] ?? Number.NaN]),
    );
    return { loss: loss.dataSync()[0] ?? Number.NaN, grad: grad.arraySync() as number[][], sums };
  });
}

/** Plain-number reading of the module's formula, one token at a time. */
function plainLoss(batch: Batch, scale: number, options: PolicyLossOptions): number {
  let total = 0;
  for (const [p, row] of batch.logProbs.entries()) {
    for (const [t, logProb] of row.entries()) {
      const advantage = batch.advantages[p]?.[t] ?? Number.NaN;
      const ratio = Math.exp(logProb - (batch.oldLogProbs[p]?.[t] ?? Number.NaN));
      const clipped = Math.min(Math.max(ratio, 1 - options.clipLow), 1 + options.clipHigh);
      const upper = Math.max(-advantage * ratio, -advantage * clipped);
      const loss = advantage < 0 ? Math.min(upper, -advantage * options.dualClip) : upper;
      total += loss * (batch.mask[p]?.[t] ?? Number.NaN) * scale;
    }
  }
  return total;
}

function wave(P: number, T: number, phase: number): number[][] {
  return Array.from({ length: P }, (_, p) =>
    Array.from({ length: T }, (_, t) => Math.sin(phase + 1.7 * p + 0.9 * t)),
  );
}
const batch: Batch = {
  logProbs: wave(4, 5, 0).map((row) => row.map((value) => value - 1.2)),
  oldLogProbs: wave(4, 5, 1).map((row) => row.map((value) => value - 1.3)),
  advantages: wave(4, 1, 2).map((row) => Array.from({ length: 5 }, () => row[0] as number)),
  mask: wave(4, 5, 3).map((row) => row.map((_, t) => (t < 4 ? 1 : 0))),
};

beforeAll(async () => {
  await tf.setBackend("cpu");
});

describe("policyLoss", () => {
  it.each(reference.policy_loss)("equals the reference's loss, gradient and shares: $id", (golden_) => {
    const tokens = golden_.response_mask.flat().reduce((sum, value) => sum + value, 0);
    const { loss, grad, sums } = evaluate(
      {
        logProbs: golden_.log_probs,
        oldLogProbs: golden_.old_log_probs,
        advantages: golden_.advantages,
        mask: golden_.response_mask,
      },
      1 / (tokens + 1e-8),
      {
        ...POLICY_LOSS_DEFAULTS,
        clipLow: golden_.clip_ratio_low,
        clipHigh: golden_.clip_ratio_high,
        dualClip: golden_.clip_ratio_dual,
      },
    );
    const share = (name: string) => (sums[name] as number) / (tokens + 1e-8);
    expect(Math.abs(loss - golden_.pg_loss)).toBeLessThan(TOLERANCE);
    expect(Math.abs(share("clippedHigh") - golden_.pg_clipfrac_higher)).toBeLessThan(TOLERANCE);
    expect(Math.abs(share("clippedLow") - golden_.pg_clipfrac_lower)).toBeLessThan(TOLERANCE);
    expect(Math.abs(share("klSum") - golden_.ppo_kl)).toBeLessThan(TOLERANCE);
    expect(Math.abs(share("entropySum") - golden_.entropy_loss)).toBeLessThan(TOLERANCE);
    expect(sums["tokens"]).toBe(tokens);
    for (const [at, value] of golden_.grad_wrt_log_probs.flat().entries()) {
      expect(Math.abs((grad.flat()[at] as number) - value)).toBeLessThan(TOLERANCE);
    }
  });

  it("equals a plain loop over tokens", () => {
    const expected = plainLoss(batch, 1 / 16, POLICY_LOSS_DEFAULTS);
    expect(evaluate(batch, 1 / 16).loss).toBeCloseTo(expected, 5);
  });

  it("has the gradient of a finite difference", () => {
    const { grad } = evaluate(batch, 1 / 16);
    const step = 1e-6;
    for (const [p, row] of batch.logProbs.entries()) {
      for (const t of row.keys()) {
        const moved = (by: number) => ({
          ...batch,
          logProbs: batch.logProbs.map((values, at) =>
            at === p ? values.map((value, column) => (column === t ? value + by : value)) : values,
          ),
        });
        const slope =
          (plainLoss(moved(step), 1 / 16, POLICY_LOSS_DEFAULTS) -
            plainLoss(moved(-step), 1 / 16, POLICY_LOSS_DEFAULTS)) /
          (2 * step);
        expect(grad[p]?.[t]).toBeCloseTo(slope, 5);
      }
    }
  });

  it("adds up over micro-batches to the whole mini-batch, in loss, gradient and sums", () => {
    const part = (from: number, to: number): Batch => ({
      logProbs: batch.logProbs.slice(from, to),
      oldLogProbs: batch.oldLogProbs.slice(from, to),
      advantages: batch.advantages.slice(from, to),
      mask: batch.mask.slice(from, to),
    });
    const whole = evaluate(batch, 1 / 16);
    const parts = [evaluate(part(0, 1), 1 / 16), evaluate(part(1, 4), 1 / 16)];
    expect(parts.reduce((sum, micro) => sum + micro.loss, 0)).toBeCloseTo(whole.loss, 6);
    expect(parts.flatMap((micro) => micro.grad)).toEqual(whole.grad);
    for (const name of ["tokens", "clippedHigh", "clippedLow", "klSum", "entropySum"]) {
      expect(parts.reduce((sum, micro) => sum + (micro.sums[name] as number), 0)).toBeCloseTo(
        whole.sums[name] as number,
        5,
      );
    }
  });

  it("weighs micro-batches by their tokens: the reference's global token mean", () => {
    const { micro_tokens, micro_token_mean_loss, easyr1_today_effective_loss } = reference.loss_accumulation;
    const total = micro_tokens.reduce((sum, tokens) => sum + tokens, 0);
    const losses = micro_tokens.map((tokens, at) => {
      const row = (value: number) => [Array.from({ length: tokens }, () => value)];
      const advantages = row(-(micro_token_mean_loss[at] as number));
      return evaluate({ logProbs: row(-1), oldLogProbs: row(-1), advantages, mask: row(1) }, 1 / total).loss;
    });
    expect(losses.reduce((sum, loss) => sum + loss, 0)).toBeCloseTo(easyr1_today_effective_loss, 6);
  });

  it("takes a scale per pair, which gives the sequence mean", () => {
    const { per_token, mask, token_mode, seq_mode } = reference.loss_avg_modes;
    const zeros = mask.map((row) => row.map(() => 0));
    const given = {
      logProbs: zeros,
      oldLogProbs: zeros,
      advantages: per_token.map((row) => row.map((loss) => -loss)),
      mask,
    };
    expect(evaluate(given, 1 / 5).loss).toBeCloseTo(token_mode, 6);
    expect(evaluate(given, [[1 / (2 * 4)], [1 / (2 * 1)]]).loss).toBeCloseTo(seq_mode, 6);
  });

  it("takes one advantage per pair", () => {
    const perPair = { ...batch, advantages: batch.advantages.map((row) => row.slice(0, 1)) };
    expect(evaluate(perPair, 1 / 16)).toEqual(evaluate(batch, 1 / 16));
  });

  it("has a finite loss and no gradient for a token impossibly far off the old policy", () => {
    const far = { logProbs: [[0, -200]], oldLogProbs: [[-200, 0]], mask: [[1, 1]] };
    for (const advantage of [2, 0, -2]) {
      const { loss, grad, sums } = evaluate({ ...far, advantages: [[advantage, advantage]] }, 1);
      expect(Number.isFinite(loss)).toBe(true);
      expect(grad[0]?.map(Math.abs)).toEqual([0, 0]);
      expect(sums["maxLogRatio"]).toBe(200);
    }
  });

  it("ignores what stands in padding", () => {
    const padded = {
      ...batch,
      logProbs: batch.logProbs.map((row) => row.map((value, t) => (t < 4 ? value : -50))),
    };
    expect(evaluate(padded, 1 / 16).loss).toBe(evaluate(batch, 1 / 16).loss);
  });

  it("refuses inputs of other shapes by name", () => {
    expect(() => evaluate({ ...batch, mask: [[1]] }, 1)).toThrow(
      "policyLoss: mask: expected [P, T] with P=4, T=5, got [1, 1]",
    );
  });
});
