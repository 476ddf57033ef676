/**
 * @module The vision tower of Qwen2.5-VL on a fixed grid of slots.
 *
 * Frames are laid out as [I frames, W windows, C cells]: a window is a square of patches, in row-major groups of the 2×2
 * patches that become one token. Windows at an image's edge, and images with fewer windows, are filled with padding
 * slots that masks keep from being seen. Window layers then are attention over [I·W, C], full layers over [I, W·C],
 * with one compiled graph for all images of a bucket.
 */
import { dims } from "../../core/dims.js";
import { ModelError, ShapeError } from "../../core/errors.js";
import { type NdArray, zeros } from "../../core/ndarray.js";
import { type Tensor, tf } from "../../core/tf.js";
import { zip } from "../../core/zip.js";
import { attention } from "../transformer/attention.js";
import { gelu, linear, param, rmsNorm, swiglu, type TensorParams } from "../transformer/layers.js";
import { MASKED } from "../transformer/prefix.js";
import type { ModelConfig } from "./config.js";
import { type Grid, mergedCount, type Rotation, rotate, rotation, visionRotaryTables } from "./rope.js";

/** The tower's norms, unlike the decoder's, have a fixed epsilon. */
const VISION_EPS = 1e-6;

/** Where patches go. Slots number I·W·C. */
export interface VisionLayout {
  readonly images: number;
  readonly windows: number;
  /** Consecutive slots that become one row of the tower's output. */
  readonly patchesPerCell: number;
  /** Per slot: index into the patches of all images one after another; −1 for padding. */
  readonly source: Int32Array;
  /** `[I·W·C, D]` f32 */
  readonly cos: NdArray;
  /** `[I·W·C, D]` f32 */
  readonly sin: NdArray;
  /** `[I·W, C]` f32: 0 for patches, MASKED for padding */
  readonly windowMask: NdArray;
  /** `[I, W·C]` f32 */
  readonly fullMask: NdArray;
  /** `mergedSlot[image][merged]`: the row of the tower's output for each of an image's tokens in reading order. */
  readonly mergedSlot: readonly (readonly number[])[];
}

/** Patches on a side of a merged cell, cells on a side of a window, patches in a window. */
function windowSizes({ vision }: ModelConfig): { merge: number; side: number; C: number } {
  const merge = vision.spatialMergeSize;
  const side = vision.windowSize / merge / vision.patchSize;
  return { merge, side, C: side * side * merge * merge };
}

/** Windows that one frame of an image takes. */
function windowsOf(grid: Grid, config: ModelConfig): number {
  const { merge, side } = windowSizes(config);
  return Math.ceil(grid.h / merge / side) * Math.ceil(grid.w / merge / side);
}

interface Cell {
  /** In patches: of the cell's first. */
  readonly row: number;
  readonly column: number;
  /** In merged cells, from the image's first frame on. */
  readonly slot: number;
}

