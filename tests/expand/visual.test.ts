import { readFileSync } from "node:fs";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { DataError } from "../../src/core/errors.js";
import { readImage } from "../../src/core/image/decode.js";
import { Rng } from "../../src/core/rng.js";
import { applyTransform } from "../../src/expand/visual.js";
import { TRANSFORMS, type TransformName } from "../../src/records.js";
import { imageCase, readable, sourceOf } from "../core/image/imagesGolden.js";

interface Golden {
  readonly image_orientation: readonly {
    readonly transform: TransformName;
    readonly size: readonly [number, number];
    readonly top_left_lands_at_xy: readonly [number, number];
  }[];
}
const golden: Golden = JSON.parse(readFileSync("tests/golden/expand/images.json", "utf8"));
const MOVES = TRANSFORMS.filter((name) => !name.includes("noise"));
const rng = () => Rng.fromSeed(1);
const INVERSES = [
  ["rotate_90cw", "rotate_90ccw"],
  ["rotate_90ccw", "rotate_90cw"],
  ["rotate_180cw", "rotate_180cw"],
  ["vertically_flipped", "vertically_flipped"],
  ["horizontally_flipped", "horizontally_flipped"],
  ["horizontally_vertically_flipped", "rotate_180cw"],
] as const;

async function pngOf(data: Uint8Array, width: number, height: number, channels: 1 | 3 | 4 = 3) {
  return new Uint8Array(await sharp(data, { raw: { width, height, channels } }).png().toBuffer());
}

async function pixelsOf(png: Uint8Array) {
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  return { data: new Uint8Array(data), width: info.width, height: info.height, channels: info.channels };
}

/** Six pixels of different colours, three wide. */
const SIX = Uint8Array.from({ length: 18 }, (_, at) => (at * 53) % 256);

describe("applyTransform moves", () => {
  test.each(golden.image_orientation)("$transform puts the top-left pixel where Pillow does", async (row) => {
    const marked = new Uint8Array(18);
    marked.set([255, 10, 20]);
    const moved = await pixelsOf(await applyTransform(await pngOf(marked, 3, 2), row.transform, rng()));
    expect([moved.width, moved.height]).toEqual(row.size);
    const [x, y] = row.top_left_lands_at_xy;
    const expected = new Uint8Array(18);
    expected.set([255, 10, 20], (y * moved.width + x) * 3);
    expect(moved.data).toEqual(expected);
  });

  test("a clockwise quarter turn reads the columns upwards", async () => {
    const rows = Uint8Array.from([1, 2, 3, 4, 5, 6].flatMap((v) => [v, v, v])); // 1 2 3 / 4 5 6
    const moved = await pixelsOf(await applyTransform(await pngOf(rows, 3, 2), "rotate_90cw", rng()));
    expect([...moved.data].filter((_, at) => at % 3 === 0)).toEqual([4, 1, 5, 2, 6, 3]); // 4 1 / 5 2 / 6 3
  });

  test.each(INVERSES)("%s is undone by %s", async (there, back) => {
    const once = await applyTransform(await pngOf(SIX, 3, 2), there, rng());
    expect((await pixelsOf(once)).data).not.toEqual(SIX);
    const twice = await pixelsOf(await applyTransform(once, back, rng()));
    expect(twice).toMatchObject({ width: 3, height: 2, data: SIX });
  });

  test("one pixel survives every move", async () => {
    for (const name of MOVES) {
      const image = await pngOf(Uint8Array.from([7, 8, 9]), 1, 1);
      const moved = await pixelsOf(await applyTransform(image, name, rng()));
      expect([...moved.data]).toEqual([7, 8, 9]);
    }
  });

  test.each(readable)("$name: a move and its inverse give back what the policy reads", async (one) => {
    const source = sourceOf(one);
    const plain = await readImage(source, one.name);
    for (const [there, back] of INVERSES) {
      const moved = await applyTransform(source.bytes, there, rng());
      const bytes = await applyTransform(moved, back, rng());
      expect(await readImage({ kind: "bytes", bytes }, there), there).toEqual(plain);
    }
  });

  test.each(readable)("$name: noise is added to what the policy reads", async (one) => {
    const source = sourceOf(one);
    const { data } = await readImage(source, one.name);
    const bytes = await applyTransform(source.bytes, "gaussian_noise_mean0_std10", rng());
    const noisy = await readImage({ kind: "bytes", bytes }, one.name);
    // At most 6.7 σ: the largest radius of Box–Muller with 32 bits.
    const shifts = [...noisy.data].map((value, at) => Math.abs(value - (data[at] ?? Number.NaN)));
    expect(Math.max(...shifts)).toBeLessThanOrEqual(67);
    // All bytes are shifted by less than 30 on average: σ √(2/π) = 8, less where it clips.
    expect(shifts.reduce((sum, shift) => sum + shift, 0) / shifts.length).toBeLessThan(12);
  });

  test("grey of 16 bits comes back as the policy reads it", async () => {
    const deep = Uint16Array.from({ length: 6 }, (_, at) => at * 12_345);
    const grey = sharp(deep, { raw: { width: 3, height: 2, channels: 1 } }).toColourspace("grey16");
    const bytes = new Uint8Array(await grey.png().toBuffer());
    const plain = await readImage({ kind: "bytes", bytes });
    expect(new Set(plain.data).size).toBe(6);
    const moved = await applyTransform(bytes, "rotate_90cw", rng());
    const back = await applyTransform(moved, "rotate_90ccw", rng());
    expect(await readImage({ kind: "bytes", bytes: back })).toEqual(plain);
  });

  test("names the image that cannot be decoded", async () => {
    const half = imageCase("half.png");
    await expect(applyTransform(half, "rotate_90cw", rng(), { where: 'question "7"' })).rejects.toThrow(
      /^question "7": cannot read image of \d+ bytes: /,
    );
  });

  test("bytes that are no image are a DataError", async () => {
    await expect(applyTransform(Uint8Array.from([1, 2, 3]), "rotate_90cw", rng())).rejects.toThrow(DataError);
  });
});

