/**
 * @module The policy under training: compiled old log-probs, gradients of micro-batches that add up, and AdamW, all on
 * parameters that change in place. Where KL is asked for, the initial weights are kept as the reference policy.
 */
import type { HostOf } from "../../compile/tree.js";
import type { KlTerm, RunConfig } from "../../config/schema.js";
import { invariant } from "../../core/errors.js";
import { type NdArray, type Params, scalar, zeros } from "../../core/ndarray.js";
import { zip } from "../../core/zip.js";
import type { Model } from "../../model/load.js";
import type { Sampler } from "../../model/transformer/decode.js";
import { type PackedUnits, packUnits, sizesOf, tokenBias, type Unit } from "../../model/transformer/pack.js";
import { adamwHostStep } from "../../optim/adamw.js";
import { type Aggregation, tokenWeights } from "../../policy/aggregate.js";
import type { SurrogateOptions } from "../../policy/surrogate.js";
import type { UpdateUnit } from "../../policy/units.js";
import { type LearnerGraphs, learnerGraphs, type Moments } from "./learnerGraphs.js";
import { lossBatch } from "./lossBatch.js";

export type { Moments } from "./learnerGraphs.js";

/** What a learner computes; options that are not given are off, or as in `SURROGATE_DEFAULTS`. */
export interface LearnerOptions extends Partial<SurrogateOptions> {
  readonly temperature: number;
  readonly clipLow: number;
  readonly clipHigh: number;
  readonly dualClip: number | null;
  readonly weightDecay: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly maxGradNorm: number;
  /** Prompts in one graph. */
  readonly microBatchUnits: number;
  /** `global-token` unless given. */
  readonly aggregation?: Aggregation;
  /** Whether responses cut off at the length limit are left out. */
  readonly masksTruncated?: boolean;
  /** The length limit, tokens; read by aggregation `constant`. */
  readonly maxResponseLength?: number;
  /** Weight of the policy's entropy. */
  readonly entropyCoefficient?: number;
  readonly kl?: { readonly use: "off" | "loss" | "reward"; readonly estimator: KlTerm };
}

/** What a run's settings say to the learner. */
export function learnerOptions({
  update,
  rollout,
  kl,
}: Pick<RunConfig, "update" | "rollout" | "kl">): LearnerOptions {
  const { temperature, maxResponseLength } = rollout;
  return { ...update, temperature, maxResponseLength, kl };
}

/** What one optimizer step did. Shares are of response tokens. */
export interface UpdateStats {
  /** The surrogate, without KL and entropy terms. */
  readonly loss: number;
  readonly clipShareLow: number;
  readonly clipShareHigh: number;
  /** mean of old − new log-prob, nats */
  readonly klApprox: number;
  /** −mean log-prob of the sampled tokens, nats: a one-sample estimate of the entropy */
  readonly entropy: number;
  /** largest |π/π_old − 1| over response tokens */
  readonly ratioDeviation: number;
  readonly gradNorm: number;
  /** false: the gradient was not finite and nothing was changed */
  readonly isApplied: boolean;
  /** Token mean of the KL estimate to the reference policy; where the loss has a KL term. */
  readonly referenceKl?: number;
  /** Token mean of the entropy of the whole distribution, nats; where the loss has an entropy term. */
  readonly fullEntropy?: number;
}

/** Where an update stands; `step` counts optimizer steps from 1. */
export interface UpdateAt {
  readonly learningRate: number;
  readonly step: number;
  /** β, where the loss has a KL term. */
  readonly klCoefficient?: number;
}

export interface Learner {
  readonly params: Params;
  readonly first: Params;
  readonly second: Params;
  /** log π of every response token under its prompt: `[unit][r][t]`. */
  logProbs(units: readonly Unit[]): Promise<Float32Array[][]>;
  /** The same of the policy that training began with. Only where KL is asked for. */
  referenceLogProbs(units: readonly Unit[]): Promise<Float32Array[][]>;
  /** One optimizer step on a mini-batch. */
  update(units: readonly UpdateUnit[], at: UpdateAt): Promise<UpdateStats>;
}

/** Zeros in the shapes of `params`. */
export function zerosLike(params: Params): Params {
  return Object.fromEntries(Object.entries(params).map(([name, { shape }]) => [name, zeros(shape)]));
}

function copyOf(params: Params): Params {
  return Object.fromEntries(
    Object.entries(params).map(([name, array]) => [name, { ...array, data: array.data.slice() }]),
  );
}

/** Units in chunks of like length, so that little of a graph is padding; longest responses first, each with its place. */
function chunksByLength<U extends Unit>(units: readonly U[], size: number): { at: number; unit: U }[][] {
  const lengths = units.map(({ prompt, responses }, at) => ({
    at,
    response: Math.max(...responses.map(({ length }) => length)),
    prompt: prompt.tokens.length,
  }));
  lengths.sort((a, b) => b.response - a.response || b.prompt - a.prompt || a.at - b.at);
  const sorted = lengths.map(({ at }) => ({ at, unit: units[at] as U }));
  return Array.from({ length: Math.ceil(units.length / size) }, (_, chunk) =>
    sorted.slice(chunk * size, (chunk + 1) * size),
  );
}

/** Sums over the tokens of a mini-batch by name; `maxLogRatio` is a maximum. */
type Sums = Readonly<Record<string, number>>;

