/**
 * @module What stands behind the Tinker wire where this project answers it: something that keeps models which score,
 * learn and sample.
 */
import type {
  AdamParams,
  Datum,
  ModelInput,
  SampleOutput,
  SamplingParams,
  WireLoss,
  WireLossConfig,
} from "../wire.js";

export interface WireSample {
  readonly prompt: ModelInput;
  readonly samples: number;
  readonly params: SamplingParams;
  readonly promptLogProbs: boolean;
}

export interface WireUpdate {
  readonly data: readonly Datum[];
  readonly loss: WireLoss;
  readonly config: WireLossConfig;
}

/** One model in training. Calls come one at a time. */
export interface WireModel {
  readonly baseModel: string;
  /** Of the adapter; 0: all weights are trained. */
  readonly rank: number;
  /** log π of every target token, `[datum][T]`; 0 at places that no weight reaches, where the model skips them. */
  logProbs(data: readonly Datum[]): Promise<Float32Array[]>;
  /** Adds to the gradient. @returns what `logProbs` would, before the step */
  accumulate(update: WireUpdate): Promise<Float32Array[]>;
  optimStep(adam: AdamParams): Promise<{ readonly gradNorm: number }>;
  sample(call: WireSample): Promise<SampleOutput>;
  /** Keeps weights and optimizer under a name, or goes back to them. */
  save(name: string): Promise<void>;
  load(modelId: string, name: string): Promise<void>;
  /** The weights of now as a `.tar.gz` under a name, where clients may have them. @returns its path */
  archive?(name: string): Promise<string>;
  close(): Promise<void>;
}

export interface WireBackend {
  readonly models: readonly string[];
  /** Said to those who open a session. */
  readonly message?: string;
  createModel(asked: {
    readonly id: string;
    readonly baseModel: string;
    readonly rank: number;
    readonly seed: number;
  }): Promise<WireModel>;
  close(): Promise<void>;
}

/** A request that cannot be done as asked: 400 in the future. */
export class WireRequestError extends Error {}
