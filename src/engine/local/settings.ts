/**
 * @module What a local engine is told once: how much of a batch is in one graph, what it keeps, and what it trains.
 */
import type { Device, Precision, RuntimeOptions } from "../../compile/runtime/session.js";
import { packedCache } from "../../config/load.js";
import type { RunConfig } from "../../config/schema.js";
import { given } from "../../core/given.js";
import type { LoraSpec } from "../../model/lora/spec.js";

/** Which weights sample, and where packed ones are kept. */
export type SamplingPrecision =
  | { readonly weights: "exact" }
  | {
      readonly weights: "int8";
      /** Folder of packed weights. */
      readonly cache: string;
    };

/** A part of the network that can be left as it is. */
export type Frozen = Exclude<RunConfig["update"]["frozen"], "none">;

/** Settings of a local engine. Results depend on those of memory only by rounding. */
export interface LocalSettings {
  /** Where graphs run; default `cpu`. `auto`: found when the engine is loaded. */
  readonly device?: Device | "auto";
  /** What matrix products compute with; default `float32`. */
  readonly precision?: Precision;
  /** Whether weights and gradients are kept where graphs run while a batch is worked on; default: on cuda. */
  readonly keepsArrays?: boolean;
  /** Whether long runs keep the engine's thread: for a process of its own. Default: false. */
  readonly blocks?: boolean;
  /** Prompts in one gradient graph, at most (graphUnits.ts). */
  readonly microBatch: number;
  /** Scores of response tokens, `[rows, V]`, that a gradient graph holds at once; default: rowChunks.ts. */
  readonly heldScores?: number;
  /** Responses decoded at once. */
  readonly maxRows: number;
  /** Whether the initial weights are kept, as the reference policy. */
  readonly keepsReference: boolean;
  /** Part of the weights that training leaves as it is. Default: none. */
  readonly frozen?: Frozen;
  /** What is trained instead of the weights, layer by layer. */
  readonly lora?: LoraSettings;
}

/** Adapters to be trained. */
export interface LoraSettings {
  readonly spec: LoraSpec;
  /** A is drawn from it. */
  readonly seed: number;
  /** What samples, the adapter beside it; default: the weights as they are. */
  readonly precision?: SamplingPrecision;
}

/** What a run's settings say to its engine. */
export function localSettings({
  update,
  rollout,
  kl,
  lora: { rank, ...spec },
  seed,
  engine: { device, precision: products },
}: Pick<RunConfig, "update" | "rollout" | "kl" | "lora" | "seed" | "engine">): LocalSettings {
  const { weights } = rollout;
  const precision: SamplingPrecision = weights === "int8" ? { weights, cache: packedCache() } : { weights };
  return {
    ...(device === "cpu" ? {} : { device }),
    ...(products === "float32" ? {} : { precision: products }),
    microBatch: update.microBatchUnits,
    maxRows: rollout.maxRows,
    keepsReference: kl.use !== "off",
    ...(update.frozen === "none" ? {} : { frozen: update.frozen }),
    ...(rank > 0 ? { lora: { spec: { rank, ...spec }, seed, precision } } : {}),
  };
}

/** What every graph of an engine is opened with. */
export function runtimeOf({
  device,
  keepsArrays,
  precision,
  blocks,
}: Pick<LocalSettings, "device" | "keepsArrays" | "precision" | "blocks">): RuntimeOptions {
  return {
    ...(device === undefined || device === "auto" ? {} : { device }),
    ...given({ keepsArrays, precision, blocks }),
  };
}
