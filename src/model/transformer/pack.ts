/**
 * @module Lays prompts, and responses read under them, out as the flat token axis of prefix.ts.
 *
 * Sizes are rounded up to buckets, so that a few compiled graphs serve all batches.
 */
import { dims } from "../../core/dims.js";
import { invariant, ModelError } from "../../core/errors.js";
import { given } from "../../core/given.js";
import { type NdArray, ndarray, zeros } from "../../core/ndarray.js";
import type { Tensor } from "../../core/tf.js";
import type { Network, VisionInputs } from "../family.js";
import type { ModelConfig } from "../modelConfig.js";
import type { PatchedPrompt } from "../patchPrompt.js";
import { MASKED, type PrefixSizes } from "./prefix.js";
import { mergedCount, mropePositions, mropeTables } from "./rope.js";

/** The smallest multiple of `step` that is at least `size`. */
export function roundUp(size: number, step: number): number {
  return Math.ceil(size / step) * step;
}

/** Image part of a packed batch; `Array` is NdArray on the host and Tensor inside a compiled function. */
export interface ImageInputs<Array = Tensor> {
  readonly vision: VisionInputs<Array>;
  /** `[U·P]` i32: which row of the vision tower's output a prompt token takes; 0 for text */
  readonly index: Array;
  /** `[U·P]` f32: 1 for image tokens, 0 for text */
  readonly isImage: Array;
}

export interface PackedPrompts {
  /** `[U]`: what was packed. */
  readonly prompts: readonly PatchedPrompt[];
  readonly sizes: { readonly U: number; readonly P: number };
  /** `[U, P]` i32, padded on the right */
  readonly tokens: NdArray;
  /** `[U, P]` f32: 0 for tokens, MASKED for padding */
  readonly mask: NdArray;
  /** `[3, U·P]`: M-RoPE positions; 0 for padding */
  readonly positions: Int32Array;
  /** per prompt: the position of its first response token (the same on all three axes) */
  readonly next: readonly number[];
  /** `[U]` i32: row of each prompt's last token on the flat axis */
  readonly last: NdArray;
  readonly image?: ImageInputs<NdArray>;
}

/** Bucket steps: bigger means fewer graphs and more padding. */
export const PROMPT_STEP = 32;
export const RESPONSE_STEP = 16;

/**
 * Pads prompts to one length and lays their images out for the vision tower.
 * @param options.rows how many prompts the graph takes; missing ones repeat the first
 * @throws ModelError when a prompt's image tokens and image features differ in number
 */
export function packPrompts(
  prompts: readonly PatchedPrompt[],
  network: Network,
  options: { readonly rows?: number; readonly minLength?: number; readonly minPatches?: number } = {},
): PackedPrompts {
  const { config } = network;
  const U = options.rows ?? prompts.length;
  const filled = Array.from({ length: U }, (_, u) => (prompts[u] ?? prompts[0]) as PatchedPrompt);
  const longest = Math.max(options.minLength ?? 0, ...filled.map((prompt) => prompt.tokens.length));
  const P = roundUp(longest, PROMPT_STEP);
  const tokens = zeros([U, P], "int32");
  const mask = zeros([U, P]);
  const last = zeros([U], "int32");
  const positions = new Int32Array(3 * U * P);
  tokens.data.fill(config.tokens.pad);
  mask.data.fill(MASKED);
  const next = filled.map((prompt, u) => {
    checkFeatures(prompt, u, config);
    const grids = prompt.images.map((image) => image.grid);
    const rope = mropePositions(prompt.tokens, grids, config);
    const S = prompt.tokens.length;
    tokens.data.set(prompt.tokens, u * P);
    mask.data.fill(0, u * P, u * P + S);
    last.data[u] = u * P + S - 1;
    for (let axis = 0; axis < 3; axis++) {
      positions.set(rope.positions.subarray(axis * S, (axis + 1) * S), axis * U * P + u * P);
    }
    return rope.next;
  });
  const image = packImages(filled, network, { P, minPatches: options.minPatches ?? 0 });
  const arrays = { tokens, mask, positions, next, last };
  return { prompts: filled, sizes: { U, P }, ...arrays, ...given({ image }) };
}

/** @throws ModelError naming the prompt whose image tokens and image features differ in number */
function checkFeatures({ tokens, images }: PatchedPrompt, u: number, config: ModelConfig): void {
  const held = tokens.filter((token) => token === config.tokens.image).length;
  const features = images.reduce(
    (sum, { grid }) => sum + mergedCount(grid, config.vision.spatialMergeSize),
    0,
  );
  if (held !== features) {
    throw new ModelError(
      `packPrompts: prompt ${u} has ${held} image tokens but its images give ${features} features: ` +
        "build prompts with buildPrompt, which expands one image token per merged patch",
    );
  }
}

/** Images of all prompts as one vision batch, and where each image token of the prompts finds its row. */
function packImages(
  prompts: readonly PatchedPrompt[],
  { family, config }: Network,
  { P, minPatches }: { readonly P: number; readonly minPatches: number },
): ImageInputs<NdArray> | undefined {
  const images = prompts.flatMap((prompt) => prompt.images);
  if (images.length === 0) return undefined;
  const { inputs, rows } = family.layOut(images, config, minPatches);
  const index = zeros([prompts.length * P], "int32");
  const isImage = zeros([prompts.length * P]);
  let image = 0;
  prompts.forEach((prompt, u) => {
    const own = prompt.images.flatMap(() => rows[image++] ?? []);
    let used = 0;
    prompt.tokens.forEach((token, at) => {
      if (token !== config.tokens.image) return;
      index.data[u * P + at] = own[used++] ?? 0;
      isImage.data[u * P + at] = 1;
    });
  });
  return { vision: inputs, index, isImage };
}

