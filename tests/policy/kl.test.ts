import { beforeAll, describe, expect, it } from "vitest";
import { type Tensor, tf } from "../../src/core/tf.js";
import {
  adaptKlCoefficient,
  fullKl,
  KL_ESTIMATORS,
  klLoss,
  klPerToken,
  rewardWithKl,
} from "../../src/policy/kl.js";
import { golden } from "../golden/load.js";

interface GoldenFile {
  readonly kl_estimators: {
    cases: (Record<"kl" | "abs" | "mse" | "low_var_kl", number> & {
      log_prob: number;
      ref_log_prob: number;
    })[];
  };
  readonly kl_loss: {
    log_probs: number[];
    ref_log_probs: number[];
    mask: number[];
    pg_loss: number;
    kl_coef: number;
    loss: number;
  };
  readonly kl_in_reward: {
    token_scores: number[];
    log_probs_old: number[];
    ref_log_probs: number[];
    mask: number[];
    kl_coef: number;
    sequence_reward: number;
  };
}
const reference = golden<GoldenFile>("shareGrpo.json");

beforeAll(async () => {
  await tf.setBackend("cpu");
});

describe("klPerToken", () => {
  it.each(KL_ESTIMATORS)("equals the reference: %s", (estimator) => {
    for (const { log_prob, ref_log_prob, ...expected } of reference.kl_estimators.cases) {
      const kl = klPerToken(tf.tensor2d([[log_prob]]), tf.tensor2d([[ref_log_prob]]), estimator);
      expect(kl.dataSync()[0]).toBeCloseTo(expected[estimator], 5);
    }
  });

  it("has the gradient of a finite difference", () => {
    const at = [-1.3, -0.4];
    const other = tf.tensor2d([[-0.9, -1.1]]);
    for (const estimator of KL_ESTIMATORS) {
      const sum = (values: number[]) =>
        tf.sum(klPerToken(tf.tensor2d([values]), other, estimator)).dataSync()[0] as number;
      const grad = tf.grad((x: Tensor) => tf.sum(klPerToken(x, other, estimator)))(tf.tensor2d([at]));
      for (const [column, slope] of [...grad.dataSync()].entries()) {
        const moved = (by: number) => sum(at.map((value, place) => (place === column ? value + by : value)));
        expect(slope).toBeCloseTo((moved(0.01) - moved(-0.01)) / 0.02, 3);
      }
    }
  });

  it("stays finite however far the two are apart", () => {
    const kl = klPerToken(tf.tensor2d([[-500, 0]]), tf.tensor2d([[0, -500]]), "low_var_kl");
    expect([...kl.dataSync()]).toEqual([10, 10]);
  });
});

describe("fullKl", () => {
  const logs = (rows: number[][]) => tf.log(tf.tensor2d(rows));

  it("sums over the vocabulary", () => {
    const policy = logs([
      [0.5, 0.5],
      [0.2, 0.8],
    ]);
    const other = logs([
      [0.25, 0.75],
      [0.2, 0.8],
    ]);
    const [apart, same] = fullKl(policy, other).dataSync();
    // ½·ln 2 + ½·ln(2/3)
    expect(apart).toBeCloseTo(0.5 * Math.log(2) + 0.5 * Math.log(2 / 3), 6);
    expect(same).toBeCloseTo(0, 6);
  });

  it("is the mean of the estimate −d over the policy's own tokens", () => {
    const [p, q] = [
      [0.1, 0.6, 0.3],
      [0.3, 0.3, 0.4],
    ];
    const estimates = klPerToken(logs([p as number[]]), logs([q as number[]]), "kl").dataSync();
    const mean = (p as number[]).reduce((sum, share, at) => sum + share * (estimates[at] as number), 0);
    expect(fullKl(logs([p as number[]]), logs([q as number[]])).dataSync()[0]).toBeCloseTo(mean, 6);
  });

  it("has the gradient π·(log π/π_ref − KL) by the logits", () => {
    const [p, q] = [[0.5, 0.5] as const, [0.25, 0.75] as const];
    const logits = logs([[...p]]);
    const grad = tf.grad((x: Tensor) => tf.sum(fullKl(tf.logSoftmax(x), logs([[...q]]))))(logits);
    const kl = p[0] * Math.log(p[0] / q[0]) + p[1] * Math.log(p[1] / q[1]);
    const [first, second] = grad.dataSync();
    expect(first).toBeCloseTo(0.5 * (Math.log(2) - kl), 5);
    expect(second).toBeCloseTo(0.5 * (Math.log(2 / 3) - kl), 5);
  });

  it("refuses distributions of different vocabularies", () => {
    expect(() => fullKl(tf.zeros([2, 3]), tf.zeros([2, 4]))).toThrow("fullKl: reference: expected [N, V]");
  });
});

describe("klLoss", () => {
  it("adds up with the policy loss to the reference's", () => {
    const { log_probs, ref_log_probs, mask, pg_loss, kl_coef, loss } = reference.kl_loss;
    const kl = klPerToken(tf.tensor2d([log_probs]), tf.tensor2d([ref_log_probs]), "low_var_kl");
    const term = klLoss(kl, {
      mask: tf.tensor2d([mask]),
      scale: tf.scalar(1 / mask.length),
      coefficient: kl_coef,
    });
    expect(pg_loss + (term.dataSync()[0] as number)).toBeCloseTo(loss, 7);
  });
});

describe("rewardWithKl", () => {
  it("equals the reference's sequence reward", () => {
    const { token_scores, log_probs_old, ref_log_probs, mask, kl_coef, sequence_reward } =
      reference.kl_in_reward;
    const own = (values: number[]) => values.filter((_, t) => mask[t] === 1);
    const reward = token_scores.reduce((sum, score) => sum + score, 0);
    const logProbs = { old: own(log_probs_old), reference: own(ref_log_probs) };
    expect(rewardWithKl(reward, logProbs, { coefficient: kl_coef })).toBeCloseTo(sequence_reward, 12);
  });
});

describe("adaptKlCoefficient", () => {
  it("grows and shrinks by at most a fifth of samples over horizon", () => {
    // kl twice the target is clipped to +0.2: 0.1·(1 + 0.2·50/100); kl 0.9 of it: 0.1·(1 − 0.1·50/100).
    const controller = { target: 0.5, horizon: 100 };
    expect(adaptKlCoefficient(0.1, { kl: 1, samples: 50 }, controller)).toBeCloseTo(0.11, 12);
    expect(adaptKlCoefficient(0.1, { kl: 0.45, samples: 50 }, controller)).toBeCloseTo(0.095, 12);
    expect(adaptKlCoefficient(0.1, { kl: -3, samples: 50 }, controller)).toBeCloseTo(0.09, 12);
  });
});
