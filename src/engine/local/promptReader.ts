/**
 * @module Prompts as the network takes them: each distinct image is decoded and resized once, and its pixels are kept
 * while there is room. Patches, eight times as large, are made anew for every batch.
 */
import type { RgbImage } from "../../core/image/rgb.js";
import { imagesOf, type PatchedPrompt, patchPrompt, showImage } from "../../model/patchPrompt.js";
import type { Processor } from "../../model/processor.js";
import type { Prompt } from "../../records.js";

/** Reads prompts for a batch. @throws DataError when an image cannot be decoded; ModelError when it does not fit */
export type PromptReader = (prompts: readonly Prompt[]) => Promise<PatchedPrompt[]>;

/** Bytes of resized pixels kept by default: 170 images of 1000 × 1000. */
const KEPT_BYTES = 2 ** 29;

/** @param keptBytes bytes of resized pixels kept, those used longest ago dropped first */
export function createPromptReader(
  processor: Pick<Processor, "image" | "imageToken">,
  keptBytes: number = KEPT_BYTES,
): PromptReader {
  const kept = new Map<string, RgbImage>();
  let bytes = 0;

  const keep = (key: string, image: RgbImage) => {
    bytes += image.data.length - (kept.get(key)?.data.length ?? 0);
    kept.delete(key);
    kept.set(key, image);
    for (const [oldest, { data }] of kept) {
      if (bytes <= keptBytes || oldest === key) break;
      kept.delete(oldest);
      bytes -= data.length;
    }
  };

  const shown = async ({ piece, name }: ReturnType<typeof imagesOf>[number]): Promise<RgbImage> => {
    const key = `${piece.digest} ${piece.size.width}x${piece.size.height}`;
    const image = kept.get(key) ?? (await showImage(piece, name));
    keep(key, image);
    return image;
  };

  return async (prompts) => {
    const patched: PatchedPrompt[] = [];
    for (const prompt of prompts) {
      const images: RgbImage[] = [];
      for (const image of imagesOf(prompt)) images.push(await shown(image));
      patched.push(patchPrompt(prompt, images, processor));
    }
    return patched;
  };
}
