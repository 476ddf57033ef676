import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { zip } from "../../../src/core/zip.js";
import { advantageFactor, probeAggregation } from "../../../src/engine/tinker/aggregation.js";
import { datumOf, responsePart } from "../../../src/engine/tinker/datum.js";
import { probeImages, requireImages } from "../../../src/engine/tinker/imageProbe.js";
import type { TrainingModel } from "../../../src/engine/tinker/model.js";
import { slopesOf } from "../../../src/engine/tinker/slopes.js";
import type { Datum, WireLoss } from "../../../src/engine/tinker/wire.js";
import { SURROGATE_DEFAULTS } from "../../../src/policy/surrogate.js";
import { ADAM, scene } from "../../support/tinkerScene.js";
import { TOY } from "../../support/toyBackend.js";

const prompt = (...tokens: number[]) => ({
  chunks: [{ type: "encoded_text", tokens } as const],
  tokens: Int32Array.from(tokens),
});
const PROMPTS = [prompt(4, 5, 6), prompt(7, 8)];
const RESPONSES = [Int32Array.of(9, 10, 2), Int32Array.of(11), Int32Array.of(12, 13, 14, 15, 2)];
const ADVANTAGES = [1.2, -0.4, -0.8];
const OLD_SHIFTS = [0.5, -0.6, 0.1];

/** Every response under every prompt. */
const PAIRS = PROMPTS.flatMap((one) => RESPONSES.map((response, r) => ({ prompt: one, response, r })));

async function logProbsOf(model: TrainingModel): Promise<Float32Array[]> {
  const data = PAIRS.map((pair) => datumOf(pair.prompt, pair.response));
  const outputs = await model.forward({ data, loss: "cross_entropy" });
  return zip(PAIRS, outputs).map(([pair, { logProbs }]) => responsePart(logProbs, pair.prompt));
}

/** The clipped loss, token mean, as the server's own loss or through the surrogate; the weights after one step. */
async function stepWith(
  path: WireLoss | "surrogate",
  aggregation: "sum" | "mean",
  dualClip: number | null = null,
) {
  const { model, tables } = await scene(undefined, { aggregation });
  const now = await logProbsOf(model);
  const tokens = PAIRS.reduce((sum, { response }) => sum + response.length, 0);
  const factor = (weight: number, length: number) =>
    advantageFactor(weight, { aggregation, sequences: PAIRS.length, tokens: length });
  const rows = zip(PAIRS, now).map(([{ response, r }, logProbs]) => ({
    logProbs,
    oldLogProbs: logProbs.map((value) => value - (OLD_SHIFTS[r] ?? 0)),
    advantages: new Float32Array(response.length).fill(ADVANTAGES[r] ?? 0),
    weight: 1 / tokens,
  }));
  const { slopes } = await slopesOf(rows, { ...SURROGATE_DEFAULTS, dualClip });
  const data: Datum[] = zip(zip(PAIRS, rows), slopes).map(([[{ prompt: one, response }, row], slopes_L]) =>
    path === "surrogate"
      ? datumOf(one, response, {
          logProbs: row.logProbs,
          advantages: slopes_L.map((g) => -g * factor(1, response.length)),
        })
      : datumOf(one, response, {
          logProbs: row.oldLogProbs,
          advantages: row.advantages.map((A) => A * factor(row.weight, response.length)),
        }),
  );
  const config = { clip_low_threshold: 0.8, clip_high_threshold: 1.3 };
  await model.forwardBackward(
    path === "surrogate" ? { data, loss: "importance_sampling" } : { data, loss: path, config },
  );
  const { gradNorm = Number.NaN } = await model.optimStep(ADAM);
  return { gradNorm, tables: tables().slice() };
}

