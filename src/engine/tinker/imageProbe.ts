/**
 * @module Whether a server sees images. Some take an image chunk, answer 200, and read the text alone; so a prompt is
 * read with its images black and with them white, and what follows must not be equally likely after both.
 */
import sharp from "sharp";
import { ModelError, ServerError } from "../../core/errors.js";
import type { Prompt } from "../../records.js";
import type { Watch } from "../engine.js";
import { datumOf, type WirePrompt } from "./datum.js";
import type { FutureWatch } from "./futures.js";
import type { TrainingModel } from "./model.js";
import type { WirePrompts } from "./prompts.js";
import type { Chunk } from "./wire.js";

/** What became of the images: `seen`, `ignored`, or why the server refused them. */
export type ImageVerdict = "seen" | "ignored" | { readonly refused: string };

/** The same prompt with every image a flat one of its size. */
async function flattened({ chunks, tokens }: WirePrompt, grey: number): Promise<WirePrompt> {
  const flat = chunks.map(async (chunk): Promise<Chunk> => {
    if (chunk.type !== "image") return chunk;
    const { width, height } = await sharp(Buffer.from(chunk.data, "base64")).metadata();
    const background = { r: grey, g: grey, b: grey };
    const png = await sharp({ create: { width, height, channels: 3, background } })
      .png()
      .toBuffer();
    return { ...chunk, data: png.toString("base64") };
  });
  return { chunks: await Promise.all(flat), tokens };
}

/**
 * @param prompt with at least one image
 * @throws ServerError when the server cannot be reached
 */
export async function probeImages(
  model: TrainingModel,
  prompt: WirePrompt,
  watch?: FutureWatch,
): Promise<ImageVerdict> {
  const response = prompt.tokens.slice(-1);
  try {
    const flat = await Promise.all([0, 255].map((grey) => flattened(prompt, grey)));
    const data = flat.map((each) => datumOf(each, response));
    const [black, white] = await model.forward({ data, loss: "cross_entropy" }, watch);
    return black?.logProbs.at(-1) === white?.logProbs.at(-1) ? "ignored" : "seen";
  } catch (error) {
    if (!(error instanceof ServerError) || error.isOutage) throw error;
    return { refused: error.message };
  }
}

/** @throws ModelError unless the server sees images */
export function requireImages(verdict: ImageVerdict, server: string): void {
  if (verdict === "seen") return;
  const found =
    verdict === "ignored"
      ? "ignores images: a prompt with a black image and one with a white image are the same to it"
      : `refuses images: ${verdict.refused}`;
  throw new ModelError(
    `${server}: ${found}; train on text (data without images), or on a server that reads them, such as SkyRL's FSDP backend`,
  );
}

/** A check of prompts before they are sent: the first with an image tries the server, once. */
export function checkImages(server: string, prompts: WirePrompts) {
  let verdict: Promise<ImageVerdict> | undefined;
  return async (model: TrainingModel, asked: readonly Prompt[], watch?: Watch): Promise<void> => {
    const [first] = asked.filter(({ pieces }) => pieces.some(({ kind }) => kind === "image"));
    if (!first) return;
    verdict ??= probeImages(model, await prompts.read(first), { signal: watch?.signal });
    requireImages(await verdict, server);
  };
}
