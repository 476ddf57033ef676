/**
 * @module Responses in progress, a token at a time: what `generate` asks of whatever holds their keys and values.
 *
 * `respondOnHost` keeps them on the host, `onDevice/` where graphs run. Both draw the same tokens from the same
 * probabilities.
 */
import { type NdArray, ndarray } from "../../core/ndarray.js";
import type { DecoderSizes } from "../../model/modelConfig.js";
import type { PackedPrompts } from "../../model/transformer/pack.js";
import { mropeTables } from "../../model/transformer/rope.js";
import type { Decoding } from "../engine.js";
import { argmax, sampleToken } from "./sampling.js";

/** Sampler settings on the host. */
export interface HostSampler {
  readonly temperature: NdArray;
  readonly tokenBias: NdArray;
}

/** The next token of each row. */
export interface Drawn {
  /** `[rows]`; of rows that draw nothing: anything. */
  readonly tokens: ArrayLike<number>;
  /** `[rows]` of those tokens, of the whole distribution. */
  readonly probabilities: ArrayLike<number>;
}

/** What a row draws with: a number in [0, 1), which greedy ignores; NaN: it draws nothing. `[rows]` */
export type Uniforms = Float64Array;

/** Rows of responses under prompts, prompt slowest. */
export interface Responding {
  /** Draws the first tokens; called first, and once. */
  first(uniforms: Uniforms): Promise<Drawn>;
  /** Reads one more token of every row, and draws the next. */
  step(tokens: readonly number[], uniforms: Uniforms): Promise<Drawn>;
  /** Goes on with these prompts and rows only, in this order: as many rows of each prompt. */
  keep(units: readonly number[], rows: readonly number[]): Promise<void>;
  /** Frees what it holds. */
  dispose(): void;
}

/** How prompts are answered. */
export interface RespondingOptions {
  /** Per prompt. */
  readonly responses: number;
  readonly decoding: Decoding;
}

/** Reads prompts, and answers them. */
export type StartResponding = (packed: PackedPrompts, options: RespondingOptions) => Promise<Responding>;

/** Response tokens that a cache has room for to begin with; every empty slot is read, too. */
export const SLOTS = 32;

/** Sampler settings of a way of decoding. */
export function samplerFor({ isGreedy, temperature }: Decoding, tokenBias: NdArray): HostSampler {
  return { temperature: ndarray([isGreedy ? 1 : temperature], []), tokenBias };
}

/** Rotary tables of text positions 0 … `positions` − 1. */
export function positionTable(positions: number, config: DecoderSizes): { cos: NdArray; sin: NdArray } {
  const axis = Int32Array.from({ length: positions }, (_, position) => position);
  const flat = new Int32Array(3 * positions);
  for (let a = 0; a < 3; a++) flat.set(axis, a * positions);
  return mropeTables(flat, config);
}

/** The first position of no response token. */
export function endOf({ next }: PackedPrompts, { decoding }: RespondingOptions): number {
  return Math.max(...next) + decoding.maxTokens;
}

/** The token that a row of probabilities gives. */
export function drawFrom(probs: NdArray["data"], uniform: number, decoding: Decoding): number {
  return decoding.isGreedy ? argmax(probs) : sampleToken(probs, uniform, decoding);
}
