/**
 * @module What trains and samples, wherever it is: on this thread, in a process beside it, on a server, on a cluster.
 *
 * Requests hold words, images and numbers, nothing of one model's insides: an image travels as its bytes (or a path),
 * and becomes patches only in the engine that has the network.
 */
import type { KlTerm } from "../config/schema.js";
import type { OnProgress } from "../core/progress.js";
import type { RngKey } from "../core/rng.js";
import type { Lesson, Reading } from "../policy/lessons.js";
import type { SurrogateOptions } from "../policy/surrogate.js";
import type { Prompt, Rollout } from "../records.js";
import type { Abilities } from "./abilities.js";

/** What a call may be given beside its request. */
export interface Watch {
  readonly onProgress?: OnProgress;
  /** Aborted: the call rejects with the signal's reason within a decode step or a micro-batch. */
  readonly signal?: AbortSignal;
}

/** How responses are drawn. */
export interface Decoding {
  /** > 0. Greedy picks the most likely token whatever it is. */
  readonly temperature: number;
  readonly isGreedy: boolean;
  /** Keep the smallest set of tokens whose probability reaches this; 1 keeps all. */
  readonly topP: number;
  /** Keep this many most likely tokens; 0 keeps all. */
  readonly topK: number;
  /** Response tokens at most. */
  readonly maxTokens: number;
}

/** Prompts, how many responses each, and how they are drawn. */
export interface SampleRequest {
  readonly prompts: readonly Prompt[];
  /** Responses per prompt. */
  readonly responses: number;
  readonly decoding: Decoding;
  /**
   * `streams[prompt][response]`: draw t of it picks token t; an engine that cannot use streams derives its seeds from
   * them. Not needed when greedy.
   */
  readonly streams?: readonly (readonly RngKey[])[];
}

/** A response with the version of the policy that gave it. */
export interface Sampled extends Rollout {
  /** Optimizer steps that the weights had seen. */
  readonly policyStep: number;
}

/** A policy that answers prompts. */
export interface Sampler {
  /** `[prompt][response]`. @throws the signal's reason when aborted; DataError when an image cannot be decoded */
  sample(request: SampleRequest, watch?: Watch): Promise<Sampled[][]>;
}

/** Responses to be read under prompts, and by which policy. */
export interface LogProbRequest {
  readonly readings: readonly Reading[];
  /** Whose: the policy's of now, or that of the one training began with. */
  readonly of: "policy" | "reference";
  /** Sampling temperature that logits are divided by. */
  readonly temperature: number;
}

/** What is minimised; sums over tokens, each times its lesson's weight. */
export interface LossSettings extends SurrogateOptions {
  /** Sampling temperature that logits are divided by. */
  readonly temperature: number;
  /** c of −c·H, H the entropy of the whole distribution; 0: no such term. */
  readonly entropyCoefficient: number;
  /** β·KL to the reference policy; absent: no such term. */
  readonly kl?: { readonly term: KlTerm; readonly coefficient: number };
}

/** Sums over response tokens; those of several calls add up, but for the maximum (`addSums`). */
export interface LossSums {
  /** The surrogate, without KL and entropy terms; weighted. */
  readonly loss: number;
  /** Tokens whose ratio is cut, below and above. */
  readonly clippedLow: number;
  readonly clippedHigh: number;
  /** Σ old − new log-prob, nats. */
  readonly klSum: number;
  /** −Σ log-prob of the sampled tokens, nats. */
  readonly entropySum: number;
  /** Largest |log π − log π_old|. */
  readonly maxLogRatio: number;
  /** Σ of the KL estimate to the reference policy; where the loss has a KL term. */
  readonly referenceKlSum?: number;
  /** Σ of the entropy of the whole distribution; where the loss has an entropy term. */
  readonly fullEntropySum?: number;
}

/** What a call of `accumulate` found. */
export interface Accumulated extends LossSums {
  /** log π of every response token before the next step: `[lesson][r][t]`, nats. */
  readonly logProbs: readonly (readonly Float32Array[])[];
}

/** One AdamW step on what was accumulated. */
export interface OptimizerStep {
  /** Counts from 1: AdamW's t. */
  readonly step: number;
  readonly learningRate: number;
  /** The gradient is scaled down to this global norm. */
  readonly maxGradNorm: number;
  readonly weightDecay: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

/** What an optimizer step did. */
export interface Applied {
  /** Global norm before clipping. */
  readonly gradNorm: number;
  /** false: the gradient was not finite and nothing was changed. */
  readonly isApplied: boolean;
}

/** What of a learner becomes files. */
export type SavedParts = "all" | "weights";

/** The policy under training: reads responses, gathers gradients, steps, is kept and restored. */
export interface Learner {
  /** log π of every response token: `[reading][r][t]`, nats. */
  logProbs(request: LogProbRequest, watch?: Watch): Promise<Float32Array[][]>;
  /**
   * Adds the gradient of these lessons to those before it. Aborted, it forgets all that was accumulated.
   * @param lessons without old log-probs where the policy of now is the old one: no pass of their own is needed then
   */
  accumulate(lessons: readonly Lesson[], loss: LossSettings, watch?: Watch): Promise<Accumulated>;
  /** One optimizer step on what was accumulated since the last. */
  apply(step: OptimizerStep): Promise<Applied>;
  /** Remembers weights and moments of now, so that `rollback` can return to them. Where `abilities` give it. */
  keep(): Promise<void>;
  rollback(): Promise<void>;
  /**
   * Puts what resuming needs into an existing folder: weights and moments, or the name a server keeps them under.
   * @param parts `weights`: only what is needed to sample
   * @throws CheckpointError when it cannot be written
   */
  save(folder: string, parts?: SavedParts): Promise<void>;
  /**
   * Goes on from such a folder.
   * @param policyStep optimizer steps that its weights have seen
   * @throws CheckpointError when it is damaged; ModelError when it is another model's
   */
  restore(folder: string, policyStep: number): Promise<void>;
}

/** What an engine costs; one far away knows less. */
export interface EngineReport {
  readonly residentBytes?: number;
  /** The most there has been so far. */
  readonly peakBytes?: number;
  readonly deviceBytes?: number;
}

/** Sampler and learner of one policy. They may be one place, or two that share weights through `publish`. */
export interface Engine {
  readonly abilities: Abilities;
  readonly sampler: Sampler;
  readonly learner: Learner;
  /** Makes the sampler answer with the learner's weights of now; nothing to do where they are one. */
  publish(): Promise<void>;
  report(): Promise<EngineReport>;
  close(): Promise<void>;
}
