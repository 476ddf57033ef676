/**
 * @module Sizes of images from their headers, and images brought within limits while they are decoded.
 */
import sharp from "sharp";
import { DataError, messageOf } from "../core/errors.js";
import { type ImageConfig, smartResize } from "../model/imageProcessor.js";
import type { ImageSource } from "../records.js";

/** As it is looked at: turned by its EXIF orientation. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** What sharp decodes at most; larger ones are refused before that. */
export const MOST_PIXELS = 0x3fff * 0x3fff;

/**
 * Reads the header only.
 * @throws DataError when there is no such file, or it is no image
 */
export async function imageSize(source: ImageSource): Promise<ImageSize> {
  const input = source.kind === "path" ? source.path : source.bytes;
  const name = source.kind === "path" ? source.path : `of ${source.bytes.length} bytes`;
  try {
    const { width, height, orientation = 1 } = await sharp(input).metadata();
    // EXIF orientations 5 to 8 lie on their side.
    return orientation > 4 ? { width: height, height: width } : { width, height };
  } catch (cause) {
    throw new DataError(`image ${name}: ${messageOf(cause)}`, { cause });
  }
}

/** Tokens an image takes in a prompt. @throws DataError when it is too long and thin for the model */
export function imageTokens({ width, height }: ImageSize, config: ImageConfig): number {
  const factor = config.patchSize * config.mergeSize;
  const { minPixels, maxPixels } = config;
  const size = smartResize(height, width, { factor, minPixels, maxPixels }, "image");
  return (size.height / factor) * (size.width / factor);
}

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
 * The image, or where its size is outside the limits a PNG of it that is within them, so that it is transformed and kept
 * at the size it is read at. JPEG and WebP are shrunk while they are decoded: the large bitmap never exists.
 */
export async function fitImage(source: ImageSource, limits: ImageLimits): Promise<ImageSource> {
  if (limits.minPixels === null && limits.maxPixels === null) return source;
  const size = await imageSize(source);
  const fitted = limitedSize(size, limits);
  if (fitted.width === size.width && fitted.height === size.height) return source;
  const input = source.kind === "path" ? source.path : source.bytes;
  const resized = sharp(input)
    .autoOrient()
    .resize({ ...fitted, fit: "fill", kernel: "cubic" });
  return { kind: "bytes", bytes: new Uint8Array(await resized.png({ compressionLevel: 1 }).toBuffer()) };
}
