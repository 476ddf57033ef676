import { createHash } from "node:crypto";
import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { DataError } from "../../src/core/errors.js";
import { readImage } from "../../src/core/image/decode.js";
import { zip } from "../../src/core/zip.js";
import { resizeBicubic } from "../../src/model/bicubic.js";
import {
  type ImagePatches,
  parseImageConfig,
  processImage,
  smartResize,
  toPatches,
} from "../../src/model/imageProcessor.js";
import { goldenImage, processorGolden } from "./processorGolden.js";

const golden = processorGolden();
const config = parseImageConfig({ min_pixels: 56 * 56, max_pixels: 224 * 224 }, "defaults");

/** Bytes of the pixels, undone from the normalised values. */
function pixelBytes({ patches }: ImagePatches): Uint8Array {
  const plane = patches.length / (patches.length / (3 * 2 * 14 * 14)) / 3;
  return Uint8Array.from(patches, (value, at) => {
    const c = Math.floor(at / plane) % 3;
    return Math.round((value * (config.std[c] as number) + (config.mean[c] as number)) * 255);
  });
}

describe("processImage", () => {
  it.each(golden.images)(
    "$file: has the very pixels of Pillow, in transformers' order",
    async ({ file, grid, sha256 }) => {
      const image = await processImage(goldenImage(file), config, file);
      expect([image.grid.t, image.grid.h, image.grid.w]).toEqual(grid);
      expect(createHash("sha256").update(pixelBytes(image)).digest("hex")).toBe(sha256);
    },
  );

  // The default backend (torchvision) resamples with coarser weights: at most one step of 255 away.
  it.each(golden.images)("$file: is within 1/255 of transformers' default", async ({ file, samples }) => {
    const image = await processImage(goldenImage(file), config, file);
    const smallestStd = Math.min(...config.std);
    for (const [at, value] of samples) {
      expect(Math.abs((image.patches[at] as number) - value) * smallestStd).toBeLessThan(1 / 255 + 1e-6);
    }
  });

  it("gives the same patches for bytes as for their file", async () => {
    const { data, width, height } = await readImage(goldenImage("alpha-90x61.png"), "test");
    const bytes = await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
    const fromBytes = await processImage({ kind: "bytes", bytes }, config, "test");
    expect(fromBytes).toEqual(await processImage(goldenImage("alpha-90x61.png"), config, "test"));
  });

  it("names the sample of an image that cannot be read", async () => {
    const noise = processImage({ kind: "bytes", bytes: Uint8Array.of(1, 2, 3) }, config, "question 8");
    await expect(noise).rejects.toThrow(DataError);
    await expect(noise).rejects.toThrow(/^question 8: cannot read image of 3 bytes: /);
  });
});

describe("toPatches", () => {
  it("puts the four patches of a merged token side by side, each frame twice, channel by channel", () => {
    // 4 × 4 pixels, patches of one pixel, merged 2 × 2: values are row·4 + column, +100 and +200 in the other channels.
    const data = Uint8Array.from({ length: 48 }, (_, at) => Math.floor(at / 3) + 100 * (at % 3));
    const plain = { ...config, patchSize: 1, rescaleFactor: 1, mean: [0, 0, 0], std: [1, 1, 1] };
    const { grid, patches } = toPatches({ width: 4, height: 4, data }, plain);
    expect(grid).toEqual({ t: 1, h: 4, w: 4 });
    const reds = Array.from({ length: 16 }, (_, row) => patches[row * 6]);
    expect(reds).toEqual([0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15]);
    expect([...patches.slice(6, 12)]).toEqual([1, 1, 101, 101, 201, 201]);
  });
});

