/**
 * @module What PyTorch's AdamW and clipping give (benchmarks/measured/parity/adamw.py).
 */
import { golden } from "./load.js";

/** Arrays by parameter name. */
export type Listed = Record<string, { shape: number[]; values: number[] }>;

interface GoldenFile {
  readonly learningRates: number[];
  readonly params: Listed;
  readonly grads: Listed[];
  readonly runs: { weightDecay: number; after: Listed[]; first: Listed; second: Listed }[];
  readonly clips: { maxNorm: number; norm: number; grads: Listed }[];
}

export const adamw = golden<GoldenFile>("adamw.json");
