/**
 * @module A prompt's pieces to what the network reads: every image token written out, and patches of every image.
 */
import { ModelError } from "../core/errors.js";
import { readImage } from "../core/image/decode.js";
import type { RgbImage } from "../core/image/rgb.js";
import { zip } from "../core/zip.js";
import type { Prompt, PromptPiece } from "../records.js";
import { resizeBicubic } from "./bicubic.js";
import { type ImageConfig, type ImagePatches, toPatches } from "./imageProcessor.js";
import type { Processor } from "./processor.js";
import { imageName } from "./prompt.js";

/** A prompt as the network takes it. */
export interface PatchedPrompt {
  /** `[S]`, one image token per merged patch */
  readonly tokens: Int32Array;
  /** In the order of their tokens. */
  readonly images: readonly ImagePatches[];
}

type ImagePiece = Extract<PromptPiece, { kind: "image" }>;

/** The images of a prompt with what messages call them. */
export function imagesOf({ pieces, name }: Prompt): { readonly piece: ImagePiece; readonly name: string }[] {
  const images = pieces.flatMap((piece) => (piece.kind === "image" ? [piece] : []));
  return images.map((piece, at) => ({ piece, name: imageName(name, at, images.length) }));
}

/** An image at the size it is shown at. @throws DataError when it cannot be decoded */
export async function showImage({ image, size }: ImagePiece, where: string): Promise<RgbImage> {
  return resizeBicubic(await readImage(image, where), size);
}

/** Tokens of a prompt, each image's repeated once for each merged patch. `[S]` */
export function promptTokens({ pieces }: Prompt, imageToken: number): Int32Array {
  const runs = pieces.map((piece) =>
    piece.kind === "tokens" ? piece.tokens : new Int32Array(piece.tokens).fill(imageToken),
  );
  const tokens = new Int32Array(runs.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const run of runs) {
    tokens.set(run, at);
    at += run.length;
  }
  return tokens;
}

/** @throws ModelError when an image gives another number of features than the prompt has tokens for it */
function checkFeatures({ grid }: ImagePatches, tokens: number, { mergeSize }: ImageConfig, where: string) {
  const features = (grid.t * grid.h * grid.w) / mergeSize ** 2;
  if (features === tokens) return;
  throw new ModelError(
    `${where}: invalid prompt: ${tokens} image tokens, ${features} image features (${grid.t}×${grid.h}×${grid.w})`,
  );
}

/**
 * @param shown the prompt's images at the sizes its pieces name, in order
 * @throws ModelError when image tokens and merged image features differ in number
 */
export function patchPrompt(
  prompt: Prompt,
  shown: readonly RgbImage[],
  { image, imageToken }: Pick<Processor, "image" | "imageToken">,
): PatchedPrompt {
  const images = zip(imagesOf(prompt), shown).map(([{ piece, name }, picture]) => {
    const patches = toPatches(picture, image);
    checkFeatures(patches, piece.tokens, image, name);
    return patches;
  });
  return { tokens: promptTokens(prompt, imageToken), images };
}
