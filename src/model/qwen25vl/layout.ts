/**
 * @module Images for the vision tower of Qwen2.5-VL, on the host: a fixed grid of slots.
 *
 * Frames are laid out as [I frames, W windows, C patches]: a window is a square of patches, in row-major groups of the
 * 2×2 patches that become one token. Windows at an image's edge, and images with fewer windows, are filled with padding
 * slots that masks keep from being seen. Window layers then are attention over [I·W, C], full layers over [I, W·C],
 * with one compiled graph for all images of a bucket.
 */
import { ModelError } from "../../core/errors.js";
import { zeros } from "../../core/ndarray.js";
import type { ImageLayout } from "../family.js";
import type { ImagePatches } from "../imageProcessor.js";
import { roundUp } from "../transformer/pack.js";
import { gatherPatches } from "../transformer/patches.js";
import { MASKED } from "../transformer/prefix.js";
import { type Grid, mergedCount, visionRotaryTables } from "../transformer/rope.js";
import type { Qwen25Config } from "./config.js";

/** Windows are rounded up to a multiple of this: bigger means fewer graphs and more padding. */
const WINDOW_STEP = 2;

/** Patches on a side of a merged cell, cells on a side of a window, patches in a window. */
function windowSizes({ vision }: Qwen25Config): { merge: number; side: number; C: number } {
  const merge = vision.spatialMergeSize;
  const side = vision.windowSize / merge / vision.patchSize;
  return { merge, side, C: side * side * merge * merge };
}

/** Windows that one frame of an image takes. @throws ModelError when a side is not whole merged cells */
function windowsOf({ h, w }: Grid, config: Qwen25Config): number {
  const { merge, side } = windowSizes(config);
  if (h % merge !== 0 || w % merge !== 0) {
    throw new ModelError(`qwen25vl: grid ${h}×${w} is not a multiple of ${merge} on both sides`);
  }
  return Math.ceil(h / merge / side) * Math.ceil(w / merge / side);
}

interface Cell {
  /** In patches: of the cell's first. */
  readonly row: number;
  readonly column: number;
  /** In merged cells, from the image's first frame on. */
  readonly slot: number;
}

/** An image's merged cells in reading order, and where they go when a frame takes W windows. */
function cellsOf(grid: Grid, W: number, config: Qwen25Config): Cell[] {
  const { merge, side, C } = windowSizes(config);
  const [h, w] = [grid.h / merge, grid.w / merge];
  const windowsAcross = Math.ceil(w / side);
  return Array.from({ length: mergedCount(grid, merge) }, (_, cell) => {
    const frame = Math.floor(cell / (h * w));
    const row = Math.floor(cell / w) % h;
    const column = cell % w;
    const window = Math.floor(row / side) * windowsAcross + Math.floor(column / side);
    const inWindow = (row % side) * side + (column % side);
    const slot = ((frame * W + window) * C) / merge ** 2 + inWindow;
    return { row: row * merge, column: column * merge, slot };
  });
}

/**
 * Slots, masks and tables; `windowMask` `[I·W, C]` and `fullMask` `[I, W·C]` f32 are 0 for patches, MASKED for padding. Each
 * frame of an image with t > 1 attends to itself only, as published.
 */
export function layOut(
  images: readonly ImagePatches[],
  config: Qwen25Config,
  minPatches: number,
): ImageLayout {
  const { merge, C } = windowSizes(config);
  const patchesPerCell = merge ** 2;
  const I = images.reduce((sum, { grid }) => sum + grid.t, 0);
  const windows = Math.max(Math.ceil(minPatches / C), ...images.map(({ grid }) => windowsOf(grid, config)));
  const W = roundUp(windows, WINDOW_STEP);
  const slots = I * W * C;
  const [rows, columns] = [new Int32Array(slots), new Int32Array(slots)];
  const windowMask = zeros([I * W, C]);
  windowMask.data.fill(MASKED);
  let framesBefore = 0;
  const mergedSlot = images.map(({ grid }) => {
    const start = (framesBefore * W * C) / patchesPerCell;
    framesBefore += grid.t;
    return cellsOf(grid, W, config).map(({ row, column, slot }) => {
      for (let patch = 0; patch < patchesPerCell; patch++) {
        const at = (start + slot) * patchesPerCell + patch;
        rows[at] = row + Math.floor(patch / merge);
        columns[at] = column + (patch % merge);
        windowMask.data[at] = 0;
      }
      return start + slot;
    });
  });
  const patches = gatherPatches(
    { patchesPerCell, slots, mergedSlot },
    images.map((image) => image.patches),
  );
  const fullMask = { ...windowMask, shape: [I, W * C] };
  const tables = visionRotaryTables(rows, columns, config);
  return { inputs: { patches, ...tables, windowMask, fullMask }, rows: mergedSlot };
}
