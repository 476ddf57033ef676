import { beforeAll, describe, expect, it } from "vitest";
import { ModelError } from "../../../src/core/errors.js";
import { tf } from "../../../src/core/tf.js";
import type { ModelConfig } from "../../../src/model/modelConfig.js";
import { mropePositions, mropeTables, rotate, rotation } from "../../../src/model/transformer/rope.js";
import { largestDifference, loadGolden, toTensor } from "../parity.js";

let config: ModelConfig;
beforeAll(async () => {
  config = (await loadGolden("qwen25vl/tied")).model.config;
});

const IMAGE = 190;

describe("mropePositions", () => {
  it("counts text by one on all axes", () => {
    const { positions, next } = mropePositions([5, 6, 7], [], config);
    expect(Array.from(positions)).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2]);
    expect(next).toBe(3);
  });

  it("counts rows and columns of an image, and continues past its longer side", () => {
    // One token, then an image of 2×3 merged patches from position 1, then text from 1 + 3 = 4.
    const tokens = [5, ...new Array(6).fill(IMAGE), 6];
    const { positions, next } = mropePositions(tokens, [{ t: 1, h: 4, w: 6 }], config);
    expect(Array.from(positions.subarray(0, 8))).toEqual([0, 1, 1, 1, 1, 1, 1, 4]);
    expect(Array.from(positions.subarray(8, 16))).toEqual([0, 1, 1, 1, 2, 2, 2, 4]);
    expect(Array.from(positions.subarray(16))).toEqual([0, 1, 2, 3, 1, 2, 3, 4]);
    expect(next).toBe(5);
  });

  it("continues past the image when the image ends the prompt", () => {
    expect(mropePositions([5, IMAGE, IMAGE], [{ t: 1, h: 4, w: 2 }], config).next).toBe(3);
    expect(mropePositions([], [], config).next).toBe(0);
  });

  it.each([
    [
      "too few tokens",
      [IMAGE, 5],
      [{ t: 1, h: 4, w: 2 }],
      /image 0 \(1×4×2\): expected 2 image tokens, got 1/,
    ],
    ["too many tokens", [IMAGE, IMAGE], [{ t: 1, h: 2, w: 2 }], /image token 1 has no image; 1 given/],
    ["an image without tokens", [5], [{ t: 1, h: 2, w: 2 }], /expected tokens for 1 images, got them for 0/],
  ])("refuses %s", (_what, tokens, grids, message) => {
    expect(() => mropePositions(tokens, grids, config)).toThrow(ModelError);
    expect(() => mropePositions(tokens, grids, config)).toThrow(message);
  });
});

describe("mropeTables", () => {
  it("turns each frequency by the axis of its section", () => {
    // D = 8, θ = 10⁴: frequencies 1, 0.1, 0.01, 0.001; sections [1, 1, 2]: time, height, width, width.
    const { cos, sin } = mropeTables(Int32Array.of(2, 3, 5), config);
    const angles = [2, 0.3, 0.05, 0.005, 2, 0.3, 0.05, 0.005];
    expect(largestDifference(cos.data, angles.map(Math.cos))).toBeLessThan(1e-6);
    expect(largestDifference(sin.data, angles.map(Math.sin))).toBeLessThan(1e-6);
  });
});

describe("rotate", () => {
  const turned = (x: number[], position: number) => {
    const { cos, sin } = mropeTables(Int32Array.of(position, position, position), config);
    const turn = rotation({ cos: toTensor(cos), sin: toTensor(sin) });
    return rotate(tf.tensor(x, [1, 1, 8]), turn);
  };

  it("leaves position 0 as it is and turns (1, 0) of the first pair to (cos, sin)", () => {
    const x = [1, 0, 0, 0, 0, 0, 0, 0];
    expect(Array.from(turned(x, 0).dataSync())).toEqual(x);
    // Pair (x₀, x₄) has frequency 1: at position 1 it becomes (cos 1, sin 1).
    const expected = [Math.cos(1), 0, 0, 0, Math.sin(1), 0, 0, 0];
    expect(largestDifference(turned(x, 1).dataSync(), expected)).toBeLessThan(1e-6);
  });

  it("makes scores depend on the distance only", () => {
    const [q, k] = [
      [0.3, -1, 0.5, 2, 1, 0.1, -0.7, 0.2],
      [1, 0.4, -0.2, 0.9, -1.3, 0.8, 0.6, -0.5],
    ];
    const score = (at: number, from: number) =>
      tf.sum(tf.mul(turned(q, at), turned(k, from))).dataSync()[0] as number;
    expect(score(9, 4)).toBeCloseTo(score(25, 20), 5);
    expect(score(9, 4)).not.toBeCloseTo(score(9, 5), 3);
  });
});
