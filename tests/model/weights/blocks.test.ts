import { describe, expect, it } from "vitest";
import { toBfloat } from "../../../src/core/halves.js";
import type { NarrowArray } from "../../../src/core/ndarray.js";
import { Rng } from "../../../src/core/rng.js";
import { floatBits, packBlocks } from "../../../src/model/weights/blocks.js";

function pack(values: readonly number[], block: number, scale = 1) {
  const packed = new Uint8Array(values.length);
  const scales = new Float32Array(values.length / block);
  const bits = new Uint32Array(Float32Array.from(values).buffer);
  const isWhole = packBlocks(bits, { packed, scales }, { block, scale });
  return { isWhole, packed: [...packed], scales: [...scales] };
}

describe("packBlocks", () => {
  it("rounds w / s, s being the largest over 127, and adds 128", () => {
    // s = 254 / 127 = 2: −254/2 = −127, 3/2 = 1.5 → 2, −3/2 = −1.5 → −1 (up), 0.9/2 → 0; then s = 1/127.
    const { packed, scales } = pack([-254, 3, -3, 0.9, 1, 0, -1, 0.5], 4);
    expect(packed).toEqual([1, 130, 127, 128, 255, 128, 1, 192]);
    expect(scales).toEqual([2, Math.fround(1 / 127)]);
  });

  it("puts a factor into the scales", () => {
    expect(pack([-254, 3, -3, 0.9], 4, 0.25)).toEqual({ ...pack([-254, 3, -3, 0.9], 4), scales: [0.5] });
  });

  it("moves no number by more than half a scale", () => {
    const draws = Rng.fromSeed(1);
    const values = Array.from({ length: 4096 }, () =>
      Math.fround(draws.normal() * 10 ** (6 * draws.uniform() - 3)),
    );
    const { packed, scales } = pack(values, 128);
    for (const [at, value] of values.entries()) {
      const scale = scales[Math.floor(at / 128)] as number;
      expect(Math.abs(((packed[at] as number) - 128) * scale - value)).toBeLessThanOrEqual(scale * 0.50001);
    }
  });

  it("gives zeros for blocks of zeros and of numbers too small for a scale", () => {
    expect(pack([0, -0, 0, 0, 1e-38, -1e-40, 0, 0], 4)).toEqual({
      isWhole: true,
      packed: Array.from({ length: 8 }, () => 128),
      scales: [0, 0],
    });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    "says that %s is no number",
    (value) => {
      expect(pack([1, value, 0, 0], 4).isWhole).toBe(false);
    },
  );
});

describe("floatBits", () => {
  it("packs bfloat16 and float16 as the float32 that they are", () => {
    const values = [1.5, -0.25, 3, -7.5];
    const bits = toBfloat(new Uint32Array(Float32Array.from(values).buffer));
    const half = Uint16Array.of(0x3e00, 0xb400, 0x4200, 0xc780);
    const arrays: NarrowArray[] = [
      { dtype: "bfloat16", shape: [4], data: bits },
      { dtype: "float16", shape: [4], data: half },
    ];
    for (const array of arrays) {
      const [packed, scales] = [new Uint8Array(4), new Float32Array(1)];
      packBlocks(floatBits(array), { packed, scales }, { block: 4, scale: 1 });
      const { isWhole: _, ...expected } = pack(values, 4);
      expect({ packed: [...packed], scales: [...scales] }, array.dtype).toEqual(expected);
    }
  });
});
