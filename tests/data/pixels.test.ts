import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { limitedSize } from "../../src/data/pixels.js";

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
