import { describe, expect, it } from "vitest";
import { ShapeError } from "../../../src/core/errors.js";
import { gatherPatches, type PatchSlots } from "../../../src/model/transformer/patches.js";

/** One image of one cell in four slots, then a padding cell, then an image of two cells, the second first. */
const SLOTS: PatchSlots = {
  patchesPerCell: 4,
  slots: 16,
  mergedSlot: [[0], [3, 2]],
};

describe("gatherPatches", () => {
  it("puts patches into their slots and zeros into padding", () => {
    const [first, second] = [8, 16].map((size) => Float32Array.from({ length: size }, (_, at) => size + at));
    const gathered = gatherPatches(SLOTS, [first as Float32Array, second as Float32Array]);
    expect(gathered.shape).toEqual([16, 2]);
    const cells = [8, 9, 10, 11, 12, 13, 14, 15];
    const cell = (from: number) => Array.from({ length: 8 }, (_, at) => from + at);
    expect(Array.from(gathered.data)).toEqual([...cells, ...new Array(8).fill(0), ...cell(24), ...cell(16)]);
  });

  it("refuses patches of other images", () => {
    expect(() => gatherPatches(SLOTS, [])).toThrow(ShapeError);
    expect(() => gatherPatches(SLOTS, [new Float32Array(7), new Float32Array(16)])).toThrow(ShapeError);
    expect(() => gatherPatches(SLOTS, [new Float32Array(8), new Float32Array(8)])).toThrow(
      /image 1: expected 8 patches of 2 values, got 8 values/,
    );
  });
});
