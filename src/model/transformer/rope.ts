/**
 * @module Rotary positions: M-RoPE for the decoder (time, height, width), 2-D rotary for the vision tower. Tables are
 * made on the host; `rotate` applies them.
 *
 * Angles are rounded to float32 where the published code rounds them.
 *
 * Source: Qwen2-VL, arXiv 2409.12191, §2.1 and Figure 3.
 */
import { type Turns, turnHalves } from "../../compile/operators.js";
import { ModelError } from "../../core/errors.js";
import { type NdArray, zeros } from "../../core/ndarray.js";
import { type Tensor, tf } from "../../core/tf.js";
import type { DecoderSizes, ModelConfig } from "../modelConfig.js";

/** Size of an image in patches, before merging. */
export interface Grid {
  readonly t: number;
  readonly h: number;
  readonly w: number;
}

/** Tokens that an image takes in the prompt. */
export function mergedCount(grid: Grid, spatialMergeSize: number): number {
  return (grid.t * grid.h * grid.w) / spatialMergeSize ** 2;
}

/**
 * Text moves all three positions by one per token; an image starts where the text left off, counts frames, rows and
 * columns of merged patches from there, and the text after it continues past its longer side.
 * @param tokens S ids, image tokens already expanded
 * @param grids one per image, in order
 * @returns `positions` `[3, S]`: time, height, width; `next`: the position of the token after the last
 * @throws ModelError when image tokens and grids do not match
 */
export function mropePositions(
  tokens: ArrayLike<number>,
  grids: readonly Grid[],
  config: ModelConfig,
): { positions: Int32Array; next: number } {
  const S = tokens.length;
  const merge = config.vision.spatialMergeSize;
  const positions = new Int32Array(3 * S);
  let [at, start, image, next] = [0, 0, 0, 0];
  while (at < S) {
    if (tokens[at] !== config.tokens.image) {
      for (let axis = 0; axis < 3; axis++) positions[axis * S + at] = start;
      next = Math.max(next, ++start);
      at++;
      continue;
    }
    const grid = grids[image];
    if (!grid) throw new ModelError(`mropePositions: image token ${at} has no image; ${grids.length} given`);
    const [h, w] = [grid.h / merge, grid.w / merge];
    for (let cell = 0; cell < grid.t * h * w; cell++, at++) {
      if (tokens[at] !== config.tokens.image) {
        const wanted = `${grid.t * h * w} image tokens, got ${cell}`;
        throw new ModelError(
          `mropePositions: image ${image} (${grid.t}×${grid.h}×${grid.w}): expected ${wanted}`,
        );
      }
      positions[at] = start + Math.floor(cell / (h * w));
      positions[S + at] = start + (Math.floor(cell / w) % h);
      positions[2 * S + at] = start + (cell % w);
    }
    next = Math.max(next, start + Math.max(grid.t, h, w));
    start += Math.max(h, w);
    image++;
  }
  if (image !== grids.length) {
    throw new ModelError(`mropePositions: expected tokens for ${grids.length} images, got them for ${image}`);
  }
  return { positions, next };
}

/** 1/θ^(2i/size) for i = 0 … size/2 − 1, in float32. */
function frequencies(theta: number, size: number): Float32Array {
  return Float32Array.from({ length: size / 2 }, (_, i) =>
    Math.fround(1 / Math.fround(theta ** Math.fround((2 * i) / size))),
  );
}

/**
 * @param positions `[3, T]`
 * @returns `cos` and `sin` `[T, D]` f32: frequency i turns by its axis; both halves alike
 */
export function mropeTables(positions: Int32Array, config: DecoderSizes): { cos: NdArray; sin: NdArray } {
  const T = positions.length / 3;
  const half = config.headSize / 2;
  const rates = frequencies(config.ropeTheta, config.headSize);
  return rotaryTables(T, half, (token, i) => {
    const position = positions[(config.rotaryAxes[i] as number) * T + token] as number;
    return Math.fround(position * (rates[i] as number));
  });
}

/**
 * @param rows `[S]` row of each patch in its image, in patches
 * @param columns `[S]`
 * @returns `cos` and `sin` `[S, D]` f32: the first half of the frequencies turns by row, the second by column
 */
export function visionRotaryTables(
  rows: Int32Array,
  columns: Int32Array,
  config: ModelConfig,
): { cos: NdArray; sin: NdArray } {
  const half = config.vision.hiddenSize / config.vision.heads / 2;
  const rates = frequencies(config.vision.ropeTheta, half);
  return rotaryTables(rows.length, half, (slot, i) => {
    const isRow = i < half / 2;
    const position = (isRow ? rows[slot] : columns[slot]) as number;
    return Math.fround(position * (rates[isRow ? i : i - half / 2] as number));
  });
}

/** `[count, 2·half]` tables of an angle given by element and frequency, repeated for the second half. */
function rotaryTables(
  count: number,
  half: number,
  angleAt: (element: number, i: number) => number,
): { cos: NdArray; sin: NdArray } {
  const cos = zeros([count, 2 * half]);
  const sin = zeros([count, 2 * half]);
  for (let element = 0; element < count; element++) {
    for (let i = 0; i < half; i++) {
      const angle = angleAt(element, i);
      const at = element * 2 * half + i;
      cos.data[at] = cos.data[at + half] = Math.cos(angle);
      sin.data[at] = sin.data[at + half] = Math.sin(angle);
    }
  }
  return { cos, sin };
}

/** Tables as `rotate` takes them: `[T, D/2]` f32. */
export type Rotation = Turns;

/** Prepares tables once for all layers. @param rope `[T, D]` f32 each, both halves alike */
export function rotation({ cos, sin }: { readonly cos: Tensor; readonly sin: Tensor }): Rotation {
  const half = (x: Tensor) => tf.split(x, 2, 1)[0] as Tensor;
  return { cos: half(cos), sin: half(sin) };
}

/**
 * Turns pairs (x_i, x_{i+D/2}) by their angle; the gradient turns back.
 * @param x `[T, H, D]` f32
 */
export function rotate(x: Tensor, { cos, sin }: Rotation): Tensor {
  const turned = tf.customGrad((given, save) => {
    (save as tf.GradSaveFunc)([cos, sin]);
    return {
      value: turnHalves(given as Tensor, { cos, sin }),
      gradFunc: (dy: Tensor, [c, s]: Tensor[]) =>
        turnHalves(dy, { cos: c as Tensor, sin: tf.neg(s as Tensor) }),
    };
  });
  return turned(x);
}
