/**
 * @module The images of a row, looked at before training: each is read once, for its size, its digest, and whether its
 * pixels can be decoded.
 */
import { DataError } from "../core/errors.js";
import { sha256 } from "../core/files/digest.js";
import { fileState } from "../core/files/fileState.js";
import { checkPixels, imageBytes, imageSize, MOST_PIXELS } from "../core/image/decode.js";

import type { ImageSize, ImageSource } from "../records.js";
import type { Problem } from "./question.js";

/** How images are looked at: their headers, or every pixel, which finds files that are cut off or damaged. */
export type ImageCheck = "headers" | "pixels";

/** A file that a row names. */
export interface SeenFile {
  readonly path: string;
  /** As `fileState` tells. */
  readonly state: string;
}

export interface SeenImages {
  readonly sizes: readonly ImageSize[];
  /** SHA-256 of the bytes of each. */
  readonly digests: readonly string[];
  /** Those that are files. */
  readonly files: readonly SeenFile[];
}

/** Sizes of images that were found good, by the SHA-256 of their bytes: rows share images. */
export type GoodImages = Map<string, ImageSize>;

/** @throws DataError when it cannot be read or decoded */
async function lookAt(bytes: Uint8Array, check: ImageCheck, path?: string): Promise<ImageSize | Problem> {
  const source = { kind: "bytes", bytes } as const;
  const size = await imageSize(source, path);
  const { width, height } = size;
  if (width * height > MOST_PIXELS) {
    return { reason: "image too large to decode", detail: `${width} × ${height} pixels` };
  }
  if (check === "pixels") await checkPixels(source, path);
  return size;
}

/**
 * @param good read, and added to
 * @returns what was seen, or what is wrong with the first image that cannot be used
 */
export async function seeImages(
  images: readonly ImageSource[],
  check: ImageCheck,
  good: GoodImages,
): Promise<SeenImages | Problem> {
  const [sizes, digests, files]: [ImageSize[], string[], SeenFile[]] = [[], [], []];
  for (const image of images) {
    const path = image.kind === "path" ? image.path : undefined;
    try {
      const state = path === undefined ? undefined : await fileState(path);
      const bytes = await imageBytes(image);
      const digest = sha256(bytes);
      const size = good.get(digest) ?? (await lookAt(bytes, check, path));
      if ("reason" in size) return size;
      good.set(digest, size);
      sizes.push(size);
      digests.push(digest);
      if (path !== undefined && state !== undefined) files.push({ path, state });
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      return { reason: "unusable image", detail: error.message };
    }
  }
  return { sizes, digests, files };
}