/** A prompt with the responses to be read under it. */
export interface Unit {
  readonly prompt: PatchedPrompt;
  readonly responses: readonly ArrayLike<number>[];
}

/** Units as arrays; `Array` is NdArray on the host and Tensor inside a compiled function. */
export interface PackedUnits<Array = Tensor> {
  /** `[U, P]` i32 */
  readonly promptTokens: Array;
  /** `[U, P]` f32: 0 or MASKED */
  readonly promptMask: Array;
  /** `[U, R, T]` i32, padded on the right */
  readonly responseTokens: Array;
  /** `[U, R, T]` f32: 1 for response tokens, 0 for padding */
  readonly responseMask: Array;
  /** `[U·R·T]` i32: the row, on the flat token axis, whose hidden state predicts this response token */
  readonly predictor: Array;
  /** `[S, D]` f32 each */
  readonly rope: { readonly cos: Array; readonly sin: Array };
  readonly image?: ImageInputs<Array>;
}

export interface PackOptions {
  /** Units the graph takes; missing ones are empty (mask 0). Default: as many as given. */
  readonly rows?: number;
  /** Responses of each unit that the graph takes; missing ones are empty (mask 0). Default: the most of a unit. */
  readonly responses?: number;
  /** Bucket floors. */
  readonly minPromptLength?: number;
  readonly minResponseLength?: number;
  /** Per image. */
  readonly minPatches?: number;
}

/** Packs units; one that has fewer responses than others is filled up with empty ones. */
export function packUnits(
  units: readonly Unit[],
  network: Network,
  options: PackOptions = {},
): PackedUnits<NdArray> {
  const { config } = network;
  const R = Math.max(options.responses ?? 0, ...units.map((unit) => unit.responses.length));
  invariant(R > 0, "packUnits: no responses");
  const prompts = packPrompts(
    units.map((unit) => unit.prompt),
    network,
    {
      rows: options.rows ?? units.length,
      minLength: options.minPromptLength ?? 0,
      minPatches: options.minPatches ?? 0,
    },
  );
  const longest = Math.max(...units.flatMap((unit) => unit.responses.map((response) => response.length)));
  const T = roundUp(Math.max(longest, options.minResponseLength ?? 0), RESPONSE_STEP);
  const sizes = { ...prompts.sizes, R, T };
  const responses = packResponses(units, prompts, sizes, config.tokens.pad);
  const S = sizes.U * (sizes.P + R * T);
  const positions = new Int32Array(3 * S);
  for (let axis = 0; axis < 3; axis++) {
    const flat = sizes.U * sizes.P;
    positions.set(prompts.positions.subarray(axis * flat, (axis + 1) * flat), axis * S);
    positions.set(responses.positions, axis * S + flat);
  }
  return {
    promptTokens: prompts.tokens,
    promptMask: prompts.mask,
    responseTokens: responses.tokens,
    responseMask: responses.mask,
    predictor: responses.predictor,
    rope: mropeTables(positions, config),
    ...given({ image: prompts.image }),
  };
}

function packResponses(
  units: readonly Unit[],
  prompts: PackedPrompts,
  { U, P, R, T }: PrefixSizes,
  pad: number,
): { tokens: NdArray; mask: NdArray; predictor: NdArray; positions: Int32Array } {
  const tokens = zeros([U, R, T], "int32");
  const mask = zeros([U, R, T]);
  const predictor = zeros([U * R * T], "int32");
  const positions = new Int32Array(U * R * T);
  tokens.data.fill(pad);
  for (let u = 0; u < U; u++) {
    const next = prompts.next[u] as number;
    const lastOfPrompt = prompts.last.data[u] as number;
    for (let r = 0; r < R; r++) {
      const row = (u * R + r) * T;
      const response = units[u]?.responses[r] ?? [];
      tokens.data.set(response, row);
      mask.data.fill(1, row, row + response.length);
      for (let t = 0; t < T; t++) {
        predictor.data[row + t] = t === 0 ? lastOfPrompt : U * P + row + t - 1;
        positions[row + t] = next + t;
      }
    }
  }
  return { tokens, mask, predictor, positions };
}

/** Sizes of a packed batch. */
export function sizesOf(packed: {
  readonly promptTokens: { readonly shape: readonly number[] };
  readonly responseTokens: { readonly shape: readonly number[] };
}): PrefixSizes {
  const { U, P } = dims("packed units: promptTokens", packed.promptTokens, "U P");
  const { R, T } = dims("packed units: responseTokens", packed.responseTokens, "U R T", { U });
  return { U, P, R, T };
}

/** Which tokens the policy may sample: 0 for ordinary tokens, MASKED for image markers and unused vocabulary rows. */
export function tokenBias(config: ModelConfig, usedTokens: number): NdArray {
  const bias = ndarray(new Float32Array(config.vocabSize), [config.vocabSize]);
  bias.data.fill(MASKED, usedTokens);
  const { image, video, visionStart, visionEnd } = config.tokens;
  for (const token of [image, video, visionStart, visionEnd]) bias.data[token] = MASKED;
  return bias;
}
