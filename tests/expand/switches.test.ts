import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { DataError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { type ExpandOptions, expandQuestion } from "../../src/expand/expand.js";
import { guidanceSentence } from "../../src/expand/guidance.js";
import { applyTransform } from "../../src/expand/visual.js";
import type { Question } from "../../src/records.js";

const OPTIONS: ExpandOptions = {
  variants: 2,
  transformProbability: 0,
  formatPrompt: "Answer in a box.",
  isOriginalFirst: true,
};
const rng = () => Rng.fromSeed(1);
let grey: Uint8Array;
let question: Question;

beforeAll(async () => {
  const raw = new Uint8Array(60 * 50 * 3).fill(128);
  const png = sharp(raw, { raw: { width: 60, height: 50, channels: 3 } }).png();
  grey = new Uint8Array(await png.toBuffer());
  question = {
    id: "q1",
    text: "<image>original",
    images: [{ kind: "bytes", bytes: grey }],
    gold: "1",
    rewrites: ["<image>one", "<image>two"],
    category: "test",
  };
});

describe("expandQuestion, by its switches", () => {
  it("makes all variants of rewrites when the original is left out, whatever else is asked", async () => {
    for (const isOriginalFirst of [true, false]) {
      const options = { ...OPTIONS, isOriginalFirst, includesOriginal: false };
      const { variants } = await expandQuestion(question, options, rng());
      expect(variants.map(({ wording }) => wording).toSorted()).toEqual([0, 1]);
    }
  });

  it("keeps the original when there is nothing else", async () => {
    const options = { ...OPTIONS, variants: 1, includesOriginal: false };
    const { variants } = await expandQuestion({ ...question, rewrites: [] }, options, rng());
    expect(variants[0]?.wording).toBe("original");
  });

  it("repeats wordings with a note, or refuses, when there are fewer than variants", async () => {
    const four = { ...OPTIONS, variants: 4 };
    const { notes } = await expandQuestion(question, four, rng());
    expect(notes).toEqual([expect.stringContaining("3 wordings for 4 variants; they repeat")]);
    const refused = expandQuestion(question, { ...four, whenShort: "refuse" }, rng());
    await expect(refused).rejects.toThrow(DataError);
    await expect(refused).rejects.toThrow('question "q1": 3 wordings for 4 variants; add rewrites');
  });

  it("draws from the transforms it is given, and none from an empty list", async () => {
    const certain = { ...OPTIONS, transformProbability: 1 };
    const flips = { ...certain, transforms: ["vertically_flipped"] as const };
    const { variants } = await expandQuestion(question, flips, rng());
    expect(variants.map(({ transform }) => transform)).toEqual(["vertically_flipped", "vertically_flipped"]);
    const none = await expandQuestion(question, { ...certain, transforms: [] }, rng());
    expect(none.variants.map(({ transform }) => transform)).toEqual(["none", "none"]);
  });

  it.each([
    ["before", "HINT see <image> here <image>there"],
    ["every-segment", "HINT see <image>HINT here <image>HINT there"],
    ["after", "see <image> here <image>there HINT"],
  ] as const)("places the guidance %s", async (guidancePlacement, expected) => {
    const image = question.images[0] ?? { kind: "path", path: "" };
    const two: Question = {
      ...question,
      text: "see <image> here <image>there",
      images: [image, image],
      rewrites: [],
    };
    const options = {
      ...OPTIONS,
      variants: 1,
      transformProbability: 1,
      transforms: ["rotate_180cw"] as const,
      formatPrompt: "",
      guidancePlacement,
    };
    const { variants } = await expandQuestion(two, options, rng());
    const hint = guidanceSentence("rotate_180cw");
    expect(variants[0]?.text).toBe(expected.replaceAll("HINT", hint));
  });

  it("darkens noise by half a grey level when it rounds down, as the released code does", async () => {
    const brightness = async (rounding: "nearest" | "down") => {
      const noisy = await applyTransform(grey, "gaussian_noise_mean0_std10", rng(), { rounding });
      const { data } = await sharp(noisy).raw().toBuffer({ resolveWithObject: true });
      return data.reduce((sum, value) => sum + value, 0) / data.length;
    };
    // The same draws: the difference is the mean of the cut-off fractions, 0.5 ± 0.29/95.
    expect((await brightness("nearest")) - (await brightness("down"))).toBeCloseTo(0.5, 1);
  });
});