describe("smartResize", () => {
  it("gives the sizes of transformers", () => {
    for (const [height, width, factor, minPixels, maxPixels, ...expected] of golden.sizes) {
      const size = smartResize(height, width, { factor, minPixels, maxPixels });
      expect([height, width, size.height, size.width]).toEqual([height, width, ...expected]);
    }
  });

  it("rounds halves to the even multiple: 42 = 1.5 × 28 → 56, 70 = 2.5 × 28 → 56", () => {
    const limits = { factor: 28, minPixels: 1, maxPixels: 1e9 };
    expect(smartResize(42, 70, limits)).toEqual({ height: 56, width: 56 });
  });

  const side = fc.integer({ min: 1, max: 4000 });
  const limits = { factor: 28, minPixels: 56 * 56, maxPixels: 28 * 28 * 1280 };
  const sides = fc.tuple(side, side).filter(([a, b]) => Math.max(a, b) <= 200 * Math.min(a, b));

  it("sides are positive multiples of the factor", () => {
    fc.assert(
      fc.property(sides, ([h, w]) => {
        const size = smartResize(h, w, limits);
        for (const length of [size.height, size.width]) {
          expect(length).toBeGreaterThan(0);
          expect(length % 28).toBe(0);
        }
      }),
    );
  });

  it("the area is within the limits; only a thin image whose short side is one factor may exceed the upper", () => {
    fc.assert(
      fc.property(sides, ([h, w]) => {
        const { height, width } = smartResize(h, w, limits);
        expect(height * width).toBeGreaterThanOrEqual(limits.minPixels * 0.75);
        if (Math.min(height, width) > 28) expect(height * width).toBeLessThanOrEqual(limits.maxPixels);
      }),
    );
  });

  it("turning the image turns the size", () => {
    fc.assert(
      fc.property(sides, ([h, w]) => {
        const { height, width } = smartResize(h, w, limits);
        expect(smartResize(w, h, limits)).toEqual({ height: width, width: height });
      }),
    );
  });

  it("a size it gave is kept", () => {
    fc.assert(
      fc.property(sides, ([h, w]) => {
        const size = smartResize(h, w, limits);
        const isInside =
          size.height * size.width <= limits.maxPixels && size.height * size.width >= limits.minPixels;
        if (isInside) expect(smartResize(size.height, size.width, limits)).toEqual(size);
      }),
    );
  });

  it("refuses sides that differ more than 200 times, and none", () => {
    expect(smartResize(10, 2000, limits).height).toBe(28);
    expect(() => smartResize(10, 2001, limits, "row 4")).toThrow(
      "row 4: unsupported image size: 2001 × 10 pixels; sides may differ 200 times at most; crop or pad the image",
    );
    expect(() => smartResize(0, 0, limits)).toThrow(DataError);
  });
});

describe("resizeBicubic", () => {
  const image = fc
    .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }))
    .chain(([width, height]) =>
      fc
        .uint8Array({ minLength: width * height * 3, maxLength: width * height * 3 })
        .map((data) => ({ width, height, data })),
    );
  const size = fc.record({ width: fc.integer({ min: 1, max: 20 }), height: fc.integer({ min: 1, max: 20 }) });

  it("keeps an image of the same size, and one colour whatever the size", () => {
    fc.assert(
      fc.property(image, size, fc.nat(255), (source, target, grey) => {
        expect(resizeBicubic(source, source)).toEqual(source);
        const flat = { ...source, data: new Uint8Array(source.data.length).fill(grey) };
        expect(new Set(resizeBicubic(flat, target).data)).toEqual(new Set([grey]));
      }),
    );
  });

  it("mirrors with the image, within the rounding of the weights", () => {
    const mirror = ({ width, height, data }: { width: number; height: number; data: Uint8Array }) => ({
      width,
      height,
      data: data.map((_, at) => {
        const [pixel, c] = [Math.floor(at / 3), at % 3];
        const x = width - 1 - (pixel % width);
        return data[(Math.floor(pixel / width) * width + x) * 3 + c] as number;
      }),
    });
    fc.assert(
      fc.property(image, size, (source, target) => {
        const one = resizeBicubic(mirror(source), target);
        const other = mirror({ ...resizeBicubic(source, target) });
        for (const [a, b] of zip([...one.data], [...other.data]))
          expect(Math.abs(a - b)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe("parseImageConfig", () => {
  it("takes limits from min_pixels and max_pixels, else from size", () => {
    const size = { shortest_edge: 784, longest_edge: 7840 };
    expect(parseImageConfig({ size }, "f")).toMatchObject({ minPixels: 784, maxPixels: 7840 });
    expect(parseImageConfig({ size, max_pixels: 999 }, "f")).toMatchObject({
      minPixels: 784,
      maxPixels: 999,
    });
  });

  it("refuses what it cannot do, naming file and field", () => {
    expect(() => parseImageConfig({ resample: 2 }, "f.json")).toThrow(/^f\.json: .*resample: only bicubic/);
    expect(() => parseImageConfig({ do_normalize: false }, "f.json")).toThrow(/do_normalize/);
  });
});
