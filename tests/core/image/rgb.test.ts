import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Orientation, oriented, orientedSize, type RgbImage } from "../../../src/core/image/rgb.js";

const ALL: readonly Orientation[] = [1, 2, 3, 4, 5, 6, 7, 8];

/** Grey pixels of these values. */
const grey = (width: number, values: readonly number[]): RgbImage => ({
  width,
  height: values.length / width,
  data: Uint8Array.from(values.flatMap((value) => [value, value, value])),
});
const values = ({ data }: RgbImage) => [...data].filter((_, at) => at % 3 === 0);

const images = fc
  .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }))
  .chain(([width, height]) =>
    fc
      .uint8Array({ minLength: width * height * 3, maxLength: width * height * 3 })
      .map((data): RgbImage => ({ width, height, data })),
  );

describe("oriented", () => {
  // 1 2 3
  // 4 5 6
  it.each([
    [1, [1, 2, 3, 4, 5, 6]],
    [2, [3, 2, 1, 6, 5, 4]],
    [3, [6, 5, 4, 3, 2, 1]],
    [4, [4, 5, 6, 1, 2, 3]],
    [5, [1, 4, 2, 5, 3, 6]],
    [6, [4, 1, 5, 2, 6, 3]],
    [7, [6, 3, 5, 2, 4, 1]],
    [8, [3, 6, 2, 5, 1, 4]],
  ] as const)("%i gives %j", (orientation, expected) => {
    const turned = oriented(grey(3, [1, 2, 3, 4, 5, 6]), orientation);
    expect(values(turned)).toEqual(expected);
    expect({ width: turned.width, height: turned.height }).toEqual(
      orientedSize({ width: 3, height: 2 }, orientation),
    );
  });

  it("is undone by itself, quarter turns by each other", () => {
    fc.assert(
      fc.property(images, fc.constantFrom(...ALL), (image, orientation) => {
        const inverse = orientation === 6 ? 8 : orientation === 8 ? 6 : orientation;
        expect(oriented(oriented(image, orientation), inverse)).toEqual(image);
      }),
    );
  });

  it("keeps the channels of a pixel together", () => {
    const image = { width: 2, height: 1, data: Uint8Array.of(1, 2, 3, 4, 5, 6) };
    expect([...oriented(image, 2).data]).toEqual([4, 5, 6, 1, 2, 3]);
  });
});
