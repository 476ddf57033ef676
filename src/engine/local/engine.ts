/**
 * @module An engine on the calling thread: one model that samples and learns. Its graphs block that thread while they
 * run; process/ puts the same engine into a process of its own.
 */
import { requireDevice, requirePrecision } from "../../compile/runtime/devices.js";
import { loadModel, type Model } from "../../model/load.js";
import { ENGINE_ABILITIES } from "../abilities.js";
import type { Engine } from "../engine.js";
import { loadLayeredEngine } from "./layered/engine.js";
import { createLearner } from "./learner.js";
import { createLocalPolicy } from "./localPolicy.js";
import { memoryReport } from "./memoryReport.js";
import { createPromptReader } from "./promptReader.js";
import { createSampler } from "./sampler.js";
import { type LocalSettings, runtimeOf } from "./settings.js";

/** What an engine is made of. */
export interface EngineSettings {
  /** Model folder. */
  readonly model: string;
  readonly local: LocalSettings;
}

/** An engine that trains `model` in place. */
export function createEngine(model: Model, settings: LocalSettings): Engine {
  const readPrompts = createPromptReader(model.processor);
  const learner = createLearner(model, settings, { readPrompts });
  const { weights, policyStep } = learner;
  const policy = createLocalPolicy(model, { readPrompts, runtime: runtimeOf(settings), weights });
  return {
    abilities: ENGINE_ABILITIES.local,
    learner,
    sampler: createSampler(policy, { maxRows: settings.maxRows, policyStep }),
    publish: () => Promise.resolve(),
    report: memoryReport,
    close: learner.close,
  };
}

/** Loads a model folder and makes an engine of it. @throws ModelError or CheckpointError naming the file */
export async function loadEngine({ model, local: asked }: EngineSettings): Promise<Engine> {
  // Another device than `auto` was tried when the settings were read, or says itself what it lacks.
  const { device: wanted = "cpu", precision = "float32" } = asked;
  const device = wanted === "auto" ? await requireDevice(wanted) : wanted;
  requirePrecision(device, precision);
  const local = { ...asked, device };
  const { lora } = local;
  if (lora) return loadLayeredEngine(model, { ...local, lora });
  return createEngine(await loadModel(model), local);
}
