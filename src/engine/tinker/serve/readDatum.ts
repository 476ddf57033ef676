/**
 * @module Data of the wire as readings of ours: a prompt, everything before the first target that has weight, and a
 * response, the rest. A response holds text only.
 */
import { sha256 } from "../../../core/files/digest.js";
import { imageSize } from "../../../core/image/decode.js";
import { type ImageConfig, smartResize } from "../../../model/imageProcessor.js";
import { loadNetwork } from "../../../model/load.js";
import { loadProcessor } from "../../../model/processor.js";
import type { Prompt, PromptPiece } from "../../../records.js";
import type { Datum, ModelInput } from "../wire.js";
import { WireRequestError } from "./backend.js";

/** How data are read. */
export interface ReadOptions {
  readonly image: ImageConfig;
  /** Tokens that the model knows. */
  readonly vocabulary: number;
  /** Tokens of one sequence, those of images among them. */
  readonly maxContext: number;
}

/** What is read of a model folder for that. */
export async function readingOf(folder: string): Promise<Pick<ReadOptions, "image" | "vocabulary">> {
  const [{ image }, { config }] = await Promise.all([loadProcessor(folder), loadNetwork(folder)]);
  return { image, vocabulary: config.vocabSize };
}

type ImagePiece = Extract<PromptPiece, { kind: "image" }>;

async function imagePiece(
  chunk: Exclude<ModelInput["chunks"][number], { type: "encoded_text" }>,
  { patchSize, mergeSize, minPixels, maxPixels }: ImageConfig,
): Promise<ImagePiece> {
  if (chunk.type !== "image") {
    throw new WireRequestError(
      "image_asset_pointer: this server reads no files or addresses: send the image itself",
    );
  }
  const bytes = new Uint8Array(Buffer.from(chunk.data, "base64"));
  const image = { kind: "bytes", bytes } as const;
  const factor = patchSize * mergeSize;
  const { width, height } = await imageSize(image, "image chunk");
  const size = smartResize(height, width, { factor, minPixels, maxPixels }, "image chunk");
  const tokens = (size.height / factor) * (size.width / factor);
  if (chunk.expected_tokens !== null && chunk.expected_tokens !== tokens) {
    throw new WireRequestError(
      `image chunk: expected_tokens is ${chunk.expected_tokens}, this model takes ${tokens} for ${width} × ${height} pixels`,
    );
  }
  return { kind: "image", image, digest: sha256(bytes), size, tokens };
}

/**
 * Pieces of an input, and how many places it has.
 * @throws WireRequestError when they are more than `maxContext`, or a token is none of the model's
 */
export async function piecesOf({ chunks }: ModelInput, { image, vocabulary, maxContext }: ReadOptions) {
  const strange = chunks
    .flatMap((chunk) => (chunk.type === "encoded_text" ? chunk.tokens : []))
    .find((token) => token >= vocabulary);
  if (strange !== undefined) {
    throw new WireRequestError(`chunks: not one of this model's ${vocabulary} tokens: ${strange}`);
  }
  const pieces = await Promise.all(
    chunks.map((chunk): Promise<PromptPiece> | PromptPiece =>
      chunk.type === "encoded_text"
        ? { kind: "tokens", tokens: Int32Array.from(chunk.tokens) }
        : imagePiece(chunk, image),
    ),
  );
  const places = pieces.reduce(
    (sum, piece) => sum + (piece.kind === "image" ? piece.tokens : piece.tokens.length),
    0,
  );
  if (places > maxContext) {
    throw new WireRequestError(
      `chunks: ${places} tokens, those of images among them: above this server's limit of ${maxContext}`,
    );
  }
  return { pieces, places };
}

export function promptOf(pieces: readonly PromptPiece[]): Prompt {
  const said = pieces.map((piece) => (piece.kind === "tokens" ? piece.tokens.join() : piece.digest));
  return { id: sha256(said.join("\n")), name: "request", pieces };
}

/** The first `count` places. @throws WireRequestError when that cuts an image */
function firstPlaces(pieces: readonly PromptPiece[], count: number): PromptPiece[] {
  const kept: PromptPiece[] = [];
  let left = count;
  for (const piece of pieces) {
    const size = piece.kind === "image" ? piece.tokens : piece.tokens.length;
    if (left <= 0) break;
    if (size > left && piece.kind === "image") {
      throw new WireRequestError("weights: an image's own places have weight: give them 0");
    }
    kept.push(piece.kind === "tokens" ? { kind: "tokens", tokens: piece.tokens.slice(0, left) } : piece);
    left -= size;
  }
  return kept;
}

/** Places after the last image: a response holds text only. */
function afterImages(pieces: readonly PromptPiece[]): number {
  let at = 0;
  let after = 1;
  for (const piece of pieces) {
    at += piece.kind === "image" ? piece.tokens : piece.tokens.length;
    if (piece.kind === "image") after = at;
  }
  return after;
}

/**
 * Targets from `start` on, as the response they are.
 * @throws WireRequestError for what is no token, and where the input does not go on with the target before it
 */
function responseOf(
  targets: readonly number[],
  pieces: readonly PromptPiece[],
  { start, vocabulary }: { readonly start: number; readonly vocabulary: number },
): Int32Array {
  const read = pieces.flatMap((piece) =>
    piece.kind === "tokens" ? Array.from(piece.tokens) : new Array<number>(piece.tokens).fill(-1),
  );
  for (let t = start; t < targets.length; t++) {
    const target = targets[t] as number;
    if (!(Number.isInteger(target) && target >= 0 && target < vocabulary)) {
      throw new WireRequestError(
        `target_tokens: not one of this model's ${vocabulary} tokens at place ${t}: ${target}`,
      );
    }
    if (t + 1 < targets.length && read[t + 1] !== target) {
      throw new WireRequestError(
        `model_input: place ${t + 1} holds another token than target ${t}: this server reads responses, whose every target is read next`,
      );
    }
  }
  return Int32Array.from(targets.slice(start));
}

/** A datum as a prompt with one response. `start` is the response's first target. */
export interface Read {
  readonly prompt: Prompt;
  readonly response: Int32Array;
  readonly start: number;
}

export async function readDatum({ model_input, loss_fn_inputs }: Datum, options: ReadOptions): Promise<Read> {
  const { pieces, places } = await piecesOf(model_input, options);
  const { target_tokens, weights, advantages } = loss_fn_inputs;
  const T = target_tokens.data.length;
  if (places !== T)
    throw new WireRequestError(`target_tokens: ${T} targets for ${places} tokens of model_input`);
  const counts = (t: number) => (weights?.data[t] ?? advantages?.data[t] ?? 1) !== 0;
  const first = target_tokens.data.findIndex((_, t) => counts(t));
  const start = Math.max(first < 0 ? 0 : first, afterImages(pieces) - 1);
  return {
    prompt: promptOf(firstPlaces(pieces, start + 1)),
    response: responseOf(target_tokens.data, pieces, { start, vocabulary: options.vocabulary }),
    start,
  };
}

/** Responses of one prompt read together: the prompt is computed once. Each with its place among the data. */
export function grouped(reads: readonly Read[]) {
  const groups = new Map<string, { prompt: Prompt; members: { at: number; read: Read }[] }>();
  for (const [at, read] of reads.entries()) {
    const group = groups.get(read.prompt.id) ?? { prompt: read.prompt, members: [] };
    group.members.push({ at, read });
    groups.set(read.prompt.id, group);
  }
  return [...groups.values()];
}
