import { beforeAll, describe, expect, it } from "vitest";
import { ModelError } from "../../../src/core/errors.js";
import type { NdArray } from "../../../src/core/ndarray.js";
import type { Model } from "../../../src/model/load.js";
import type { ModelConfig } from "../../../src/model/modelConfig.js";
import type { PatchedPrompt } from "../../../src/model/patchPrompt.js";
import {
  packPrompts,
  packUnits,
  roundUp,
  sizesOf,
  tokenBias,
  type Unit,
} from "../../../src/model/transformer/pack.js";
import { MASKED } from "../../../src/model/transformer/prefix.js";
import { fakeModel, fakePrompt } from "../../support/fakeModel.js";

let model: Model;
let config: ModelConfig;
let text: PatchedPrompt;
let oneImage: PatchedPrompt;
let twoImages: PatchedPrompt;

beforeAll(async () => {
  model = await fakeModel();
  config = model.config;
  text = { tokens: Int32Array.of(5, 6, 7), images: [] };
  oneImage = await fakePrompt(model, { words: "red", grids: [[4, 6]] });
  twoImages = await fakePrompt(model, {
    words: "red and blue",
    grids: [
      [4, 4],
      [6, 4],
    ],
  });
});

const numbers = (array: NdArray) => Array.from(array.data);

describe("roundUp", () => {
  it("goes to the next multiple and stays on one", () => {
    expect([0, 1, 31, 32, 33].map((size) => roundUp(size, 32))).toEqual([0, 32, 32, 32, 64]);
  });
});

describe("packPrompts", () => {
  it("pads on the right and masks the padding", () => {
    const packed = packPrompts([text], model);
    expect(packed.sizes).toEqual({ U: 1, P: 32 });
    expect(numbers(packed.tokens)).toEqual([5, 6, 7, ...new Array(29).fill(config.tokens.pad)]);
    expect(numbers(packed.mask)).toEqual([0, 0, 0, ...new Array(29).fill(Math.fround(MASKED))]);
    expect(Array.from(packed.positions.subarray(0, 4))).toEqual([0, 1, 2, 0]);
    expect(packed.next).toEqual([3]);
    expect(numbers(packed.last)).toEqual([2]);
    expect(packed.image).toBeUndefined();
  });

  it("finds each prompt's last token on the flat axis", () => {
    const packed = packPrompts([oneImage, text], model);
    expect(numbers(packed.last)).toEqual([oneImage.tokens.length - 1, packed.sizes.P + 2]);
  });

  it("continues positions after an image from its longer side", () => {
    // start marker 0; image 2 × 3 merged patches from 1: columns to 3, so the end marker is at 1 + 3 = 4.
    const words = oneImage.tokens.length - 8;
    expect(packPrompts([oneImage], model).next).toEqual([5 + words]);
  });

  it("fills missing rows with the first prompt, images included", () => {
    const packed = packPrompts([oneImage], model, { rows: 3 });
    const alone = packPrompts([oneImage], model);
    expect(packed.sizes).toEqual({ U: 3, P: alone.sizes.P });
    expect(numbers(packed.tokens)).toEqual([alone, alone, alone].flatMap(({ tokens }) => numbers(tokens)));
    expect(packed.next).toEqual([alone.next, alone.next, alone.next].flat());
  });

  it("gives every image token a row of its own, and marks nothing else", () => {
    const prompts = [twoImages, text, oneImage];
    const { image, sizes } = packPrompts(prompts, model);
    const { P } = sizes;
    const expected = prompts.flatMap(({ tokens }) =>
      Array.from({ length: P }, (_, at) => (tokens[at] === config.tokens.image ? 1 : 0)),
    );
    expect(numbers(image?.isImage as NdArray)).toEqual(expected);
    const index = numbers(image?.index as NdArray);
    const taken = index.filter((_, at) => expected[at] === 1);
    // 4 + 6 tokens of two images, none, 6 of one.
    expect(taken).toHaveLength(16);
    expect(new Set(taken).size).toBe(16);
    expect(index.filter((_, at) => expected[at] === 0).every((row) => row === 0)).toBe(true);
  });

  it("takes a longer bucket when asked", () => {
    expect(packPrompts([text], model, { minLength: 40 }).sizes.P).toBe(64);
  });

  it.each([
    [
      "an image token too few",
      (prompt: PatchedPrompt) => ({ ...prompt, tokens: without(prompt) }),
      "has 5 .* give 6 features",
    ],
    ["an image too few", (prompt: PatchedPrompt) => ({ ...prompt, images: [] }), "has 6 .* give 0 features"],
    ["an image without tokens", () => ({ ...oneImage, tokens: text.tokens }), "has 0 .* give 6 features"],
  ])("refuses %s, naming the prompt", (_, damage, numbersNamed) => {
    const broken = damage(oneImage);
    for (const prompts of [
      [text, broken],
      [oneImage, broken],
    ]) {
      expect(() => packPrompts(prompts, model)).toThrow(ModelError);
      expect(() => packPrompts(prompts, model)).toThrow(new RegExp(`packPrompts: prompt 1 ${numbersNamed}`));
    }
  });
});

