/**
 * @module Images to patches, as Qwen2-VL's image processor makes them: upright RGB, sides rounded to whole merged
 * patches, bicubic, normalised, patches of one merged token side by side.
 */
import { z } from "zod";
import { DataError } from "../core/errors.js";
import { readImage } from "../core/image/decode.js";
import { CHANNELS, type RgbImage } from "../core/image/rgb.js";
import type { ImageSource } from "../records.js";
import { resizeBicubic } from "./bicubic.js";
import { checkModelFile } from "./modelFiles.js";

export interface ImageConfig {
  /** Pixels on a patch's side. */
  readonly patchSize: number;
  /** Frames in a patch; a still image is shown in each. */
  readonly temporalPatchSize: number;
  /** Patches on the side of what becomes one token. */
  readonly mergeSize: number;
  readonly minPixels: number;
  readonly maxPixels: number;
  readonly rescaleFactor: number;
  /** `[3]`, for values in 0 … 1. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** One image as the vision tower takes it. */
export interface ImagePatches {
  /** Patches along time, height and width; height and width are multiples of the merge size. */
  readonly grid: { readonly t: number; readonly h: number; readonly w: number };
  /** `[t·h·w, 3·temporal·patch·patch]`, the patches of one merged token contiguous */
  readonly patches: Float32Array;
}

export interface ResizeLimits {
  /** Pixels that both sides become multiples of. */
  readonly factor: number;
  readonly minPixels: number;
  readonly maxPixels: number;
}

/** Longest side over shortest. */
const MAX_RATIO = 200;

const side = z.int().positive();
const threeNumbers = z.array(z.number()).length(CHANNELS);
const configSchema = z.looseObject({
  patch_size: side.default(14),
  temporal_patch_size: side.default(2),
  merge_size: side.default(2),
  min_pixels: side.nullish(),
  max_pixels: side.nullish(),
  size: z.looseObject({ shortest_edge: side.nullish(), longest_edge: side.nullish() }).nullish(),
  resample: z.literal(3, "only bicubic resampling is implemented").nullish(),
  do_resize: z.literal(true).nullish(),
  do_rescale: z.literal(true).nullish(),
  do_normalize: z.literal(true).nullish(),
  rescale_factor: z
    .number()
    .positive()
    .default(1 / 255),
  image_mean: threeNumbers.default([0.48145466, 0.4578275, 0.40821073]),
  image_std: threeNumbers.default([0.26862954, 0.26130258, 0.27577711]),
});

/**
 * @param json the parsed `preprocessor_config.json`
 * @param where its path, for messages
 * @throws ModelError when it asks for something else than Qwen2-VL's processor does
 */
export function parseImageConfig(json: unknown, where: string): ImageConfig {
  const file = checkModelFile(configSchema, json, where);
  return {
    patchSize: file.patch_size,
    temporalPatchSize: file.temporal_patch_size,
    mergeSize: file.merge_size,
    minPixels: file.min_pixels ?? file.size?.shortest_edge ?? 56 * 56,
    maxPixels: file.max_pixels ?? file.size?.longest_edge ?? 28 * 28 * 1280,
    rescaleFactor: file.rescale_factor,
    mean: file.image_mean,
    std: file.image_std,
  };
}

/** Halves go to the even neighbour, as in Python. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const isUp = value - floor === 0.5 ? floor % 2 === 1 : value - floor > 0.5;
  return isUp ? floor + 1 : floor;
}

/**
 * The size an image is shown at: sides multiples of `factor`, area within the limits, ratio nearly kept.
 * @param where names the image in messages
 * @throws DataError when one side is more than 200 times the other
 */
export function smartResize(
  height: number,
  width: number,
  { factor, minPixels, maxPixels }: ResizeLimits,
  where = "smartResize",
): { height: number; width: number } {
  if (!(Math.min(height, width) > 0) || Math.max(height, width) / Math.min(height, width) > MAX_RATIO) {
    const advice = `sides may differ ${MAX_RATIO} times at most; crop or pad the image`;
    throw new DataError(`${where}: unsupported image size: ${width} × ${height} pixels; ${advice}`);
  }
  const rounded = {
    height: roundHalfEven(height / factor) * factor,
    width: roundHalfEven(width / factor) * factor,
  };
  const area = rounded.height * rounded.width;
  if (area > maxPixels) {
    const shrink = Math.sqrt((height * width) / maxPixels);
    const fitted = (length: number) => Math.max(factor, Math.floor(length / shrink / factor) * factor);
    return { height: fitted(height), width: fitted(width) };
  }
  if (area < minPixels) {
    const grow = Math.sqrt(minPixels / (height * width));
    const fitted = (length: number) => Math.ceil((length * grow) / factor) * factor;
    return { height: fitted(height), width: fitted(width) };
  }
  return rounded;
}

/** `[3][256]` What each byte of each channel becomes. */
function normalizedBytes({ rescaleFactor, mean, std }: ImageConfig): Float32Array[] {
  return mean.map((centre, c) =>
    Float32Array.from({ length: 256 }, (_, byte) => (byte * rescaleFactor - centre) / (std[c] as number)),
  );
}

/** Cuts an image whose sides are multiples of patch × merge into normalised patches. */
export function toPatches({ width, height, data }: RgbImage, config: ImageConfig): ImagePatches {
  const { patchSize, temporalPatchSize, mergeSize } = config;
  const [h, w] = [height / patchSize, width / patchSize];
  const tables = normalizedBytes(config);
  const patches = new Float32Array(h * w * CHANNELS * temporalPatchSize * patchSize ** 2);
  let at = 0;
  const writePatch = (row: number, column: number) => {
    for (const [c, table] of tables.entries()) {
      const frame = at;
      for (let y = 0; y < patchSize; y++) {
        let pixel = ((row * patchSize + y) * width + column * patchSize) * CHANNELS + c;
        for (let x = 0; x < patchSize; x++, pixel += CHANNELS) {
          patches[at++] = table[data[pixel] as number] as number;
        }
      }
      for (let t = 1; t < temporalPatchSize; t++, at += patchSize ** 2) {
        patches.copyWithin(at, frame, frame + patchSize ** 2);
      }
    }
  };
  for (let top = 0; top < h; top += mergeSize) {
    for (let left = 0; left < w; left += mergeSize) {
      for (let inner = 0; inner < mergeSize ** 2; inner++) {
        writePatch(top + Math.floor(inner / mergeSize), left + (inner % mergeSize));
      }
    }
  }
  return { grid: { t: 1, h, w }, patches };
}

/**
 * @param where names the sample in messages
 * @throws DataError when the image cannot be read, or is too long and thin
 */
export async function processImage(
  source: ImageSource,
  config: ImageConfig,
  where: string,
): Promise<ImagePatches> {
  const image = await readImage(source, where);
  const { minPixels, maxPixels } = config;
  const factor = config.patchSize * config.mergeSize;
  const size = smartResize(image.height, image.width, { factor, minPixels, maxPixels }, where);
  return toPatches(resizeBicubic(image, size), config);
}
