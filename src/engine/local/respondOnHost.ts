/**
 * @module Responses in progress with keys and values on the host: carried to the graph and back at each step.
 */
import { type NdArray, ndarray, zeros } from "../../core/ndarray.js";
import type { Decoding } from "../engine.js";
import { KvCache } from "./kvCache.js";
import type { ReadyPolicy } from "./policy.js";
import {
  type Drawn,
  drawFrom,
  endOf,
  positionTable,
  SLOTS,
  type StartResponding,
  samplerFor,
  type Uniforms,
} from "./responding.js";

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

/** Answers prompts by a policy's prefill and decode steps. */
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
