/**
 * @module Patches of images into the slots of a vision tower.
 */
import { ShapeError } from "../../core/errors.js";
import { type NdArray, zeros } from "../../core/ndarray.js";
import { zip } from "../../core/zip.js";

/** Where patches go. */
export interface PatchSlots {
  /** Consecutive slots that become one row of the tower's output. */
  readonly patchesPerCell: number;
  /** How many there are. */
  readonly slots: number;
  /** `mergedSlot[image][merged]`: the row of the tower's output for each of an image's tokens in reading order. */
  readonly mergedSlot: readonly (readonly number[])[];
}

/**
 * Puts patches into their slots; padding is 0.
 * @param patchesPerImage each `[G, patchDim]`, in the image processor's order (merge groups contiguous)
 * @returns `[S, patchDim]` f32
 * @throws ShapeError when the patches are not those of the layout's grids
 */
export function gatherPatches(layout: PatchSlots, patchesPerImage: readonly Float32Array[]): NdArray {
  const { mergedSlot, patchesPerCell } = layout;
  if (patchesPerImage.length !== mergedSlot.length) {
    throw new ShapeError(
      `gatherPatches: expected patches of ${mergedSlot.length} images, got ${patchesPerImage.length}`,
    );
  }
  const patchDim = (patchesPerImage[0]?.length ?? 0) / ((mergedSlot[0]?.length ?? 1) * patchesPerCell);
  const gathered = zeros([layout.slots, patchDim]);
  const cellSize = patchesPerCell * patchDim;
  zip(patchesPerImage, mergedSlot).forEach(([patches, slots], image) => {
    if (patches.length !== slots.length * cellSize || !Number.isInteger(patchDim)) {
      const wanted = `${slots.length * patchesPerCell} patches of ${patchDim} values`;
      throw new ShapeError(`gatherPatches: image ${image}: expected ${wanted}, got ${patches.length} values`);
    }
    slots.forEach((slot, cell) => {
      gathered.data.set(patches.subarray(cell * cellSize, (cell + 1) * cellSize), slot * cellSize);
    });
  });
  return gathered;
}