describe("applyTransform noise", () => {
  const GREY = new Uint8Array(60 * 50 * 3).fill(128);

  // 9000 samples: the mean's standard error is σ/95, the deviation's σ/134; five of them are allowed.
  test.each([10, 25, 50] as const)("σ = %i has mean 0 and its deviation", async (sigma) => {
    const image = await pngOf(GREY, 60, 50);
    const noisy = await pixelsOf(await applyTransform(image, `gaussian_noise_mean0_std${sigma}`, rng()));
    const shifts = [...noisy.data].map((value) => value - 128);
    const mean = shifts.reduce((sum, shift) => sum + shift, 0) / shifts.length;
    const deviation = Math.sqrt(shifts.reduce((sum, shift) => sum + (shift - mean) ** 2, 0) / shifts.length);
    expect(Math.abs(mean)).toBeLessThan((5 * sigma) / 95);
    // Clipping at ±128 takes 1 % off the deviation of σ = 50.
    expect(Math.abs(deviation / sigma - 1)).toBeLessThan(0.04 + (sigma === 50 ? 0.01 : 0));
  });

  test("channels and neighbours are independent", async () => {
    const noisy = await pixelsOf(
      await applyTransform(await pngOf(GREY, 60, 50), "gaussian_noise_mean0_std25", rng()),
    );
    for (const lag of [1, 2, 3, 4, 180]) {
      const products = [...noisy.data.slice(lag)].map(
        (value, at) => ((value - 128) * ((noisy.data[at] ?? 0) - 128)) / 625,
      );
      const correlation = products.reduce((sum, product) => sum + product, 0) / products.length;
      expect(Math.abs(correlation)).toBeLessThan(5 / 94);
    }
  });

  test("the same stream gives the same bytes, another stream others", async () => {
    const image = await pngOf(GREY, 60, 50);
    const noise = (seed: number) => applyTransform(image, "gaussian_noise_mean0_std10", Rng.fromSeed(seed));
    expect(await noise(3)).toEqual(await noise(3));
    expect(await noise(3)).not.toEqual(await noise(4));
  });

  test("black and white stay within 0 … 255", async () => {
    const ends = Uint8Array.from({ length: 300 }, (_, at) => (at % 2 === 0 ? 0 : 255));
    const noisy = await pixelsOf(
      await applyTransform(await pngOf(ends, 10, 10), "gaussian_noise_mean0_std50", rng()),
    );
    // Half of each stays at its end; wrapping round would leave none near it.
    expect(noisy.data.filter((value) => value === 0).length).toBeGreaterThan(50);
    expect(noisy.data.filter((value) => value === 255).length).toBeGreaterThan(50);
  });
});
