/**
 * @module The vision tower of Qwen2.5-VL on a fixed grid of slots.
 *
 * Frames are laid out as [I frames, W windows, C cells]: a window is a square of patches, in row-major groups of the 2×2
 * patches that become one token. Windows at an image's edge, and images with fewer windows, are filled with padding
 * slots that masks keep from being seen. Window layers then are attention over [I·W, C], full layers over [I, W·C],
 * with one compiled graph for all images of a bucket.
 */
import { dims } from "../../core/dims.js";
import { ModelError } from "../../core/errors.js";
import { type NdArray, zeros } from "../../core/ndarray.js";
import { type Tensor, type TensorParams, tf } from "../../core/tf.js";
import type { BlockInputs, ImageLayout, VisionInputs, VisionTower } from "../family.js";
import type { ImagePatches } from "../imageProcessor.js";
import { attendGroups } from "../transformer/attention.js";
import { gelu, linear, param, rmsNorm, swiglu } from "../transformer/layers.js";
import { roundUp } from "../transformer/pack.js";
import { gatherPatches, type PatchSlots } from "../transformer/patches.js";
import { MASKED } from "../transformer/prefix.js";
import { type Grid, mergedCount, visionRotaryTables } from "../transformer/rope.js";
import type { Qwen25Config } from "./config.js";

/** The tower's norms, unlike the decoder's, have a fixed epsilon. */
const VISION_EPS = 1e-6;

/** Windows are rounded up to a multiple of this: bigger means fewer graphs and more padding. */
const WINDOW_STEP = 2;

/** Where patches go. Slots number I·W·C. */
export interface VisionLayout extends PatchSlots {
  /** Per slot: index into the patches of all images one after another; −1 for padding. */
  readonly source: Int32Array;
  readonly images: number;
  readonly windows: number;
  /** `[I·W·C, D]` f32 */
  readonly cos: NdArray;
  /** `[I·W·C, D]` f32 */
  readonly sin: NdArray;
  /** `[I·W, C]` f32: 0 for patches, MASKED for padding */
  readonly windowMask: NdArray;
  /** `[I, W·C]` f32 */
  readonly fullMask: NdArray;
}

/** Patches on a side of a merged cell, cells on a side of a window, patches in a window. */
function windowSizes({ vision }: Qwen25Config): { merge: number; side: number; C: number } {
  const merge = vision.spatialMergeSize;
  const side = vision.windowSize / merge / vision.patchSize;
  return { merge, side, C: side * side * merge * merge };
}

/** Windows that one frame of an image takes. */
function windowsOf(grid: Grid, config: Qwen25Config): number {
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

/** @throws ModelError when the grids do not fit the bucket, or a side is odd */
function layoutSizes(
  grids: readonly Grid[],
  config: Qwen25Config,
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
  config: Qwen25Config,
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
    slots: source.length,
    source,
    ...visionRotaryTables(rows, columns, config),
    windowMask,
    fullMask: { ...windowMask, shape: [I, W * C] },
    mergedSlot,
  };
}

/** Images in slots, the number of windows rounded up. */
function layOut(images: readonly ImagePatches[], config: Qwen25Config, minPatches: number): ImageLayout {
  const grids = images.map(({ grid }) => grid);
  const exact = visionLayout(grids, config);
  const least = Math.ceil(minPatches / windowSizes(config).C);
  const windows = roundUp(Math.max(exact.windows, least), WINDOW_STEP);
  const isExact = exact.windows === windows && exact.images === images.length;
  const layout = isExact ? exact : visionLayout(grids, config, { images: images.length, windows });
  const patches = gatherPatches(
    layout,
    images.map((image) => image.patches),
  );
  const { cos, sin, windowMask, fullMask } = layout;
  return { inputs: { patches, cos, sin, windowMask, fullMask }, rows: layout.mergedSlot };
}

/** What the tower reads. */
type Inputs = VisionInputs & {
  /** `[I·W, C]` f32, added to the scores of window layers */
  readonly windowMask: Tensor;
  /** `[I, W·C]` f32, added to the scores of full-attention layers */
  readonly fullMask: Tensor;
};

function embedPatches(params: TensorParams, { vision }: Qwen25Config, inputs: VisionInputs): Tensor {
  const patchDim = vision.inChannels * vision.temporalPatchSize * vision.patchSize ** 2;
  const { S } = dims("visionTower: patches", inputs.patches, "S P", { P: patchDim });
  dims("visionTower: cos", inputs.cos, "S D", { S, D: vision.hiddenSize / vision.heads });
  const kernel = tf.reshape(param(params, "visual.patch_embed.proj.weight"), [vision.hiddenSize, patchDim]);
  return tf.matMul(inputs.patches, kernel, false, true);
}

/** Pre-norm attention and SwiGLU. @param x `[S, C]` f32 */
function visionBlock(
  weights: TensorParams,
  { vision }: Qwen25Config,
  x: Tensor,
  { turn, mask }: BlockInputs,
): Tensor {
  const qkv = linear(weights, "attn.qkv", rmsNorm(weights, "norm1", x, VISION_EPS));
  const seen = tf.add(x, linear(weights, "attn.proj", attendGroups(qkv, vision.heads, turn, mask)));
  return tf.add(seen, swiglu(weights, "mlp", rmsNorm(weights, "norm2", seen, VISION_EPS)));
}

/** Norm, then every merge group's patches side by side through two linear layers. */
function merge(params: TensorParams, { vision }: Qwen25Config, hidden: Tensor): Tensor {
  const merged = vision.hiddenSize * vision.spatialMergeSize ** 2;
  const rows = tf.reshape(rmsNorm(params, "visual.merger.ln_q", hidden, VISION_EPS), [-1, merged]);
  return linear(params, "visual.merger.mlp.2", gelu(linear(params, "visual.merger.mlp.0", rows)));
}

/** Layout and tower. */
export const qwen25Vision = {
  layOut,
  tower: {
    embed: embedPatches,
    maskOf: ({ vision }, block, { windowMask, fullMask }: Inputs) =>
      vision.fullAttentionLayers.includes(block) ? fullMask : windowMask,
    block: visionBlock,
    merge,
  } satisfies VisionTower<Qwen25Config>,
};
