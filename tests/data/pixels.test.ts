import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { encodePng, readImage } from "../../src/core/image/decode.js";
import { fitImage, imageTokens, limitedSize, withImageLimits } from "../../src/data/pixels.js";
import { resizeBicubic } from "../../src/model/bicubic.js";
import { parseImageConfig, processImage } from "../../src/model/imageProcessor.js";
import { readable, refused, sourceOf } from "../core/image/imagesGolden.js";

interface Golden {
  readonly image_pixel_limits: {
    readonly max_pixels: number;
    readonly min_pixels: number;
    readonly cases: readonly { readonly in: [number, number]; readonly out: [number, number] }[];
  };
}
const none = { minPixels: null, maxPixels: null };
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

describe("imageTokens(…)", () => {
  const limits = { minPixels: 3136, maxPixels: 9800 };
  const { image: config } = withImageLimits({ image: parseImageConfig({}, "defaults") }, limits);

  it("are those of the image as it is asked, brought within the limits and cut into patches", async () => {
    const sizes = [35, 47, 60, 99, 103, 131, 170].flatMap((width) =>
      [31, 58, 101, 144].map((height) => ({ width, height })),
    );
    for (const { width, height } of sizes) {
      const plain = { width, height, data: new Uint8Array(width * height * 3) };
      const source = { kind: "bytes", bytes: await encodePng(plain) } as const;
      const { grid } = await processImage(await fitImage(source, limits, "test"), config, "test");
      const asked = (grid.h * grid.w) / config.mergeSize ** 2;
      expect([width, height, imageTokens({ width, height }, config, limits)]).toEqual([width, height, asked]);
    }
  });

  it("refuse an image that is too long and thin for the model", () => {
    expect(() => imageTokens({ width: 9000, height: 1 }, config, none)).toThrow(
      "image: unsupported image size: 9000 × 1 pixels",
    );
  });
});

describe("fitImage(…)", () => {
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
