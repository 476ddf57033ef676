/**
 * @module How many tokens a question takes as a prompt, from its words and the headers of its images.
 */
import type { Processor } from "../model/processor.js";
import { promptText } from "../model/prompt.js";

/** Tokens of a prompt whose i-th image takes `imageTokens[i]`. @throws DataError when the words hold a control token */
export function exactPromptLength(
  processor: Processor,
  text: string,
  imageTokens: readonly number[],
): number {
  const words = processor.encode(promptText(processor, text, "prompt")).length;
  return words + imageTokens.reduce((sum, tokens) => sum + tokens - 1, 0);
}

/** Bytes that a chat template writes around a text and each of its images, at most. */
const TEMPLATE_BYTES = 1024;

/**
 * An upper bound that costs next to nothing: byte-level vocabularies make no more tokens than there are bytes. Used to
 * tell quickly which prompts are surely short enough.
 */
export function promptLengthBound(text: string, imageTokens: readonly number[]): number {
  const words = Buffer.byteLength(text) + TEMPLATE_BYTES * (1 + imageTokens.length / 8);
  return words + imageTokens.reduce((sum, tokens) => sum + tokens, 0);
}
