/**
 * @module Responses in progress, a token at a time: what `generate` asks of whatever holds their keys and values.
 *
 * Here on the host; `onDevice/` keeps them where graphs run. Both draw the same tokens from the same probabilities.
 */
import { type NdArray, ndarray, zeros } from "../../core/ndarray.js";
import type { DecoderSizes } from "../../model/modelConfig.js";
import type { PackedPrompts } from "../../model/transformer/pack.js";
import { mropeTables } from "../../model/transformer/rope.js";
import type { Decoding } from "../engine.js";
import { KvCache } from "./kvCache.js";
import type { HostSampler, ReadyPolicy } from "./localPolicy.js";
import { argmax, sampleToken } from "./sampling.js";

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

/** Response tokens that the first block of a cache has room for; every empty slot is read, too. */
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

/** Draws for every row that wants to. @param rowOf row of `probs` `[…, V]` that a row draws from */
function draw(
  probs: NdArray,
  uniforms: Uniforms,
  decoding: Decoding,
  rowOf: (row: number) => number = (row) => row,
): Drawn {
  const V = probs.shape[1] as number;
  const tokens = new Int32Array(uniforms.length);
  const probabilities = new Float32Array(uniforms.length);
  for (const [row, uniform] of uniforms.entries()) {
    if (Number.isNaN(uniform)) continue;
    const from = rowOf(row) * V;
    const p = probs.data.subarray(from, from + V);
    const token = drawFrom(p, uniform, decoding);
    tokens[row] = token;
    probabilities[row] = p[token] as number;
  }
  return { tokens, probabilities };
}

/** Keys and values on the host: carried to the graph and back at each step. */
export function respondOnHost(policy: ReadyPolicy): StartResponding {
  return async (packed, options) => {
    const { config } = policy.model;
    const { responses, decoding } = options;
    const sampler = samplerFor(decoding, policy.tokenBias);
    const start = await policy.prefill(packed, sampler);
    const table = positionTable(endOf(packed, options), config);
    let cache = KvCache.create({ ...start, mask: packed.mask }, config, { responses, slots: SLOTS });
    let next = packed.next;
    return {
      first: async (uniforms) => draw(start.probs, uniforms, decoding, (row) => Math.floor(row / responses)),
      async step(tokens, uniforms) {
        const perUnit = tokens.length / next.length;
        const rope = ropeRows(
          table,
          tokens.length,
          (row) => (next[Math.floor(row / perUnit)] as number) + cache.length,
        );
        const read = ndarray(tokens, [tokens.length], "int32");
        const step = await policy.decodeStep({ tokens: read, rope, cache }, sampler);
        cache.append(step.keys, step.values);
        return draw(step.probs, uniforms, decoding);
      },
      async keep(units, rows) {
        cache = cache.keeping(units, rows);
        next = units.map((unit) => next[unit] as number);
      },
      dispose: () => undefined,
    };
  };
}

function ropeRows(
  table: { readonly cos: NdArray; readonly sin: NdArray },
  rows: number,
  positionOf: (row: number) => number,
): { cos: NdArray; sin: NdArray } {
  const D = table.cos.shape[1] as number;
  const cos = zeros([rows, D]);
  const sin = zeros([rows, D]);
  for (let row = 0; row < rows; row++) {
    const from = positionOf(row) * D;
    cos.data.set(table.cos.data.subarray(from, from + D), row * D);
    sin.data.set(table.sin.data.subarray(from, from + D), row * D);
  }
  return { cos, sin };
}
