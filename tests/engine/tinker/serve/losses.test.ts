import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { elementwiseLosses, elementwiseSlopes } from "../../../../src/engine/tinker/serve/losses.js";
import {
  type Datum,
  WIRE_LOSSES,
  type WireLoss,
  type WireLossConfig,
} from "../../../../src/engine/tinker/wire.js";

const tensor = (data: readonly number[]) => ({ data, dtype: "float32" as const });

interface Token {
  readonly logProb: number;
  readonly old?: number;
  readonly advantage?: number;
  readonly weight?: number;
}

/** A datum of one token, and its log-prob. */
function oneToken({ logProb, old, advantage, weight }: Token): readonly [Datum, Float32Array] {
  const inputs = {
    target_tokens: { data: [5], dtype: "int64" as const },
    ...(old === undefined ? {} : { logprobs: tensor([old]) }),
    ...(advantage === undefined ? {} : { advantages: tensor([advantage]) }),
    ...(weight === undefined ? {} : { weights: tensor([weight]) }),
  };
  return [{ model_input: { chunks: [] }, loss_fn_inputs: inputs }, Float32Array.of(logProb)];
}

const lossOf = (token: Token, loss: WireLoss, config: WireLossConfig = {}) =>
  elementwiseLosses(...oneToken(token), { loss, config })[0] as number;
const slopeOf = (token: Token, loss: WireLoss, config: WireLossConfig = {}) =>
  elementwiseSlopes(...oneToken(token), { loss, config })[0] as number;

const LN = Math.log;

describe("elementwiseLosses, by hand", () => {
  // Of log π = ln 1/2 against an old ln 1/4 the ratio is 2; against ln 1 it is 1/2. Thresholds are 0.8 and 1.2.
  it.each<[WireLoss, Token, number]>([
    ["cross_entropy", { logProb: LN(0.5) }, LN(2)],
    ["cross_entropy", { logProb: LN(0.5), weight: 3, advantage: -9 }, 3 * LN(2)],
    ["importance_sampling", { logProb: LN(0.5), old: LN(0.25), advantage: 3 }, -6],
    ["importance_sampling", { logProb: LN(0.5), old: LN(0.25), advantage: 3, weight: 0.5 }, -3],
    ["importance_sampling", { logProb: LN(0.5), advantage: 3 }, -3],
    ["ppo", { logProb: LN(0.5), old: LN(0.25), advantage: 3 }, -1.2 * 3],
    ["ppo", { logProb: LN(0.5), old: LN(0.25), advantage: -3 }, 2 * 3],
    ["ppo", { logProb: LN(0.5), old: 0, advantage: 3 }, -0.5 * 3],
    ["ppo", { logProb: LN(0.5), old: 0, advantage: -3 }, 0.8 * 3],
    ["cispo", { logProb: LN(0.5), old: LN(0.25), advantage: 3 }, 1.2 * 3 * LN(2)],
    ["cispo", { logProb: LN(0.5), old: 0, advantage: 3 }, 0.8 * 3 * LN(2)],
    ["cispo", { logProb: LN(0.5), old: LN(0.25) }, 0],
  ])("%s of %j is %f", (loss, token, value) => {
    expect(lossOf(token, loss)).toBeCloseTo(value, 5);
  });

  it("clips by the thresholds that are given, one or both", () => {
    const token = { logProb: LN(0.5), old: LN(0.25), advantage: 1 };
    expect(lossOf(token, "ppo", { clip_high_threshold: 1.5 })).toBeCloseTo(-1.5, 5);
    expect(lossOf(token, "ppo", { clip_low_threshold: 0.1 })).toBeCloseTo(-1.2, 5);
    expect(lossOf(token, "ppo", { clip_high_threshold: 9 })).toBeCloseTo(-2, 5);
  });

  it("is 0 where the weight is, whatever the number it weighs", () => {
    for (const loss of WIRE_LOSSES) {
      const token = { logProb: -Infinity, old: -1, advantage: Infinity, weight: 0 };
      expect([lossOf(token, loss), slopeOf(token, loss)]).toEqual([0, 0]);
    }
  });
});

describe("elementwiseSlopes", () => {
  /** How far a ratio stays from a threshold, where the loss has a corner. */
  const isNear = (ratio: number) => Math.abs(ratio - 0.8) < 0.01 || Math.abs(ratio - 1.2) < 0.01;

  it.each(["cross_entropy", "importance_sampling", "ppo"] as const)(
    "of %s is what its loss rises by",
    (loss) => {
      const number = (min: number, max: number) => fc.double({ min, max, noNaN: true });
      fc.assert(
        fc.property(
          number(-3, -0.1),
          number(-3, -0.1),
          number(-2, 2),
          number(0.1, 2),
          (logProb, old, A, weight) => {
            fc.pre(!isNear(Math.exp(logProb - old)));
            const at = (x: number) => lossOf({ logProb: x, old, advantage: A, weight }, loss);
            const h = 1 / 512;
            const rise = (at(logProb + h) - at(logProb - h)) / (2 * h);
            const slope = slopeOf({ logProb, old, advantage: A, weight }, loss);
            expect(Math.abs(slope - rise)).toBeLessThan(2e-3 * Math.max(1, Math.abs(slope)));
          },
        ),
        { seed: 3 },
      );
    },
  );

  it("of cispo takes its clipped weight for a constant (MiniMax-M1, Eq. 4)", () => {
    const token = { logProb: LN(0.5), old: LN(0.25), advantage: 3, weight: 2 };
    expect(slopeOf(token, "cispo")).toBeCloseTo(-2 * 1.2 * 3, 5);
  });

  it("of ppo is 0 behind the threshold that the advantage pushes over, and nowhere else", () => {
    const slope = (old: number, advantage: number) => slopeOf({ logProb: LN(0.5), old, advantage }, "ppo");
    expect([slope(LN(0.25), 1), slope(0, -1)]).toEqual([0, 0]);
    expect(slope(LN(0.25), -1)).toBeCloseTo(2, 5);
    expect(slope(0, 1)).toBeCloseTo(-0.5, 5);
  });
});
