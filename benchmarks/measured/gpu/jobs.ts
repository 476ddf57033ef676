/**
 * @module What the card's benchmark measures, and what passes between its processes.
 */
import type { Device, Precision } from "../../../src/compile/runtime/session.js";
import { RL_SIZES } from "../speed/rlStep.js";
import type { Workload } from "../speed/rollouts.js";
import type { GpuSize, Plan } from "./model.js";

/**
 * All that can be timed. `step`: a graph and AdamW, `replay`: the same with the graph's kernels captured once as a CUDA
 * graph, `learner`: what a run calls; all against one step of PyTorch.
 */
export const GPU_PARTS = ["step", "replay", "learner", "prefill", "decode", "rl"] as const;
export type GpuPart = (typeof GPU_PARTS)[number];

export const PRECISIONS = ["float32", "tf32", "bf16"] as const satisfies readonly Precision[];

export const LEARNING_RATE = 1e-4;

/** Prompts that are read, and answered with as many tokens. */
interface Answered extends Workload {
  readonly newTokens: number;
}

export const PREFILL: Answered = { prompts: 8, responses: 1, promptLength: 128, newTokens: 1 };
export const ROLLOUTS: Answered = { prompts: 8, responses: 8, promptLength: 128, newTokens: 128 };

/** How often something is done. */
export interface Series {
  /** Rounds that are not counted. */
  readonly warmUp: number;
  readonly counted: number;
  /** After so long no further round is begun, but the first that counts. */
  readonly seconds: number;
}

export interface Job {
  readonly part: GpuPart;
  readonly precision: Precision;
  readonly series: Series;
}

/** What a job found. */
export interface Measured extends Pick<Job, "part" | "precision"> {
  readonly milliseconds: readonly number[];
  /** Of each round, warm-up first: the loss of a step, the gradient norm of the learner. */
  readonly values?: readonly number[];
  /** Milliseconds that weights took to the place where they sample from. */
  readonly ready?: number;
  /** Most memory of the card that the job's process has taken; absent on the processor. */
  readonly bytes?: number;
  /** Why nothing is replayed as a CUDA graph, where it was to be. */
  readonly notReplayed?: string;
  /** The card's name. */
  readonly card?: string;
}

/** Why there is nothing. */
export interface Failed extends Pick<Job, "part" | "precision"> {
  readonly error: string;
}

/** What the process of our side is told. */
export interface OwnRequest {
  readonly size: GpuSize;
  readonly device: Device;
  readonly plan: Plan;
  /** A file of float32: the draws that weights repeat. */
  readonly block: string;
  readonly jobs: readonly Job[];
}

/** Whether a part is compared with PyTorch's training step. */
export const isTrainingStep = (part: GpuPart): boolean => ["step", "replay", "learner"].includes(part);

/** Tokens that a round of a part works on. */
export function tokensOf(
  part: GpuPart,
  { rows, length }: { readonly rows: number; readonly length: number },
) {
  const { prompts, responses, promptLength, newTokens } = part === "prefill" ? PREFILL : ROLLOUTS;
  if (part === "prefill") return prompts * promptLength;
  if (part === "decode") return prompts * responses * newTokens;
  return part === "rl" ? RL_SIZES.prompts * RL_SIZES.responses * RL_SIZES.newTokens : rows * length;
}
