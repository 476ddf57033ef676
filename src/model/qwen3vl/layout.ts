/**
 * @module Images for the vision tower of Qwen3-VL, on the host: slots [I images, C patches], rotary tables, and where
 * each patch stands on the square of learned positions.
 */
import { ModelError } from "../../core/errors.js";
import { type NdArray, zeros } from "../../core/ndarray.js";
import type { ImageLayout } from "../family.js";
import type { ImagePatches } from "../imageProcessor.js";
import { roundUp } from "../transformer/pack.js";
import { gatherPatches } from "../transformer/patches.js";
import { MASKED } from "../transformer/prefix.js";
import { type Grid, mergedCount, visionRotaryTables } from "../transformer/rope.js";
import type { Qwen3Config } from "./config.js";

/** Patches per image are rounded up to a multiple of this many tokens: bigger means fewer graphs and more padding. */
const TOKEN_STEP = 8;

/** Learned positions that a patch lies between. */
const CORNERS = 4;

/** @throws ModelError when a side is not whole merged patches, or an image has several frames */
function checkGrid({ t, h, w }: Grid, merge: number): void {
  if (h % merge !== 0 || w % merge !== 0) {
    throw new ModelError(`qwen3vl: grid ${h}×${w} is not a multiple of ${merge} on both sides`);
  }
  if (t !== 1) {
    const advice =
      "Qwen3-VL writes a text timestamp before each frame, which is not implemented; give images";
    throw new ModelError(`qwen3vl: unsupported video: ${t} frames: ${advice}`);
  }
}

/** Row and column of a patch, patches of one token side by side. */
function placeOf(patch: number, { w }: Grid, merge: number): { row: number; column: number } {
  const cell = Math.floor(patch / merge ** 2);
  const within = patch % merge ** 2;
  const across = w / merge;
  return {
    row: Math.floor(cell / across) * merge + Math.floor(within / merge),
    column: (cell % across) * merge + (within % merge),
  };
}

/** The two learned positions on a side that a place lies between, the first and last of both meeting, and their shares. */
function neighbours(place: number, places: number, side: number): [at: number, share: number][] {
  const exact = (place * (side - 1)) / Math.max(places - 1, 1);
  const first = Math.min(Math.floor(exact), side - 1);
  const share = exact - first;
  return [
    [first, 1 - share],
    [Math.min(first + 1, side - 1), share],
  ];
}

/** Slots, masks and tables. */
export function layOut(
  images: readonly ImagePatches[],
  config: Qwen3Config,
  minPatches: number,
): ImageLayout {
  const { spatialMergeSize: merge, positionsPerSide: side } = config.vision;
  const patchesPerCell = merge ** 2;
  for (const { grid } of images) checkGrid(grid, merge);
  const longest = Math.max(minPatches, ...images.map(({ grid }) => grid.h * grid.w));
  const C = roundUp(longest, TOKEN_STEP * patchesPerCell);
  const S = images.length * C;
  const [rows, columns] = [new Int32Array(S), new Int32Array(S)];
  const mask = zeros([images.length, C]);
  const corners = zeros([S, CORNERS], "int32");
  const shares = zeros([S, CORNERS, 1]);
  mask.data.fill(MASKED);
  images.forEach(({ grid }, image) => {
    for (let patch = 0; patch < grid.h * grid.w; patch++) {
      const slot = image * C + patch;
      const { row, column } = placeOf(patch, grid, merge);
      rows[slot] = row;
      columns[slot] = column;
      mask.data[slot] = 0;
      const across = neighbours(column, grid.w, side);
      neighbours(row, grid.h, side)
        .flatMap(([y, down]) => across.map(([x, right]) => [y * side + x, down * right] as const))
        .forEach(([position, share], corner) => {
          corners.data[slot * CORNERS + corner] = position;
          shares.data[slot * CORNERS + corner] = share;
        });
    }
  });
  const slots = images.map(({ grid }, image) =>
    Array.from({ length: mergedCount(grid, merge) }, (_, cell) => (image * C) / patchesPerCell + cell),
  );
  const patches = gatherPatches(
    { patchesPerCell, slots: S, mergedSlot: slots },
    images.map((image) => image.patches),
  );
  const tables: { cos: NdArray; sin: NdArray } = visionRotaryTables(rows, columns, config);
  return { inputs: { patches, ...tables, mask, corners, shares }, rows: slots };
}