describe("advantageFactor", () => {
  it("by hand: a token of 3 among 10 in 4 sequences", () => {
    expect(advantageFactor(0.1, { aggregation: "sum", sequences: 4, tokens: 3 })).toBe(0.1);
    expect(advantageFactor(0.1, { aggregation: "mean", sequences: 4, tokens: 3 })).toBeCloseTo(1.2, 12);
  });

  it("makes servers that sum and servers that take means do the same step", async () => {
    const [sum, mean] = [await stepWith("ppo", "sum"), await stepWith("ppo", "mean")];
    expect(mean.gradNorm / sum.gradNorm).toBeCloseTo(1, 6);
    for (const [weight, other] of zip([...sum.tables], [...mean.tables]))
      expect(weight).toBeCloseTo(other, 6);
  });
});

describe("the exact path", () => {
  it.each(["sum", "mean"] as const)(
    "gives the server's own ppo to six digits where it takes the %s",
    async (aggregation) => {
      const own = await stepWith("ppo", aggregation);
      const exact = await stepWith("surrogate", aggregation);
      expect(exact.gradNorm / own.gradNorm).toBeCloseTo(1, 6);
      for (const [weight, other] of zip([...own.tables], [...exact.tables]))
        expect(weight).toBeCloseTo(other, 6);
    },
  );

  it("gives losses that the server lacks: with dual clip the step is another", async () => {
    const plain = await stepWith("surrogate", "sum");
    const dual = await stepWith("surrogate", "sum", 1.1);
    expect(Math.abs(dual.gradNorm / plain.gradNorm - 1)).toBeGreaterThan(0.01);
  });
});

describe("probeAggregation", () => {
  it.each(["sum", "mean"] as const)(
    "finds out that a server takes the %s, and moves no weight",
    async (aggregation) => {
      const { model, tables } = await scene(undefined, { aggregation });
      const before = tables().slice();
      expect(await probeAggregation(model, prompt(4, 5, 6))).toBe(aggregation);
      expect(tables()).toEqual(before);
    },
  );

  it("says so where the server tells no norm", async () => {
    const { model } = await scene();
    const mute: TrainingModel = { ...model, optimStep: async () => ({}) };
    expect(await probeAggregation(mute, prompt(4, 5, 6))).toBeUndefined();
  });

  it("refuses a server that does neither", async () => {
    const { model } = await scene();
    const norms = [1, 1.5];
    const odd: TrainingModel = { ...model, optimStep: async () => ({ gradNorm: norms.shift() ?? 0 }) };
    await expect(probeAggregation(odd, prompt(4, 5, 6))).rejects.toThrow(
      /unknown aggregation: a sequence sent twice has 1.500 times the gradient norm/,
    );
  });
});

describe("probeImages", () => {
  const picture = async () => {
    const png = await sharp({ create: { width: 56, height: 56, channels: 3, background: "red" } })
      .png()
      .toBuffer();
    return { type: "image", data: png.toString("base64"), format: "png", expected_tokens: 4 } as const;
  };
  const text = (...tokens: number[]) => ({ type: "encoded_text", tokens }) as const;
  const shown = async () => ({
    chunks: [text(4), await picture(), text(5, 6)],
    tokens: Int32Array.of(4, TOY.pad, TOY.pad, TOY.pad, TOY.pad, 5, 6),
  });

  it("tells a server that sees images from one that drops them", async () => {
    expect(await probeImages((await scene()).model, await shown())).toBe("seen");
    const blind = await scene(undefined, { ignoresImages: true });
    const verdict = await probeImages(blind.model, await shown());
    expect(verdict).toBe("ignored");
    expect(() => requireImages(verdict, "http://host")).toThrow(
      /http:\/\/host: ignores images: a prompt with a black image and one with a white image/,
    );
  });

  it("says why a server refuses them", async () => {
    const { model } = await scene(undefined, { miscountsImages: true });
    const verdict = await probeImages(model, await shown());
    expect(() => requireImages(verdict, "http://host")).toThrow(
      /refuses images: .*the server counts tokens otherwise/,
    );
  });
});
