/**
 * @module A question's words and images to the tokens and patches the policy is asked with.
 *
 * Each `<image>` marker becomes an image part of the user's message; the chat template writes one image token for
 * it, which is then repeated once for each merged patch of that image.
 */
import { DataError, ModelError } from "../core/errors.js";
import { zip } from "../core/zip.js";
import type { ImageSource } from "../records.js";
import type { ChatPart } from "./chatTemplate.js";
import { type ImagePatches, processImage } from "./imageProcessor.js";
import { IMAGE_TOKEN, type Processor } from "./processor.js";

/** Where an image stands in a question's words. */
export const IMAGE_MARKER = "<image>";

/** A question as the network takes it, the assistant's turn begun. */
export interface Prompt {
  /** `[S]` */
  readonly tokens: Int32Array;
  /** In the order of their tokens. */
  readonly images: readonly ImagePatches[];
}

/** Words between markers; empty ones say nothing and are dropped. */
function contentOf(text: string): ChatPart[] {
  return text
    .split(IMAGE_MARKER)
    .flatMap((words, at): ChatPart[] => [
      ...(at > 0 ? [{ type: "image" } as const] : []),
      ...(words === "" ? [] : [{ type: "text", text: words } as const]),
    ]);
}

/** Words that look like a special token would end a turn or stand for an image. */
function refuseSpecialTokens(processor: Processor, text: string, where: string): void {
  const found = [...processor.specialTokens.keys()].filter((token) => text.includes(token));
  if (found.length > 0) {
    const advice = "it would be read as a control token; reword the text";
    throw new DataError(`${where}: invalid text: contains ${found.join(", ")}; ${advice}`);
  }
}

/** The words of a prompt, one image token per image: what the chat template makes of a user's message. */
export function promptText(processor: Processor, text: string, where: string): string {
  refuseSpecialTokens(processor, text, where);
  return processor.chatTemplate.render([{ role: "user", content: contentOf(text) }], true);
}

/** Tokens that an image takes in a prompt. */
export function imageTokenCount({ grid }: ImagePatches, mergeSize: number): number {
  return (grid.t * grid.h * grid.w) / mergeSize ** 2;
}

/** Repeats the i-th image token `counts[i]` times. */
function repeatImageTokens(tokens: Int32Array, imageToken: number, counts: readonly number[]): Int32Array {
  let next = 0;
  return Int32Array.from(
    Array.from(tokens).flatMap((token) =>
      token === imageToken ? new Array<number>(counts[next++] ?? 0).fill(token) : [token],
    ),
  );
}

/**
 * @param question words with one `<image>` marker per image, and the images
 * @param where names the sample in messages: `"question 12, variant 1"`
 * @throws DataError when markers and images differ in number, the words hold a special token, or an image is unusable
 * @throws ModelError when the model's chat template loses or adds images
 */
export async function buildPrompt(
  processor: Processor,
  { text, images }: { readonly text: string; readonly images: readonly ImageSource[] },
  where: string,
): Promise<Prompt> {
  const markers = text.split(IMAGE_MARKER).length - 1;
  if (markers !== images.length) {
    const counts = `${markers} ${IMAGE_MARKER} markers, ${images.length} images`;
    throw new DataError(`${where}: invalid question: ${counts}; give one marker for each image`);
  }
  const short = processor.encode(promptText(processor, text, where));
  const slots = short.filter((token) => token === processor.imageToken).length;
  if (slots !== images.length) {
    const problem = `wrote ${slots} × ${IMAGE_TOKEN} for ${images.length} images`;
    throw new ModelError(`${where}: unsupported chat template: ${processor.chatTemplate.path} ${problem}`);
  }
  const names = images.map((_, at) => (images.length === 1 ? where : `${where}, image ${at + 1}`));
  const patches = await Promise.all(
    zip(images, names).map(([image, name]) => processImage(image, processor.image, name)),
  );
  const counts = patches.map((image) => imageTokenCount(image, processor.image.mergeSize));
  const prompt = { tokens: repeatImageTokens(short, processor.imageToken, counts), images: patches };
  checkImageTokens(prompt, processor, where);
  return prompt;
}

/** @throws ModelError when image tokens and merged image features differ in number */
export function checkImageTokens({ tokens, images }: Prompt, processor: Processor, where: string): void {
  const held = tokens.filter((token) => token === processor.imageToken).length;
  const counts = images.map((image) => imageTokenCount(image, processor.image.mergeSize));
  const features = counts.reduce((sum, count) => sum + count, 0);
  if (held !== features || !counts.every(Number.isInteger)) {
    const grids = images.map(({ grid }) => `${grid.t}×${grid.h}×${grid.w}`).join(", ") || "none";
    throw new ModelError(
      `${where}: invalid prompt: ${held} image tokens, ${features} image features (${grids})`,
    );
  }
}
