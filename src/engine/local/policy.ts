/**
 * @module What samples: a policy, and one that is ready to.
 */
import type { NdArray } from "../../core/ndarray.js";
import type { OnProgress } from "../../core/progress.js";
import type { Network } from "../../model/family.js";
import type { PackedPrompts } from "../../model/transformer/pack.js";
import type { KvCache } from "./kvCache.js";
import type { PromptReader } from "./promptReader.js";
import type { HostSampler, StartResponding } from "./responding.js";

export interface LocalPolicy {
  readonly model: Network;
  /** Prepares the model's parameters of now for sampling. */
  ready(onProgress?: OnProgress): Promise<ReadyPolicy>;
  /** Why decode steps that were to be replayed on a card (`RuntimeOptions.replays`) are not. */
  notReplayed?(): string | undefined;
}

/** A policy that samples, until training next changes its parameters. */
export interface ReadyPolicy {
  readonly model: Network;
  readonly readPrompts: PromptReader;
  /** Frees what it holds on a device. */
  dispose?(): void;
  /** Tokens that end a response. */
  readonly eos: ReadonlySet<number>;
  readonly tokenBias: NdArray;
  /** Answers prompts where the graphs run; default: keys and values on the host (`respondOnHost`). */
  readonly respond?: StartResponding;
  prefill(packed: PackedPrompts, sampler: HostSampler): Promise<NextTokens>;
  decodeStep(
    inputs: { tokens: NdArray; rope: { cos: NdArray; sin: NdArray }; cache: KvCache },
    sampler: HostSampler,
  ): Promise<NextTokens>;
}

/** What is known after some tokens have been read. */
export interface NextTokens {
  /** `[rows, V]` f32 */
  readonly probs: NdArray;
  /** Of the tokens read, per layer. */
  readonly keys: readonly NdArray[];
  readonly values: readonly NdArray[];
}
