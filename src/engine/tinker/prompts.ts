/**
 * @module Prompts as the wire takes them: images at the size they are shown at, so that the server's own resize keeps
 * them, and as PNG, since two JPEG encodings would be two policies.
 */
import { encodePng } from "../../core/image/decode.js";
import { imagesOf, promptTokens, showImage } from "../../model/patchPrompt.js";
import type { Prompt } from "../../records.js";
import type { WirePrompt } from "./datum.js";
import type { Chunk } from "./wire.js";

export interface WirePrompts {
  /** @throws DataError when an image cannot be decoded */
  read(prompt: Prompt): Promise<WirePrompt>;
  /** Lets go of what it keeps; prompts come back within a rollout step, and seldom later. */
  forget(): void;
}

/** @param imageToken stands for an image's places in the targets */
export function createWirePrompts(imageToken: number): WirePrompts {
  const images = new Map<string, Promise<Chunk>>();
  const prompts = new Map<string, Promise<WirePrompt>>();

  const imageChunk = async ({ piece, name }: ReturnType<typeof imagesOf>[number]): Promise<Chunk> => {
    const png = await encodePng(await showImage(piece, name));
    const data = Buffer.from(png).toString("base64");
    return { type: "image", data, format: "png", expected_tokens: piece.tokens };
  };

  const once = <Value>(kept: Map<string, Promise<Value>>, key: string, make: () => Promise<Value>) => {
    const known = kept.get(key) ?? make();
    kept.set(key, known);
    return known;
  };

  const read = async (prompt: Prompt): Promise<WirePrompt> => {
    const shown = imagesOf(prompt);
    const chunks = prompt.pieces.map((piece): Promise<Chunk> | Chunk => {
      if (piece.kind === "tokens") return { type: "encoded_text", tokens: Array.from(piece.tokens) };
      const named = shown.shift() as (typeof shown)[number];
      const key = `${piece.digest} ${piece.size.width}x${piece.size.height}`;
      return once(images, key, () => imageChunk(named));
    });
    return { chunks: await Promise.all(chunks), tokens: promptTokens(prompt, imageToken) };
  };

  return {
    read: (prompt) => once(prompts, prompt.id, () => read(prompt)),
    forget() {
      images.clear();
      prompts.clear();
    },
  };
}