/** An image's merged cells in reading order, and where they go when a frame takes W windows. */
function cellsOf(grid: Grid, W: number, config: ModelConfig): Cell[] {
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

/** @throws ModelError when the grids do not fit the bucket, or a side is odd */
function layoutSizes(
  grids: readonly Grid[],
  config: ModelConfig,
  bucket?: { readonly images: number; readonly windows: number },
): { I: number; W: number } {
  const { merge } = windowSizes(config);
  const odd = grids.find(({ h, w }) => h % merge !== 0 || w % merge !== 0);
  if (odd) {
    throw new ModelError(`visionLayout: grid ${odd.h}×${odd.w} is not a multiple of ${merge} on both sides`);
  }
  const frames = grids.reduce((sum, grid) => sum + grid.t, 0);
  const windows = Math.max(0, ...grids.map((grid) => windowsOf(grid, config)));
  const { images: I, windows: W } = bucket ?? { images: frames, windows };
  if (frames > I || windows > W) {
    const needed = `${frames} images of ${windows} windows`;
    throw new ModelError(`visionLayout: expected at most ${I} images of ${W} windows, got ${needed}`);
  }
  return { I, W };
}

/**
 * @param grids images in prompt order; each frame of an image with t > 1 attends to itself only, as published
 * @param bucket how many frames and windows to lay out; default: as many as needed
 * @throws ModelError when the grids do not fit the bucket, or a side is odd
 */
export function visionLayout(
  grids: readonly Grid[],
  config: ModelConfig,
  bucket?: { readonly images: number; readonly windows: number },
): VisionLayout {
  const { I, W } = layoutSizes(grids, config, bucket);
  const { merge, C } = windowSizes(config);
  const patchesPerCell = merge ** 2;
  const source = new Int32Array(I * W * C).fill(-1);
  const rows = new Int32Array(source.length);
  const columns = new Int32Array(source.length);
  let [framesBefore, patchesBefore] = [0, 0];
  const mergedSlot = grids.map((grid) => {
    const start = (framesBefore * W * C) / patchesPerCell;
    const cells = cellsOf(grid, W, config);
    cells.forEach(({ row, column, slot }, cell) => {
      for (let patch = 0; patch < patchesPerCell; patch++) {
        const at = (start + slot) * patchesPerCell + patch;
        source[at] = patchesBefore + cell * patchesPerCell + patch;
        rows[at] = row + Math.floor(patch / merge);
        columns[at] = column + (patch % merge);
      }
    });
    framesBefore += grid.t;
    patchesBefore += grid.t * grid.h * grid.w;
    return cells.map(({ slot }) => start + slot);
  });
  const windowMask = zeros([I * W, C]);
  source.forEach((from, slot) => {
    if (from < 0) windowMask.data[slot] = MASKED;
  });
  return {
    images: I,
    windows: W,
    patchesPerCell,
    source,
    ...visionRotaryTables(rows, columns, config),
    windowMask,
    fullMask: { ...windowMask, shape: [I, W * C] },
    mergedSlot,
  };
}

/**
 * Puts patches into their slots; padding is 0.
 * @param patchesPerImage each `[G, patchDim]`, in the image processor's order (merge groups contiguous)
 * @returns `[I·W·C, patchDim]` f32
 * @throws ShapeError when the patches are not those of the layout's grids
 */
export function gatherPatches(layout: VisionLayout, patchesPerImage: readonly Float32Array[]): NdArray {
  const { mergedSlot, patchesPerCell } = layout;
  if (patchesPerImage.length !== mergedSlot.length) {
    throw new ShapeError(
      `gatherPatches: expected patches of ${mergedSlot.length} images, got ${patchesPerImage.length}`,
    );
  }
  const patchDim = (patchesPerImage[0]?.length ?? 0) / ((mergedSlot[0]?.length ?? 1) * patchesPerCell);
  const gathered = zeros([layout.source.length, patchDim]);
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

export interface VisionInputs {
  /** `[I·W·C, patchDim]` f32 */
  readonly patches: Tensor;
  /** `[I·W·C, D]` f32 */
  readonly cos: Tensor;
  /** `[I·W·C, D]` f32 */
  readonly sin: Tensor;
  /** `[I·W, C]` f32, added to the scores of window layers */
  readonly windowMask: Tensor;
  /** `[I, W·C]` f32, added to the scores of full-attention layers */
  readonly fullMask: Tensor;
}

/**
 * @returns `[I·W·C/4, outHidden]`: one row per merge group; rows of padding hold numbers that mean nothing
 */
export function visionTower(params: TensorParams, config: ModelConfig, inputs: VisionInputs): Tensor {
  const { vision } = config;
  const patchDim = vision.inChannels * vision.temporalPatchSize * vision.patchSize ** 2;
  const { S } = dims("visionTower: patches", inputs.patches, "S P", { P: patchDim });
  dims("visionTower: cos", inputs.cos, "S D", { S, D: vision.hiddenSize / vision.heads });
  const kernel = tf.reshape(param(params, "visual.patch_embed.proj.weight"), [vision.hiddenSize, patchDim]);
  const turn = rotation(inputs);
  let hidden: Tensor = tf.matMul(inputs.patches, kernel, false, true);
  for (let block = 0; block < vision.depth; block++) {
    const name = `visual.blocks.${block}`;
    const mask = vision.fullAttentionLayers.includes(block) ? inputs.fullMask : inputs.windowMask;
    const qkv = linear(params, `${name}.attn.qkv`, rmsNorm(params, `${name}.norm1`, hidden, VISION_EPS));
    const mixed = attendGroups(qkv, vision.heads, turn, mask);
    hidden = tf.add(hidden, linear(params, `${name}.attn.proj`, mixed));
    const normed = rmsNorm(params, `${name}.norm2`, hidden, VISION_EPS);
    hidden = tf.add(hidden, swiglu(params, `${name}.mlp`, normed));
  }
  return merger(params, config, hidden);
}

/**
 * Attention within groups of consecutive slots.
 * @param qkv `[S, 3·H·D]` f32
 * @param mask `[B, S/B]` f32, added to the scores of a key
 * @returns `[S, H·D]`
 */
function attendGroups(qkv: Tensor, H: number, turn: Rotation, mask: Tensor): Tensor {
  const [S, width] = qkv.shape as [number, number];
  const { B, N } = dims("visionTower: mask", mask, "B N");
  const D = width / 3 / H;
  const [q, k, v] = tf.split(qkv, 3, 1).map((part) => tf.reshape(part, [S, H, D])) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  const groups = (x: Tensor) => tf.transpose(tf.reshape(x, [B, N, H, D]), [0, 2, 1, 3]);
  const queries = groups(tf.mul(rotate(q, turn), 1 / Math.sqrt(D)));
  const keyMask = tf.tile(tf.reshape(mask, [B, 1, N, 1]), [1, H, 1, 1]);
  const mixed = attention(queries, [{ k: groups(rotate(k, turn)), v: groups(v), keyMask }]);
  return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [S, H * D]);
}

/** Norm, then every merge group's patches side by side through two linear layers. */
function merger(params: TensorParams, { vision }: ModelConfig, hidden: Tensor): Tensor {
  const merged = vision.hiddenSize * vision.spatialMergeSize ** 2;
  const rows = tf.reshape(rmsNorm(params, "visual.merger.ln_q", hidden, VISION_EPS), [-1, merged]);
  return linear(params, "visual.merger.mlp.2", gelu(linear(params, "visual.merger.mlp.0", rows)));
}
