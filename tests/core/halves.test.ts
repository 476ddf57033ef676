import { describe, expect, it } from "vitest";
import { fromBfloat, fromHalf, toBfloat, toHalf } from "../../src/core/halves.js";

/** All 65,536 patterns of 16 bits. */
const EVERY = Uint16Array.from({ length: 65_536 }, (_, at) => at);

const bitsOf = (...values: readonly number[]) => new Uint32Array(Float32Array.from(values).buffer);

/** A half's value by its definition (IEEE 754-2019, 3.4): (−1)^s · 2^(e−15) · (1 + f/1024), or f · 2^−24. */
function halfByDefinition(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
}

/** A bfloat16's value by its definition: 8 bits of exponent, 7 of fraction. */
function bfloatByDefinition(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 7) & 255;
  const fraction = half & 127;
  if (exponent === 255) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -133 : sign * 2 ** (exponent - 127) * (1 + fraction / 128);
}

/** The half or bfloat that is nearest to a number, of two equally near the even one: by looking at all. */
function nearest(value: number, meaning: (half: number) => number, infinity: number): number {
  let best = 0;
  // The infinity stands where the next number would be.
  const last = meaning(infinity - 1);
  const overflow = last + (last - meaning(infinity - 2));
  for (let half = 0; half <= infinity; half++) {
    const near = Math.abs((half === infinity ? overflow : meaning(half)) - value);
    const old = Math.abs((best === infinity ? overflow : meaning(best)) - value);
    if (near < old || (near === old && half % 2 === 0)) best = half;
  }
  return best;
}

describe.each([
  ["half", fromHalf, toHalf, halfByDefinition, 0x7c00],
  ["bfloat16", fromBfloat, toBfloat, bfloatByDefinition, 0x7f80],
] as const)("%s", (_, widen, narrow, meaning, infinity) => {
  it("every pattern is what the standard defines, the sign of 0 too", () => {
    const wide = widen(EVERY);
    const wrong = EVERY.filter((half) => !Object.is(wide[half], meaning(half)));
    expect(wrong).toEqual(new Uint16Array());
  });

  it("every pattern comes back, NaN as some NaN of the same sign", () => {
    const wide = widen(EVERY);
    const back = narrow(new Uint32Array(wide.buffer));
    const wrong = EVERY.filter((half) =>
      (half & 0x7fff) > infinity ? (back[half] as number & 0x7fff) <= infinity : back[half] !== half,
    );
    expect(wrong).toEqual(new Uint16Array());
  });

  it("a float goes to the nearest, of two equally near to the even one", () => {
    const ties = [0x0000, 0x0001, 0x03ff, 0x0400, 0x3bff, 0x3c00, infinity - 2, infinity - 1].flatMap(
      (half) => {
        const next = half + 1 === infinity ? 2 * meaning(half) - meaning(half - 1) : meaning(half + 1);
        const middle = (meaning(half) + next) / 2;
        const [below, above] = [-1, 1].map((step) => {
          const bits = bitsOf(middle);
          bits[0] = (bits[0] as number) + step;
          return new Float32Array(bits.buffer)[0] as number;
        });
        return [middle, below as number, above as number];
      },
    );
    const values = [
      ...ties.filter((value) => value > 0),
      0.1,
      1 / 3,
      Math.PI,
      1e-7,
      3e-8,
      65_519,
      65_520,
      3e38,
    ];
    const floats = Float32Array.from(values);
    const expected = Array.from(floats, (value) => nearest(value, meaning, infinity));
    expect(Array.from(narrow(bitsOf(...values)))).toEqual(expected);
    // Mirrored at 0.
    const negative = narrow(bitsOf(...values.map((value) => -value)));
    expect(Array.from(negative)).toEqual(expected.map((half) => half | 0x8000));
  });

  it("infinities, NaN and nothing at all", () => {
    const made = narrow(bitsOf(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY));
    expect(Array.from(made)).toEqual([infinity, infinity | 0x8000]);
    // Quiet, signalling, with payloads only in bits that are cut off, of both signs.
    const nans = Uint32Array.of(0x7fc00000, 0x7f800001, 0x7f80ffff, 0xffc00000, 0xff800001);
    expect(Array.from(widen(narrow(nans)))).toEqual(Array(5).fill(Number.NaN));
    expect(narrow(new Uint32Array())).toEqual(new Uint16Array());
    expect(widen(new Uint16Array())).toEqual(new Float32Array());
  });

  it("reads a part of a larger array from where that begins", () => {
    const bits = bitsOf(9, 1, -2, 9).subarray(1, 3);
    expect(Array.from(widen(narrow(bits)))).toEqual([1, -2]);
  });
});
