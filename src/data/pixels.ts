/**
 * @module Tokens that images take, and images brought within limits.
 */
import { encodePng, imageSize, readImage } from "../core/image/decode.js";
import { resizeBicubic } from "../model/bicubic.js";
import { type ImageConfig, smartResize } from "../model/imageProcessor.js";
import type { ImageSize, ImageSource } from "../records.js";

/** Pixel limits as a config gives them; null: the model's own. */
export interface ImageLimits {
  readonly minPixels: number | null;
  readonly maxPixels: number | null;
}

/** The model's image settings with other limits. */
export function withImageLimits<P extends { readonly image: ImageConfig }>(
  processor: P,
  limits: ImageLimits,
): P {
  const image = {
    ...processor.image,
    minPixels: limits.minPixels ?? processor.image.minPixels,
    maxPixels: limits.maxPixels ?? processor.image.maxPixels,
  };
  return { ...processor, image };
}

/**
 * The size an image is brought to before anything else, as the released code does it: shrunk if it is too large, then
 * enlarged if it is too small. Sides are cut to whole pixels, which can leave the area just under `minPixels`.
 */
export function limitedSize({ width, height }: ImageSize, { minPixels, maxPixels }: ImageLimits): ImageSize {
  const scaledTo = (pixels: number, size: ImageSize): ImageSize => {
    const factor = Math.sqrt(pixels / (size.width * size.height));
    const side = (length: number) => Math.max(1, Math.trunc(length * factor));
    return { width: side(size.width), height: side(size.height) };
  };
  const area = (size: ImageSize) => size.width * size.height;
  const given = { width, height };
  const shrunk = maxPixels !== null && area(given) > maxPixels ? scaledTo(maxPixels, given) : given;
  return minPixels !== null && area(shrunk) < minPixels ? scaledTo(minPixels, shrunk) : shrunk;
}

/**
 * Tokens an image takes in a prompt: brought within the limits, then to whole merged patches.
 * @throws DataError when it is too long and thin for the model
 */
export function imageTokens(size: ImageSize, config: ImageConfig, limits: ImageLimits): number {
  const { width, height } = limitedSize(size, limits);
  const factor = config.patchSize * config.mergeSize;
  const { minPixels, maxPixels } = config;
  const shown = smartResize(height, width, { factor, minPixels, maxPixels }, "image");
  return (shown.height / factor) * (shown.width / factor);
}

/**
 * The image, or where its size is outside the limits a PNG of it that is within them, so that it is transformed and kept
 * at the size it is read at: bicubic, as the released code makes it.
 * @param where names the sample in messages
 * @throws DataError when it cannot be read or decoded
 */
export async function fitImage(
  source: ImageSource,
  limits: ImageLimits,
  where: string,
): Promise<ImageSource> {
  if (limits.minPixels === null && limits.maxPixels === null) return source;
  const size = await imageSize(source, where);
  const fitted = limitedSize(size, limits);
  if (fitted.width === size.width && fitted.height === size.height) return source;
  const resized = resizeBicubic(await readImage(source, where), fitted);
  return { kind: "bytes", bytes: await encodePng(resized) };
}
