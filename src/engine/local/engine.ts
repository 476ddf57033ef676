/**
 * @module The policy under training as something that answers requests: sample, score, update, save. Everything a
 * request holds is plain data, so that the engine can live in a process of its own (process/engineInProcess.ts).
 */
import process from "node:process";
import type { OnProgress } from "../../core/progress.js";
import { loadModel, type Model } from "../../model/load.js";
import { checkParams, ownParams, publishedParams } from "../../model/params.js";
import type { Unit } from "../../model/transformer/pack.js";
import type { UpdateUnit } from "../../policy/units.js";
import type { Rollout } from "../../records.js";
import { loadCheckpoint, saveCheckpoint, type TrainState } from "./checkpoint.js";
import { generate, type RolloutRequest } from "./generate.js";
import { createLearner, type LearnerOptions, type UpdateAt, type UpdateStats } from "./learner.js";
import { createLocalPolicy } from "./localPolicy.js";

/** A rollout request without callbacks. */
export type PlainRolloutRequest = Omit<RolloutRequest, "onProgress" | "signal">;

export interface Engine {
  /** `rollouts[prompt][response]`. */
  generate(request: PlainRolloutRequest, onProgress?: OnProgress): Promise<Rollout[][]>;
  /** log π of every response token under its prompt: `[unit][r][t]`. */
  logProbs(units: readonly Unit[]): Promise<Float32Array[][]>;
  /** The same of the policy that training began with; only where `kl.use` asks for it. */
  referenceLogProbs(units: readonly Unit[]): Promise<Float32Array[][]>;
  /** One optimizer step. */
  update(units: readonly UpdateUnit[], at: UpdateAt): Promise<UpdateStats>;
  /** Writes a checkpoint below `parent`. @throws CheckpointError when it cannot be written */
  save(parent: string, state: TrainState): Promise<void>;
  /** Continues from a checkpoint. @throws CheckpointError when it is damaged; ModelError when it is another model's */
  restore(folder: string): Promise<void>;
  /** Memory of the engine's process. */
  memory(): Promise<MemoryUse>;
  close(): Promise<void>;
}

export interface MemoryUse {
  readonly residentBytes: number;
  /** The most there has been so far. */
  readonly peakBytes: number;
}

export interface EngineSettings {
  /** Model folder. */
  readonly model: string;
  readonly learner: LearnerOptions;
}

/** Where a checkpoint keeps them, for messages. */
const PART_FILES = {
  params: "model.safetensors",
  first: "optimizer.safetensors, first moments",
  second: "optimizer.safetensors, second moments",
} as const;

/** An engine on the calling thread. Its graphs block that thread while they run. */
export function createEngine(model: Model, options: LearnerOptions): Engine {
  const policy = createLocalPolicy(model);
  const learner = createLearner(model, options);
  return {
    generate: (request, onProgress) =>
      generate(policy, { ...request, ...(onProgress ? { onProgress } : {}) }),
    logProbs: (units) => learner.logProbs(units),
    referenceLogProbs: (units) => learner.referenceLogProbs(units),
    update: (units, at) => learner.update(units, at),
    async save(parent, state) {
      const { first, second } = learner;
      const params = publishedParams(model, learner.params);
      await saveCheckpoint(parent, { state, params, first, second }, model.dir);
    },
    async restore(folder) {
      const checkpoint = await loadCheckpoint(folder);
      const saved = { ...checkpoint, params: ownParams(model, checkpoint.params) };
      const parts = ["params", "first", "second"] as const;
      for (const part of parts) checkParams(model, saved[part], `${folder}: ${PART_FILES[part]}`);
      for (const part of parts) {
        for (const [name, array] of Object.entries(saved[part])) learner[part][name]?.data.set(array.data);
      }
    },
    memory: () =>
      Promise.resolve({
        residentBytes: process.memoryUsage.rss(),
        peakBytes: process.resourceUsage().maxRSS * 1024,
      }),
    close: () => Promise.resolve(),
  };
}

/** Loads a model folder and makes an engine of it. */
export async function loadEngine({ model, learner }: EngineSettings): Promise<Engine> {
  return createEngine(await loadModel(model), learner);
}
