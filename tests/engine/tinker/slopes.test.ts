import { describe, expect, it } from "vitest";
import { Rng } from "../../../src/core/rng.js";
import { zip } from "../../../src/core/zip.js";
import { type LossRow, type SlopeOptions, slopesOf } from "../../../src/engine/tinker/slopes.js";
import { SURROGATE_DEFAULTS } from "../../../src/policy/surrogate.js";

/** Rows whose ratios lie well inside, above and below every clip range, so that no difference straddles a kink. */
function rows(): LossRow[] {
  const draws = Rng.fromSeed(3).split("rows");
  const shifts = [-0.9, -0.1, 0.05, 0.6, 1.4];
  return [3, 5, 1, 4].map((length, r) => {
    const values = (make: (t: number) => number) => Float32Array.from({ length }, (_, t) => make(t));
    const logProbs = values(() => -0.5 - 2 * draws.uniform());
    return {
      logProbs,
      oldLogProbs: logProbs.map((value, t) => value - (shifts[(r + t) % shifts.length] ?? 0)),
      referenceLogProbs: logProbs.map((value) => value + 0.3 * draws.normal()),
      advantages: values(() => (r % 2 === 0 ? 1.3 : -0.7)),
      weight: 0.1 * (r + 1),
    };
  });
}

/** The same losses as plain loops in float64. */
function plainLoss(
  given: readonly LossRow[],
  logProbs: readonly (readonly number[])[],
  o: SlopeOptions,
): number {
  let total = 0;
  for (const [row, now] of zip(given, logProbs)) {
    const deltas = now.map((value, t) => value - (row.oldLogProbs[t] ?? 0));
    const mean = deltas.reduce((a, b) => a + b, 0) / deltas.length;
    for (const [t, delta] of deltas.entries()) {
      const A = row.advantages[t] ?? 0;
      const ratio = Math.exp(o.loss === "gspo" ? mean : delta);
      const [low, high] = o.loss === "gspo" ? [o.gspoClipLow, o.gspoClipHigh] : [o.clipLow, o.clipHigh];
      const clipped = Math.min(Math.max(ratio, 1 - low), 1 + high);
      if (o.loss === "sapo") {
        const tau = A > 0 ? o.sapoTauPositive : o.sapoTauNegative;
        total -= (row.weight * A * 4) / tau / (1 + Math.exp(-tau * (ratio - 1)));
      } else {
        const loss = Math.max(-A * ratio, -A * clipped);
        const cap = o.loss === "clip" && o.dualClip !== null && A < 0 ? -o.dualClip * A : Infinity;
        total += row.weight * Math.min(loss, cap);
      }
      const d = (row.referenceLogProbs?.[t] ?? 0) - (now[t] ?? 0);
      if (o.kl) total += o.kl.coefficient * row.weight * (Math.exp(d) - d - 1);
    }
  }
  return total;
}

const STEP = 1e-5;
const plain = (given: readonly LossRow[]) => given.map(({ logProbs }) => Array.from(logProbs));

function finiteDifference(given: readonly LossRow[], options: SlopeOptions, r: number, t: number): number {
  const moved = (by: number) =>
    plain(given).map((row, at) => row.map((value, place) => (at === r && place === t ? value + by : value)));
  return (plainLoss(given, moved(STEP), options) - plainLoss(given, moved(-STEP), options)) / (2 * STEP);
}

describe("slopesOf", () => {
  const kl = { term: "low_var_kl", coefficient: 0.04 } as const;
  it.each([
    ["the clip", { dualClip: null }],
    ["the clip with dual clip", { dualClip: 1.5 }],
    ["the clip with a KL term", { dualClip: 3, kl }],
    ["GSPO", { loss: "gspo" as const, gspoClipLow: 0.1, gspoClipHigh: 0.2 }],
    ["SAPO", { loss: "sapo" as const }],
  ])("of %s is the finite difference of the same loss as a plain loop", async (_name, changes) => {
    const options: SlopeOptions = { ...SURROGATE_DEFAULTS, ...changes };
    const given = rows();
    const { slopes, sums } = await slopesOf(given, options);
    const { kl: _kl, ...withoutKl } = options;
    expect(sums.loss).toBeCloseTo(plainLoss(given, plain(given), withoutKl), 5);
    for (const [r, slopes_L] of slopes.entries()) {
      for (const [t, slope] of slopes_L.entries()) {
        expect(slope).toBeCloseTo(finiteDifference(given, options, r, t), 4);
      }
    }
  });

  it("of CISPO is −w·clip(ρ)·A: the ratio carries no gradient", async () => {
    const options = { ...SURROGATE_DEFAULTS, loss: "cispo" as const };
    const given = rows();
    const { slopes } = await slopesOf(given, options);
    for (const [row, slopes_L] of zip(given, slopes)) {
      for (const [t, slope] of slopes_L.entries()) {
        const ratio = Math.exp((row.logProbs[t] ?? 0) - (row.oldLogProbs[t] ?? 0));
        const clipped = Math.min(Math.max(ratio, 0.8), 1.3);
        expect(slope).toBeCloseTo(-row.weight * clipped * (row.advantages[t] ?? 0), 5);
      }
    }
  });

  it("is the same in one batch and in many, and its sums add up", async () => {
    const many = Array.from({ length: 70 }, rows).flat();
    const all = await slopesOf(many, SURROGATE_DEFAULTS);
    const few = await slopesOf(rows(), SURROGATE_DEFAULTS);
    expect(all.slopes.slice(276)).toEqual(few.slopes);
    expect(all.sums.loss).toBeCloseTo(70 * few.sums.loss, 3);
    expect(all.sums.maxLogRatio).toBe(few.sums.maxLogRatio);
  });

  it("of nothing is nothing", async () => {
    expect(await slopesOf([], SURROGATE_DEFAULTS)).toEqual({
      slopes: [],
      sums: { loss: 0, clippedLow: 0, clippedHigh: 0, klSum: 0, entropySum: 0, maxLogRatio: 0 },
    });
  });
});
