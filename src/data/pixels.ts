/**
 * @module Sizes of images from their headers, and large ones made smaller while they are decoded.
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
 * The image, or where it has more than `maxPixels` a smaller PNG of it. JPEG and WebP are shrunk while they are decoded,
 * so the large bitmap never exists.
 */
export async function fitImage(source: ImageSource, maxPixels: number): Promise<ImageSource> {
  const { width, height } = await imageSize(source);
  if (width * height <= maxPixels) return source;
  const scale = Math.sqrt(maxPixels / (width * height));
  const to = { width: Math.trunc(width * scale), height: Math.trunc(height * scale) };
  const input = source.kind === "path" ? source.path : source.bytes;
  const small = sharp(input)
    .autoOrient()
    .resize({ ...to, fit: "fill", kernel: "cubic" });
  return { kind: "bytes", bytes: new Uint8Array(await small.png({ compressionLevel: 1 }).toBuffer()) };
}
