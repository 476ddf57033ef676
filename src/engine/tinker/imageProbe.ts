/**
 * @module Whether a server sees pictures. Some take an image chunk, answer 200, and read the text alone; so two
 * different pictures are shown before the same words, and the words must not be equally likely after both.
 */
import sharp from "sharp";
import { ModelError, ServerError } from "../../core/errors.js";
import { datumOf, type WirePrompt } from "./datum.js";
import type { FutureWatch } from "./futures.js";
import type { TrainingModel } from "./model.js";
import type { Chunk } from "./wire.js";

export interface ImageProbe {
  /** Side of the two square pictures, pixels: one that the server's resize keeps. */
  readonly side: number;
  /** Tokens that such a picture takes. */
  readonly tokens: number;
  /** Stands for a picture's places. */
  readonly imageToken: number;
  /** Tokens around a picture. */
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** A picture of one colour, as a chunk. */
async function flatChunk(grey: number, { side, tokens }: ImageProbe): Promise<Chunk> {
  const background = { r: grey, g: grey, b: grey };
  const png = await sharp({ create: { width: side, height: side, channels: 3, background } })
    .png()
    .toBuffer();
  return { type: "image", data: png.toString("base64"), format: "png", expected_tokens: tokens };
}

async function probePrompt(grey: number, probe: ImageProbe): Promise<WirePrompt> {
  const { before, after, tokens, imageToken } = probe;
  const pads = new Array<number>(tokens).fill(imageToken);
  return {
    chunks: [
      { type: "encoded_text", tokens: before },
      await flatChunk(grey, probe),
      { type: "encoded_text", tokens: after },
    ],
    tokens: Int32Array.from([...before, ...pads, ...after]),
  };
}

/** What became of the pictures: `seen`, `ignored`, or why the server refused them. */
export type ImageVerdict = "seen" | "ignored" | { readonly refused: string };

/** @throws ServerError when the server cannot be reached */
export async function probeImages(
  model: TrainingModel,
  probe: ImageProbe,
  watch?: FutureWatch,
): Promise<ImageVerdict> {
  const response = Int32Array.from(probe.after.slice(0, 1));
  const prompts = await Promise.all([0, 255].map((grey) => probePrompt(grey, probe)));
  try {
    const data = prompts.map((prompt) => datumOf(prompt, response));
    const [black, white] = await model.forward({ data, loss: "cross_entropy" }, watch);
    return black?.logProbs.at(-1) === white?.logProbs.at(-1) ? "ignored" : "seen";
  } catch (error) {
    if (!(error instanceof ServerError) || error.isOutage) throw error;
    return { refused: error.message };
  }
}

/** @throws ModelError unless the server sees pictures */
export function requireImages(verdict: ImageVerdict, server: string): void {
  if (verdict === "seen") return;
  const found =
    verdict === "ignored"
      ? "ignores images: a prompt with a black picture and one with a white picture are the same to it"
      : `refuses images: ${verdict.refused}`;
  throw new ModelError(
    `${server}: ${found}; train on text (data without images), or on a server that reads them, such as SkyRL's FSDP backend`,
  );
}
