/**
 * @module Whether a server sees images. Some take an image chunk, answer 200, and read the text alone; so a prompt is
 * read with its images black and with them white, and what follows must not be equally likely after both.
 */
import sharp from "sharp";
import { ModelError, ServerError } from "../../core/errors.js";
import { flatImage, TRIAL_SIDE } from "../../core/image/flat.js";
import type { Prompt } from "../../records.js";
import type { Watch } from "../engine.js";
import type { SampleCall, TinkerClient } from "./client.js";
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
    return { ...chunk, data: await flatImage(width, height, grey) };
  });
  return { chunks: await Promise.all(flat), tokens };
}

async function unlessRefused(attempt: () => Promise<ImageVerdict>): Promise<ImageVerdict> {
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof ServerError) || error.isOutage) throw error;
    return { refused: error.message };
  }
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
  return unlessRefused(async () => {
    const flat = await Promise.all([0, 255].map((grey) => flattened(prompt, grey)));
    const data = flat.map((each) => datumOf(each, response));
    const [black, white] = await model.forward({ data, loss: "cross_entropy" }, watch);
    return black?.logProbs.at(-1) === white?.logProbs.at(-1) ? "ignored" : "seen";
  });
}

/**
 * The same of a server whose model is not at hand: how many tokens an image takes is left to it, and two answers are
 * compared instead of two readings. The same seed draws both.
 * @throws ServerError when the server cannot be reached
 */
export async function probeSampledImages(client: TinkerClient, of: SampleCall["of"]): Promise<ImageVerdict> {
  const text = (token: number) => ({ type: "encoded_text", tokens: [token] }) as const;
  const answerTo = async (grey: number) => {
    const data = await flatImage(TRIAL_SIDE, TRIAL_SIDE, grey);
    const image = { type: "image", data, format: "png", expected_tokens: null } as const;
    const chunks = [text(1), image, text(2)];
    const params = { max_tokens: 4, temperature: 1, top_p: 1, top_k: -1, seed: 1 };
    const { sequences } = await client.sample({ prompt: { chunks }, samples: 1, params, of });
    return JSON.stringify(sequences);
  };
  return unlessRefused(async () => ((await answerTo(0)) === (await answerTo(255)) ? "ignored" : "seen"));
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
