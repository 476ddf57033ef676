import { describe, expect, it } from "vitest";
import type { HostArray } from "../../../src/compile/runtime/session.js";
import { fromBfloat, toBfloat } from "../../../src/core/halves.js";
import type { NarrowArray } from "../../../src/core/ndarray.js";
import { Rng } from "../../../src/core/rng.js";
import { blockPacker } from "../../../src/model/weights/blocks.js";

function packArray(array: HostArray, block: number, scale = 1) {
  const packed = new Uint8Array(array.data.length);
  const scales = new Float32Array(array.data.length / block);
  const isWhole = blockPacker(array.data.length).pack(array, { packed, scales }, { block, scale });
  return { isWhole, packed: [...packed], scales: [...scales] };
}

const floats = (values: readonly number[]): HostArray => ({
  dtype: "float32",
  shape: [values.length],
  data: Float32Array.from(values),
});

const pack = (values: readonly number[], block: number, scale = 1) => packArray(floats(values), block, scale);

/** A block that begins with these numbers. */
const filled = (values: readonly number[]) => Array.from({ length: 16 }, (_, at) => values[at] ?? 0);

const HALVES = new Map([
  [1.5, 0x3e00],
  [-0.25, 0xb400],
  [3, 0x4200],
  [-7.5, 0xc780],
]);

/** The same as the module's equation has it. */
function plainly(values: Float32Array, block: number, scale: number) {
  const scales = Array.from({ length: values.length / block }, (_, b) => {
    const most = Math.max(...values.subarray(b * block, (b + 1) * block).map(Math.abs)) / 127;
    return most < 1e-30 ? 0 : most;
  });
  const packed = Array.from(values, (value, at) => {
    const s = scales[Math.floor(at / block)] as number;
    return Math.floor(value * (s === 0 ? 0 : 1 / s) + 128.5);
  });
  return { isWhole: true, packed, scales: scales.map((s) => Math.fround(s * scale)) };
}

/** Numbers of all sizes, among them halves between two whole multiples of the scale, zeros and subnormal ones. */
function sample(seed: number, length: number): Float32Array {
  const draws = Rng.fromSeed(seed);
  return Float32Array.from({ length }, (_, at) => {
    if (at % 97 === 0) return 0;
    if (at % 2 === 0) return (Math.floor(draws.uniform() * 509) - 254) / 2 ** 9; // with 254 a tie of 1/2 each
    return draws.normal() * 2 ** (-(at >> 7) % 160);
  });
}

describe("blockPacker", () => {
  it("rounds w / s, s being the largest over 127, and adds 128", () => {
    // s = 254 / 127 = 2: −254/2 = −127, 3/2 = 1.5 → 2, −3/2 = −1.5 → −1 (up), 0.9/2 → 0; then s = 1/127.
    const { packed, scales } = pack([...filled([-254, 3, -3, 0.9]), ...filled([1, 0, -1, 0.5])], 16);
    const zeros = Array.from({ length: 12 }, () => 128);
    expect(packed).toEqual([1, 130, 127, 128, ...zeros, 255, 128, 1, 192, ...zeros]);
    expect(scales).toEqual([2, Math.fround(1 / 127)]);
  });

  it("puts a factor into the scales", () => {
    const values = filled([-254, 3, -3, 0.9]);
    expect(pack(values, 16, 0.25)).toEqual({ ...pack(values, 16), scales: [0.5] });
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
    expect(pack([...filled([0, -0]), ...filled([1e-38, -1e-40])], 16)).toEqual({
      isWhole: true,
      packed: Array.from({ length: 32 }, () => 128),
      scales: [0, 0],
    });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    "says that %s is no number, wherever it stands",
    (value) => {
      for (let at = 0; at < 32; at++) {
        const values = Array.from({ length: 32 }, (_, place) => (place === at ? value : 1));
        expect(pack(values, 16).isWhole, `${at}`).toBe(false);
      }
    },
  );

  it.each([16, 32, 64, 128])("gives what a plain loop gives, to the last bit: blocks of %d", (block) => {
    for (const scale of [1, 0.125, 1 / Math.sqrt(80)]) {
      const values = sample(block, 2 ** 15);
      expect(packArray(floats([...values]), block, scale)).toEqual(plainly(values, block, scale));
      const data = toBfloat(new Uint32Array(values.buffer));
      const narrow: HostArray = { dtype: "bfloat16", shape: [data.length], data };
      expect(packArray(narrow, block, scale)).toEqual(plainly(fromBfloat(data), block, scale));
    }
  });

  it("packs numbers where they were read, and others, again and again", () => {
    const packer = blockPacker(64);
    const data = new Uint16Array(packer.numbers.buffer, 32, 32);
    const to = { packed: new Uint8Array(32), scales: new Float32Array(2) };
    const values = sample(3, 32);
    data.set(toBfloat(new Uint32Array(values.buffer)));
    const expected = plainly(fromBfloat(data.slice()), 16, 1);
    packer.pack({ dtype: "bfloat16", shape: [32], data }, to, { block: 16, scale: 1 });
    expect({ ...to, packed: [...to.packed], scales: [...to.scales] }).toEqual({
      packed: expected.packed,
      scales: expected.scales,
    });
    packer.pack(floats([...values]), to, { block: 16, scale: 1 });
    expect([...to.packed]).toEqual(plainly(values, 16, 1).packed);
  });

  it("packs nothing", () => {
    expect(pack([], 16)).toEqual({ isWhole: true, packed: [], scales: [] });
  });

  it("packs bfloat16 and float16 as the float32 that they are", () => {
    const values = Array.from({ length: 4 }, () => [1.5, -0.25, 3, -7.5]).flat();
    const bits = toBfloat(new Uint32Array(Float32Array.from(values).buffer));
    const half = Uint16Array.from(values, (value) => HALVES.get(value) as number);
    const arrays: NarrowArray[] = [
      { dtype: "bfloat16", shape: [16], data: bits },
      { dtype: "float16", shape: [16], data: half },
    ];
    for (const array of arrays) expect(packArray(array, 16), array.dtype).toEqual(pack(values, 16));
  });
});
