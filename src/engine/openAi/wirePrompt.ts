/**
 * @module Prompts as token routes take them: one placeholder an image beside its PNG, at the size it is shown at, so that
 * the server's own resize keeps it; and the tokens that the server must then have read.
 */
import { encodePng } from "../../core/image/decode.js";
import { imagesOf, promptTokens, showImage } from "../../model/patchPrompt.js";
import type { Processor } from "../../model/processor.js";
import type { Prompt } from "../../records.js";

export interface WirePrompt {
  /** One token an image. */
  readonly short: readonly number[];
  /** One token a merged patch. */
  readonly expanded: readonly number[];
  /** Of the expanded tokens, those of images. */
  readonly imageTokens: number;
  /** Data URLs, in order. */
  readonly images: readonly string[];
  /** Folder that words and images were read by, for messages. */
  readonly processor: string;
}

/** @throws DataError when an image cannot be decoded */
export async function wirePrompt(
  prompt: Prompt,
  { imageToken, dir }: Pick<Processor, "imageToken" | "dir">,
): Promise<WirePrompt> {
  const shown = imagesOf(prompt);
  const pngs = await Promise.all(
    shown.map(async ({ piece, name }) => encodePng(await showImage(piece, name))),
  );
  return {
    short: prompt.pieces.flatMap((piece) =>
      piece.kind === "tokens" ? Array.from(piece.tokens) : [imageToken],
    ),
    expanded: Array.from(promptTokens(prompt, imageToken)),
    imageTokens: shown.reduce((sum, { piece }) => sum + piece.tokens, 0),
    images: pngs.map((png) => `data:image/png;base64,${Buffer.from(png).toString("base64")}`),
    processor: dir,
  };
}