/** Adds a micro-batch's sums to those before it. */
function addStats(sums: Sums, stats: Readonly<Record<string, NdArray>>): Sums {
  const added = Object.entries(stats).map(([name, { data }]) => {
    const value = data[0] as number;
    const before = sums[name] ?? 0;
    return [name, name === "maxLogRatio" ? Math.max(before, value) : before + value];
  });
  return { ...sums, ...Object.fromEntries(added) };
}

function statsOf(sums: Sums, tokens: number): Omit<UpdateStats, "gradNorm" | "isApplied"> {
  const value = (name: string) => sums[name] ?? 0;
  return {
    loss: value("loss"),
    clipShareLow: value("clippedLow") / tokens,
    clipShareHigh: value("clippedHigh") / tokens,
    klApprox: value("klSum") / tokens,
    entropy: value("entropySum") / tokens,
    ratioDeviation: Math.expm1(value("maxLogRatio")),
    ...("referenceKlSum" in sums ? { referenceKl: value("referenceKlSum") / tokens } : {}),
    ...("fullEntropySum" in sums ? { fullEntropy: value("fullEntropySum") / tokens } : {}),
  };
}

/** The graphs of a model with what they read. */
interface Compiled {
  /** The policy that training began with, where it is kept. */
  readonly reference: Params | undefined;
  readonly model: Model;
  readonly options: LearnerOptions;
  readonly graphs: LearnerGraphs;
  readonly sampler: HostOf<Sampler>;
  readonly pack: (units: readonly Unit[]) => PackedUnits<NdArray>;
}

function compile(model: Model, options: LearnerOptions): Compiled {
  const { config, processor } = model;
  const reference = (options.kl?.use ?? "off") === "off" ? undefined : copyOf(model.params);
  const sampler = { temperature: scalar(options.temperature), tokenBias: tokenBias(config, processor.size) };
  const pack = (units: readonly Unit[]) => packUnits(units, model, { rows: options.microBatchUnits });
  return { model, options, reference, graphs: learnerGraphs(model, options), sampler, pack };
}

async function logProbsOf(
  { options, graphs, sampler, pack }: Compiled,
  weights: Params,
  units: readonly Unit[],
): Promise<Float32Array[][]> {
  const perUnit: Float32Array[][] = units.map(() => []);
  for (const chunk of chunksByLength(units, options.microBatchUnits)) {
    const packed = pack(chunk.map(({ unit }) => unit));
    const { R, T } = sizesOf(packed);
    const result = await graphs.logProbs(weights, packed, sampler);
    for (const [u, { at, unit }] of chunk.entries()) {
      perUnit[at] = unit.responses.map((response, r) => {
        const row = (u * R + r) * T;
        return Float32Array.from(result.data.subarray(row, row + response.length));
      });
    }
  }
  return perUnit;
}

/** Fills `gradients` with those of the mini-batch, and returns its sums. */
async function accumulate(
  { model, options, reference, graphs, sampler, pack }: Compiled,
  gradients: Params,
  units: readonly UpdateUnit[],
  klCoefficient: number | undefined,
): Promise<Sums> {
  for (const gradient of Object.values(gradients)) gradient.data.fill(0);
  const chunks = chunksByLength(units, options.microBatchUnits).map((chunk) => chunk.map(({ unit }) => unit));
  const { aggregation = "global-token", masksTruncated = false, maxResponseLength = 0, kl } = options;
  const isFull = reference && kl?.use === "loss" && kl.estimator === "full";
  const policies = { sampler, ...(isFull ? { reference } : {}) };
  const weights = tokenWeights(chunks, { aggregation, masksTruncated, maxResponseLength });
  let sums: Sums = {};
  for (const [chunk, weights_U_R] of zip(chunks, weights)) {
    const batch = lossBatch(chunk, pack(chunk), weights_U_R, klCoefficient);
    const [, stats] = await graphs.accumulate(model.params, gradients, batch, policies);
    sums = addStats(sums, stats);
  }
  return sums;
}

/**
 * Compiles the learner for a model, whose parameters it changes in place.
 * @param moments AdamW's moments to continue from; default: zeros
 */
export function createLearner(model: Model, options: LearnerOptions, moments?: Moments<NdArray>): Learner {
  const { params } = model;
  const state = moments ?? { first: zerosLike(params), second: zerosLike(params) };
  const gradients = zerosLike(params);
  const compiled = compile(model, options);
  return {
    params,
    ...state,
    logProbs: (units) => logProbsOf(compiled, params, units),
    referenceLogProbs(units) {
      const { reference } = compiled;
      invariant(reference, "referenceLogProbs: no reference policy is kept: set kl.use to loss or reward");
      return logProbsOf(compiled, reference, units);
    },
    async update(units, { learningRate, step, klCoefficient = 0 }) {
      const inLoss = options.kl?.use === "loss" ? klCoefficient : undefined;
      const sums = await accumulate(compiled, gradients, units, inLoss);
      const hyper = adamwHostStep(step, learningRate, options);
      const [, , result] = await compiled.graphs.apply(params, state, gradients, hyper);
      const responses = units.flatMap((unit) => unit.responses);
      const tokens = responses.reduce((count, response) => count + response.length, 0);
      return {
        ...statsOf(sums, tokens),
        gradNorm: result.norm.data[0] as number,
        isApplied: result.finite.data[0] === 1,
      };
    },
  };
}
