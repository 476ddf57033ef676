import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readImage } from "../../src/core/image/decode.js";
import { fitImage, limitedSize } from "../../src/data/pixels.js";
import { resizeBicubic } from "../../src/model/bicubic.js";
import { readable, refused, sourceOf } from "../core/image/imagesGolden.js";

interface Golden {
  readonly image_pixel_limits: {
    readonly max_pixels: number;
    readonly min_pixels: number;
    readonly cases: readonly { readonly in: [number, number]; readonly out: [number, number] }[];
  };
}
const golden: Golden = JSON.parse(readFileSync("tests/golden/expand/images.json", "utf8"));

describe("limitedSize(…)", () => {
  const { max_pixels: maxPixels, min_pixels: minPixels, cases } = golden.image_pixel_limits;
  it.each(cases)("brings $in to $out as the released limiter does", ({ in: [width, height], out }) => {
    const { width: w, height: h } = limitedSize({ width, height }, { maxPixels, minPixels });
    expect([w, h]).toEqual(out);
  });

  it("changes nothing without limits, and never to less than a pixel", () => {
    const thin = { width: 100_000, height: 1 };
    expect(limitedSize(thin, { minPixels: null, maxPixels: null })).toEqual(thin);
    // √(10 / 100000) = 1/100
    expect(limitedSize(thin, { minPixels: null, maxPixels: 10 })).toEqual({ width: 1000, height: 1 });
  });
});

describe("fitImage(…)", () => {
  const none = { minPixels: null, maxPixels: null };

  it.each(readable)("$name: is the decoded image, resized", async (one) => {
    const source = sourceOf(one);
    const plain = await readImage(source, one.name);
    const limits = { minPixels: null, maxPixels: 20 };
    const fitted = await fitImage(source, limits, one.name);
    expect(await readImage(fitted, one.name)).toEqual(resizeBicubic(plain, limitedSize(plain, limits)));
  });

  it("is the very source where the size is within the limits", async () => {
    for (const source of readable.slice(0, 3).map(sourceOf)) {
      expect(await fitImage(source, none, "test")).toBe(source);
      expect(await fitImage(source, { minPixels: 2, maxPixels: 1e6 }, "test")).toBe(source);
    }
  });

  it("names the row of an image that cannot be decoded", async () => {
    const half = refused.find(({ name }) => name === "half.jpg");
    if (!half) throw new Error("no half.jpg");
    const fitted = fitImage(sourceOf(half), { minPixels: null, maxPixels: 20 }, "a.jsonl: line 3");
    await expect(fitted).rejects.toThrow(/^a\.jsonl: line 3: cannot read image of \d+ bytes/);
  });
});
