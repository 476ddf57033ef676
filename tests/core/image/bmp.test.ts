import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DataError } from "../../../src/core/errors.js";
import { bmpSize, decodeBmp, isBmp } from "../../../src/core/image/bmp.js";
import { imageCase, imageCases } from "./imagesGolden.js";

const MOST = 1e6;
const bitmaps = imageCases.filter(({ name }) => name.endsWith(".bmp"));

/** A bitmap with a header of 40 bytes. */
function bitmap(options: {
  readonly size: readonly [width: number, height: number];
  readonly bits: number;
  readonly compression?: number;
  /** Masks and colours. */
  readonly extra?: readonly number[];
  readonly pixels: readonly number[];
}): Uint8Array {
  const { size, bits, compression = 0, extra = [], pixels } = options;
  const head = Buffer.alloc(54);
  head.write("BM", "latin1");
  head.writeUInt32LE(54 + extra.length, 10);
  head.writeUInt32LE(40, 14);
  head.writeInt32LE(size[0], 18);
  head.writeInt32LE(size[1], 22);
  head.writeUInt16LE(bits, 28);
  head.writeUInt32LE(compression, 30);
  return Uint8Array.from([...head, ...extra, ...pixels]);
}
const TWO_COLOURS = [0, 0, 255, 0, 255, 0, 0, 0]; // red, blue, as blue, green, red, nothing

describe("decodeBmp", () => {
  it("reads rows from the bottom, blue first, padded to four bytes", () => {
    const bytes = bitmap({
      size: [1, 2],
      bits: 24,
      pixels: [1, 2, 3, 0, 4, 5, 6, 0],
    });
    expect([...decodeBmp(bytes, MOST).data]).toEqual([6, 5, 4, 3, 2, 1]);
  });

  it("takes any masks: 10 bits a colour become 8, 4 bits of alpha too", () => {
    const masks = (...all: number[]) => [...new Uint8Array(Uint32Array.from(all).buffer)];
    // 0x3ff, 0x200, 0x000 → 255, ⌊512 · 255 / 1023⌋ = 127, 0
    const ten = masks((0x3ff << 20) | (0x200 << 10));
    const wide = { size: [1, 1], bits: 32, compression: 3, pixels: ten } as const;
    const extra = masks(0x3ff00000, 0xffc00, 0x3ff);
    expect([...decodeBmp(bitmap({ ...wide, extra }), MOST).data]).toEqual([255, 127, 0]);
    const narrow = { size: [1, 1], bits: 16, compression: 6, pixels: [0x4f, 0x83, 0, 0] } as const;
    const nibbles = masks(0xf00, 0xf0, 0xf, 0xf000);
    // 0x834f: alpha 8, red 3, green 4, blue 15
    expect(decodeBmp(bitmap({ ...narrow, extra: nibbles }), MOST)).toMatchObject({
      channels: 4,
      data: Uint8Array.of(51, 68, 255, 136),
    });
  });

  it("leaves what runs skip in colour 0: short rows, empty rows, jumps, an early end", () => {
    const runs = (pixels: readonly number[]) => {
      const bytes = bitmap({ size: [3, 3], bits: 8, compression: 1, extra: TWO_COLOURS, pixels });
      const { data } = decodeBmp(withColours(bytes, 2), MOST);
      return [...data].filter((_, at) => at % 3 === 2).map((blue) => (blue === 255 ? 1 : 0));
    };
    const bottomUp = (rows: readonly number[][]) => rows.toReversed().flat();
    expect(runs([1, 1, 0, 0, 0, 0, 3, 1, 0, 1])).toEqual(
      bottomUp([
        [1, 0, 0],
        [0, 0, 0],
        [1, 1, 1],
      ]),
    );
    expect(runs([1, 1, 0, 2, 1, 1, 9, 1, 0, 1])).toEqual(
      bottomUp([
        [1, 0, 0],
        [0, 0, 1],
        [0, 0, 0],
      ]),
    );
  });

  it("refuses run lengths that end without an end and before the last pixel", () => {
    const bytes = bitmap({ size: [3, 3], bits: 8, compression: 1, extra: TWO_COLOURS, pixels: [1, 1] });
    expect(() => decodeBmp(withColours(bytes, 2), MOST)).toThrow("cut off");
  });

  it("refuses what it does not know, and sizes beyond the limit before it takes memory", () => {
    const one = { size: [1, 1], bits: 24, pixels: [1, 2, 3, 0] } as const;
    expect(() => decodeBmp(bitmap({ ...one, compression: 4 }), MOST)).toThrow(
      "unsupported compression 4 of 24 bits",
    );
    expect(() => decodeBmp(bitmap({ ...one, bits: 7 }), MOST)).toThrow("unsupported compression 0 of 7 bits");
    expect(() => decodeBmp(bitmap({ ...one, size: [0, 1] }), MOST)).toThrow("invalid size: 0 × 1 pixels");
    const huge = bitmap({ ...one, size: [2 ** 30, 2 ** 30] });
    expect(() => decodeBmp(huge, MOST)).toThrow(/pixels are too many/);
    const header = imageCase("24.bmp").slice();
    header[14] = 41;
    expect(() => decodeBmp(header, MOST)).toThrow("unsupported header of 41 bytes");
  });

  it("answers any beginning of any bitmap with an image or a DataError", () => {
    fc.assert(
      fc.property(fc.constantFrom(...bitmaps), fc.double({ min: 0, max: 1, noNaN: true }), (one, share) => {
        const whole = Buffer.from(one.bytes, "base64");
        const bytes = whole.subarray(0, Math.floor(share * whole.length));
        try {
          const { width, height, channels, data } = decodeBmp(bytes, MOST);
          expect(data).toHaveLength(width * height * channels);
          expect(bmpSize(bytes)).toEqual({ width, height });
        } catch (error) {
          expect(error).toBeInstanceOf(DataError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("answers any bitmap with bytes of its header changed with an image or a DataError", () => {
    const changes = fc.array(fc.tuple(fc.integer({ min: 2, max: 69 }), fc.nat(255)), {
      minLength: 1,
      maxLength: 3,
    });
    fc.assert(
      fc.property(fc.constantFrom(...bitmaps), changes, (one, all) => {
        const bytes = Buffer.from(one.bytes, "base64");
        for (const [at, value] of all) if (at < bytes.length) bytes[at] = value;
        try {
          const { width, height, channels, data } = decodeBmp(bytes, MOST);
          expect(data).toHaveLength(width * height * channels);
        } catch (error) {
          expect(error).toBeInstanceOf(DataError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

/** With the number of colours that its palette has. */
function withColours(bytes: Uint8Array, colours: number): Uint8Array {
  const copy = Buffer.from(bytes);
  copy.writeUInt32LE(colours, 46);
  return copy;
}

describe("isBmp", () => {
  it("goes by the first two bytes", () => {
    expect(bitmaps.every(({ name }) => isBmp(imageCase(name)))).toBe(true);
    expect(isBmp(imageCase("rgb.png"))).toBe(false);
    expect(isBmp(new Uint8Array())).toBe(false);
  });
});
