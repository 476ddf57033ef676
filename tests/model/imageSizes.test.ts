/**
 * Sizes and pixels of pictures against transformers' own image processor (`benchmarks/measured/parity/imageSizes.py`),
 * at the published pixel limits.
 */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { DataError } from "../../src/core/errors.js";
import { resizeBicubic } from "../../src/model/bicubic.js";
import { parseImageConfig, smartResize, toPatches } from "../../src/model/imageProcessor.js";
import { golden } from "../golden/load.js";

interface SizesGolden {
  readonly limits: { readonly shortest_edge: number; readonly longest_edge: number };
  /** height, width, and unless it is refused: rows and columns of patches, tokens */
  readonly sizes: readonly (readonly number[])[];
  readonly pictures: readonly {
    readonly height: number;
    readonly width: number;
    readonly grid: readonly number[];
    readonly sha256: string;
  }[];
}

const { limits, sizes, pictures } = golden<SizesGolden>("processor/sizes.json");
const config = parseImageConfig({ size: limits }, "published");
const { patchSize, mergeSize, minPixels, maxPixels } = config;
const resized = (height: number, width: number) =>
  smartResize(height, width, { factor: patchSize * mergeSize, minPixels, maxPixels });

/** The picture that the script draws. */
function pattern(height: number, width: number) {
  const data = new Uint8Array(3 * height * width);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      data[at++] = (x * 7 + y * 3) % 256;
      data[at++] = ((Math.floor(x / 3) + Math.floor(y / 5)) % 2) * 255;
      data[at++] = (x * x + 2 * y * y + 11 * x * y) % 256;
    }
  }
  return { width, height, data };
}

describe("pictures of any size", () => {
  it(`have the grids and token counts of transformers: ${sizes.length} sizes`, () => {
    const found = sizes.map(([height = 0, width = 0]) => {
      try {
        const shown = resized(height, width);
        const [rows, columns] = [shown.height / patchSize, shown.width / patchSize];
        return [height, width, rows, columns, (rows * columns) / mergeSize ** 2];
      } catch (error) {
        expect(error).toBeInstanceOf(DataError);
        return [height, width];
      }
    });
    expect(found).toEqual(sizes);
    expect(sizes.filter(({ length }) => length > 2).length).toBeGreaterThan(800);
  });

  it.each(pictures)("have the very pixels of Pillow: $width × $height", (picture) => {
    const { height, width, grid, sha256 } = picture;
    const shown = resizeBicubic(pattern(height, width), resized(height, width));
    const made = toPatches(shown, config);
    expect([made.grid.t, made.grid.h, made.grid.w]).toEqual(grid);
    const plane = 2 * patchSize * patchSize;
    const bytes = Uint8Array.from(made.patches, (value, at) => {
      const c = Math.floor(at / plane) % 3;
      return Math.round((value * (config.std[c] as number) + (config.mean[c] as number)) * 255);
    });
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(sha256);
  });
});
