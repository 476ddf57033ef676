/**
 * @module A question's words and images to the pieces the policy is asked with.
 *
 * Each `<image>` marker becomes an image part of the user's message; the chat template writes one image token for
 * it, and there the prompt holds the image itself with the number of tokens it takes.
 */
import { DataError, ModelError, messageOf } from "../core/errors.js";
import { sha256 } from "../core/files/digest.js";
import { imageSize } from "../core/image/decode.js";
import type { ImageSource, Prompt, PromptPiece } from "../records.js";
import type { ChatMessage, ChatPart } from "./chatTemplate.js";
import { type ImageConfig, smartResize } from "./imageProcessor.js";
import { IMAGE_TOKEN, type Processor } from "./processor.js";

/** Where an image stands in a question's words. */
export const IMAGE_MARKER = "<image>";

/** How many images a text speaks of. */
export function countMarkers(text: string): number {
  return text.split(IMAGE_MARKER).length - 1;
}

type ImagePiece = Extract<PromptPiece, { kind: "image" }>;

/** What messages call an image of a sample. */
export function imageName(where: string, at: number, count: number): string {
  return count === 1 ? where : `${where}, image ${at + 1}`;
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

/** An image with the size it is shown at, from its header alone. */
async function imagePiece(
  source: ImageSource,
  { patchSize, mergeSize, minPixels, maxPixels }: ImageConfig,
  where: string,
): Promise<ImagePiece> {
  const factor = patchSize * mergeSize;
  const { width, height } = await imageSize(source).catch((cause: unknown) => {
    throw new DataError(`${where}: ${messageOf(cause)}`, { cause });
  });
  const size = smartResize(height, width, { factor, minPixels, maxPixels }, where);
  const tokens = (size.height / factor) * (size.width / factor);
  const digest = sha256(source.kind === "bytes" ? source.bytes : source.path);
  return { kind: "image", image: source, digest, size, tokens };
}

/** Stretches of text between image tokens, with the images in their places. */
function piecesOf(
  short: Int32Array,
  imageToken: number,
  images: readonly ImagePiece[],
): readonly PromptPiece[] {
  const pieces: PromptPiece[] = [];
  let first = 0;
  for (const image of images) {
    const at = short.indexOf(imageToken, first);
    if (at > first) pieces.push({ kind: "tokens", tokens: short.slice(first, at) });
    pieces.push(image);
    first = at + 1;
  }
  if (first < short.length) pieces.push({ kind: "tokens", tokens: short.slice(first) });
  return pieces;
}

/** Digest of what a prompt says and shows. */
function idOf(pieces: readonly PromptPiece[]): string {
  const said = pieces.map((piece) =>
    piece.kind === "tokens"
      ? piece.tokens.join()
      : `${piece.digest} ${piece.size.width}x${piece.size.height} ${piece.tokens}`,
  );
  return sha256(said.join("\n"));
}

/** Tokens of a prompt, those of its images included. */
export function promptLength({ pieces }: Prompt): number {
  return pieces.reduce(
    (sum, piece) => sum + (piece.kind === "tokens" ? piece.tokens.length : piece.tokens),
    0,
  );
}

/** A prompt of tokens alone. */
export function tokenPrompt(tokens: Int32Array, name: string): Prompt {
  const pieces = [{ kind: "tokens", tokens }] as const;
  return { id: idOf(pieces), name, pieces };
}

/**
 * A question as engines take it, the assistant's turn begun; of images the headers are read.
 * @param question words with one `<image>` marker per image, and the images
 * @param where names the sample in messages: `"question 12, variant 1"`
 * @throws DataError when markers and images differ in number, the words hold a special token, or an image's header
 *   cannot be read
 * @throws ModelError when the model's chat template loses or adds images
 */
export async function buildPrompt(
  processor: Processor,
  { text, images }: { readonly text: string; readonly images: readonly ImageSource[] },
  where: string,
): Promise<Prompt> {
  const markers = countMarkers(text);
  if (markers !== images.length) {
    const counts = `${markers} ${IMAGE_MARKER} markers, ${images.length} images`;
    throw new DataError(`${where}: invalid question: ${counts}; give one marker for each image`);
  }
  return promptOf(processor, promptText(processor, text, where), images, where);
}

/**
 * A conversation as engines take it, the assistant's turn begun.
 * @param images those of all messages, in order
 * @throws as `buildPrompt`
 */
export async function conversationPrompt(
  processor: Processor,
  messages: readonly ChatMessage[],
  images: readonly ImageSource[],
  where: string,
): Promise<Prompt> {
  for (const { content } of messages) {
    const parts = typeof content === "string" ? [{ type: "text", text: content } as const] : content;
    for (const part of parts) if (part.type === "text") refuseSpecialTokens(processor, part.text, where);
  }
  return promptOf(processor, processor.chatTemplate.render(messages, true), images, where);
}

function promptOf(
  processor: Processor,
  text: string,
  images: readonly ImageSource[],
  where: string,
): Promise<Prompt> {
  return promptOfTokens(processor, processor.encode(text), images, where);
}

/**
 * A prompt of tokens with one image token per image.
 * @throws as `buildPrompt`
 */
export async function promptOfTokens(
  processor: Pick<Processor, "image" | "imageToken" | "chatTemplate">,
  short: Int32Array,
  images: readonly ImageSource[],
  where: string,
): Promise<Prompt> {
  const slots = short.filter((token) => token === processor.imageToken).length;
  if (slots !== images.length) {
    const problem = `wrote ${slots} × ${IMAGE_TOKEN} for ${images.length} images`;
    throw new ModelError(`${where}: unsupported chat template: ${processor.chatTemplate.path} ${problem}`);
  }
  const shown = await Promise.all(
    images.map((image, at) => imagePiece(image, processor.image, imageName(where, at, images.length))),
  );
  const pieces = piecesOf(short, processor.imageToken, shown);
  return { id: idOf(pieces), name: where, pieces };
}
