import { describe, expect, it } from "vitest";
import { CheckpointError } from "../../../src/core/errors.js";
import { Rng } from "../../../src/core/rng.js";
import { narrow, type StoredDtype, widen } from "../../../src/model/weights/numbers.js";

const stored = (
  dtype: StoredDtype,
  data: Uint16Array<ArrayBuffer> | Float64Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>,
) => ({
  dtype,
  shape: [data.length],
  bytes: new Uint8Array(data.buffer),
});
const everyHalf = Uint16Array.from({ length: 65_536 }, (_, bits) => bits);

/** The number of an IEEE half, by the definition. */
function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

describe("widen", () => {
  it("gives every half its number", () => {
    const { data } = widen(stored("F16", everyHalf), "x");
    expect([...data]).toEqual([...everyHalf].map(halfValue));
  });

  it("puts a bfloat16 into the upper half of a float32", () => {
    const { data } = widen(stored("BF16", everyHalf), "x");
    expect([...new Uint32Array(data.buffer)]).toEqual([...everyHalf].map((bits) => bits * 65_536));
  });

  it("refuses an int64 that does not fit", () => {
    expect(() => widen(stored("I64", BigInt64Array.of(2n ** 31n)), "file: a")).toThrow(CheckpointError);
    expect(widen(stored("I64", BigInt64Array.of(-(2n ** 31n))), "x").data[0]).toBe(-(2 ** 31));
  });
});

describe("narrow", () => {
  it.each(["F16", "BF16"] as const)("gives every %s back that was widened; NaN stays NaN", (dtype) => {
    const wide = widen(stored(dtype, everyHalf), "x").data as Float32Array;
    const back = new Uint16Array(narrow(wide, dtype).buffer);
    const wrong = [...everyHalf].filter((bits) => back[bits] !== bits && !Number.isNaN(wide[bits]));
    expect(wrong).toEqual([]);
    const nans = [...everyHalf].filter((bits) => Number.isNaN(wide[bits]));
    expect([...widen(stored(dtype, back), "x").data].filter(Number.isNaN)).toHaveLength(nans.length);
  });

  it.each(["F16", "BF16"] as const)("rounds to the nearest %s, ties to the even one", (dtype) => {
    const draws = Rng.fromSeed(3);
    const random = Float32Array.from(
      { length: 3000 },
      () => draws.normal() * 2 ** (draws.uniform() * 40 - 30),
    );
    const ties = Float32Array.of(
      1 + 2 ** -11,
      1 + 3 * 2 ** -11,
      1 + 2 ** -8,
      1 + 3 * 2 ** -8,
      2 ** -25,
      3 * 2 ** -25,
      65_519,
      65_520,
    );
    const values = Float32Array.of(...ties, ...random);
    const rounded = widen(stored(dtype, new Uint16Array(narrow(values, dtype).buffer)), "x").data;
    // Neighbours of a result, by its bits: none may be nearer, and at equal distance the result is the even one.
    const bits = new Uint16Array(narrow(values, dtype).buffer);
    for (const [at, value] of values.entries()) {
      const own = bits[at] as number;
      if (!Number.isFinite(rounded[at] as number)) {
        expect(Math.abs(value)).toBeGreaterThanOrEqual(65_520);
        continue;
      }
      const distance = Math.abs((rounded[at] as number) - value);
      for (const next of [own - 1, own + 1].filter((each) => (each & 0x7fff) !== 0x7fff && each >= 0)) {
        const other = widen(stored(dtype, Uint16Array.of(next)), "x").data[0] as number;
        if (!Number.isFinite(other)) continue;
        expect(distance).toBeLessThanOrEqual(Math.abs(other - value));
        if (distance === Math.abs(other - value)) expect(own & 1).toBe(0);
      }
    }
  });
});