/** The tokens without the first image token. */
function without({ tokens }: PatchedPrompt): Int32Array {
  const first = tokens.indexOf(config.tokens.image);
  return tokens.filter((_, at) => at !== first);
}

describe("packUnits", () => {
  const units = (): Unit[] => [
    { prompt: text, responses: [[11, 12, 13], [14]] },
    {
      prompt: { tokens: Int32Array.of(8, 9), images: [] },
      responses: [
        [15, 16],
        [17, 18, 19, 20],
      ],
    },
  ];

  it("lays responses out behind all prompts and marks their tokens", () => {
    const packed = packUnits(units(), model);
    expect(sizesOf(packed)).toEqual({ U: 2, P: 32, R: 2, T: 16 });
    const pad = config.tokens.pad;
    const row = (tokens: number[]) => [...tokens, ...new Array(16 - tokens.length).fill(pad)];
    const rows = [[11, 12, 13], [14], [15, 16], [17, 18, 19, 20]];
    expect(numbers(packed.responseTokens)).toEqual(rows.flatMap(row));
    expect(numbers(packed.responseMask)).toEqual(
      rows.flatMap(({ length }) => Array.from({ length: 16 }, (_, t) => (t < length ? 1 : 0))),
    );
  });

  it("predicts a response's first token from the prompt's last, and each other from the one before it", () => {
    const predictor = numbers(packUnits(units(), model).predictor);
    // The flat axis: 2 prompts of 32, then 4 responses of 16. Prompts end at rows 2 and 32 + 1.
    expect(predictor.filter((_, at) => at % 16 === 0)).toEqual([2, 2, 33, 33]);
    expect(predictor.slice(1, 4)).toEqual([64, 65, 66]);
    expect(predictor.slice(17, 19)).toEqual([80, 81]);
    expect(predictor.slice(33, 34)).toEqual([96]);
  });

  it("numbers every response's positions from the end of its own prompt", () => {
    const { rope } = packUnits(units(), model);
    const D = config.headSize;
    const at = (row: number) => Array.from(rope.cos.data.subarray(row * D, (row + 1) * D));
    // Row 64: first token of the first response, position 3 like the padding is not; its twin starts at row 80.
    expect(at(64)).toEqual(at(80));
    // The other prompt has two tokens: its responses' second token has position 3.
    expect(at(97)).toEqual(at(64));
    expect(at(96)).not.toEqual(at(64));
    expect(at(96)).toEqual(at(2));
  });

  it("leaves missing units without a single response token", () => {
    const packed = packUnits(units(), model, { rows: 3 });
    expect(sizesOf(packed).U).toBe(3);
    expect(numbers(packed.responseMask).slice(2 * 2 * 16)).toEqual(new Array(32).fill(0));
  });

  it("fills a unit of fewer responses up with empty ones, and leaves the others as they are", () => {
    const [first, second] = units() as [Unit, Unit];
    const even = packUnits([first, second], model);
    const { R, T } = sizesOf(even);
    const short = { ...second, responses: second.responses.slice(0, 1) };
    const ragged = packUnits([first, short], model);
    expect(sizesOf(ragged)).toEqual(sizesOf(even));
    const [mask, tokens] = [numbers(even.responseMask), numbers(even.responseTokens)];
    const kept = (R + 1) * T;
    expect(numbers(ragged.responseMask)).toEqual([...mask.slice(0, kept), ...new Array((R - 1) * T).fill(0)]);
    expect(numbers(ragged.responseTokens).slice(0, kept)).toEqual(tokens.slice(0, kept));
    expect(numbers(ragged.rope.cos)).toEqual(numbers(even.rope.cos));
    // Alone, it takes as many places as it is told to.
    expect(sizesOf(packUnits([short], model)).R).toBe(1);
    expect(sizesOf(packUnits([short], model, { responses: R + 1 })).R).toBe(R + 1);
  });

  it("refuses units without a response", () => {
    const [first] = units() as [Unit];
    expect(() => packUnits([{ ...first, responses: [] }], model)).toThrow("no responses");
    expect(() => packUnits([], model)).toThrow("no responses");
  });
});

describe("tokenBias", () => {
  it("hides image markers and rows without a token, and nothing else", () => {
    const { image, video, visionStart, visionEnd } = config.tokens;
    const bias = tokenBias(config, 303);
    const hidden = numbers(bias).flatMap((value, token) => (value === 0 ? [] : [token]));
    const unused = Array.from({ length: config.vocabSize - 303 }, (_, at) => 303 + at);
    expect(hidden).toEqual([image, video, visionStart, visionEnd, ...unused].sort((a, b) => a - b));
    expect(hidden.every((token) => bias.data[token] === Math.fround(MASKED))).toBe(true);
  });
});
