/**
 * @module How much memory a training step will need at most, before anything is started.
 *
 * The peak is the gradient graph of one micro-batch: U prompts of P tokens, each with R responses of T tokens, on one
 * token axis of S = U·(P + R·T). In float32 (4 bytes), with h, I and V the decoder's hidden, feed-forward and vocabulary
 * sizes, L layers, H heads, and the same letters with ᵥ for the vision tower over N patches of n per image:
 *
 *   weights    16 · parameters: weights, gradients and two moments
 *   tokens     4 · L · S · (10h + 5I): what a layer keeps for its gradient
 *   attention  4 · 2 · L · H · U · (P² + R·T·(P + T)): shares and their gradient
 *   head       4 · 5 · (rows of U·R·T that are held at once, rowChunks.ts) · V, and 4 · 2 · V · h where those are not all
 *   vision     4 · Lᵥ · N · (10hᵥ + 5Iᵥ), and 4 · 2 · Hᵥ · N · n in each layer of full attention
 *
 * Measured on the bundled policy, the runtime's arena takes 1.4 times the sum of the last four, and an idle process
 * 0.3 GB. Predictions lie within a quarter of the measured peak (`tests/engine/local/memory.test.ts` holds the measurements).
 */
import type { Network } from "../../model/family.js";
import type { ModelConfig } from "../../model/modelConfig.js";
import { countParams } from "../../model/params.js";
import { PROMPT_STEP, RESPONSE_STEP, roundUp } from "../../model/transformer/pack.js";
import { chunkSizes } from "./rowChunks.js";

/** Sizes of one micro-batch. */
export interface StepSizes {
  /** U: prompts in one gradient graph. */
  readonly units: number;
  /** P: tokens of the longest prompt. */
  readonly promptTokens: number;
  /** R: responses read under each prompt; with sharing m·n. */
  readonly responses: number;
  /** T: tokens of the longest response. */
  readonly responseTokens: number;
  /** Images of a prompt. */
  readonly images: number;
  /** n: patches of the largest image, after resizing. */
  readonly patchesPerImage: number;
}

/** Bytes, by what needs them. */
export interface MemoryPrediction {
  readonly weights: number;
  readonly tokens: number;
  readonly attention: number;
  readonly head: number;
  readonly vision: number;
  readonly process: number;
  readonly total: number;
}

const FLOAT = 4;
const BYTES_PER_PARAMETER = 16;
const ARENA = 1.4;
/** What an idle process of the engine takes. */
export const PROCESS_BYTES = 0.3e9;

function visionFloats({ vision }: ModelConfig, { units, images, patchesPerImage: n }: StepSizes): number {
  const N = units * images * n;
  const dense = vision.depth * N * (10 * vision.hiddenSize + 5 * vision.intermediateSize);
  return dense + 2 * vision.fullAttentionLayers.length * vision.heads * N * n;
}

/** A chunk's gradient of the head's weights is added to that of those before it. */
function headFloats({ vocabSize: V, hiddenSize: h }: ModelConfig, rows: number): number {
  const chunks = chunkSizes(rows, V);
  return 5 * Math.max(...chunks) * V + (chunks.length > 1 ? 2 * V * h : 0);
}

/** The peak of a training step, bytes. */
export function predictStepMemory(network: Network, sizes: StepSizes): MemoryPrediction {
  const { config } = network;
  const { layers: L, heads: H, hiddenSize: h, intermediateSize: I } = config;
  const { units: U, responses: R } = sizes;
  const P = roundUp(sizes.promptTokens, PROMPT_STEP);
  const T = roundUp(sizes.responseTokens, RESPONSE_STEP);
  const parameters = countParams(network);
  const activations = {
    tokens: L * U * (P + R * T) * (10 * h + 5 * I),
    attention: 2 * L * H * U * (P * P + R * T * (P + T)),
    head: headFloats(config, U * R * T),
    vision: visionFloats(config, sizes),
  };
  const bytes = (floats: number) => floats * FLOAT * ARENA;
  const { tokens, attention, head, vision } = activations;
  const parts = {
    weights: parameters * BYTES_PER_PARAMETER,
    tokens: bytes(tokens),
    attention: bytes(attention),
    head: bytes(head),
    vision: bytes(vision),
    process: PROCESS_BYTES,
  };
  return { ...parts, total: Object.values(parts).reduce((sum, part) => sum + part, 0) };
}
