/**
 * @module The engine that settings name.
 */
import { randomUUID } from "node:crypto";
import { findDevice, requirePrecision } from "../compile/runtime/devices.js";
import type { CardMemory } from "../compile/runtime/trial.js";
import { engineKey } from "../config/load.js";
import type { RunConfig } from "../config/schema.js";
import { ConfigError } from "../core/errors.js";
import { given } from "../core/given.js";
import { loadProcessor } from "../model/processor.js";
import type { Engine } from "./engine.js";
import { loadEngine } from "./local/engine.js";
import { localSettings } from "./local/settings.js";
import { withRolloutServer } from "./openAi/rolloutServer.js";
import { startEngine } from "./process/engineInProcess.js";
import { openTinkerEngine } from "./tinker/engine.js";

/** Settings of a run, and the card that its graphs run on. */
export interface PlacedRun {
  readonly config: RunConfig;
  readonly card?: CardMemory;
}

/**
 * The settings with the device that graphs will run on in place of `auto`; to be asked for before anything is read.
 * @throws ConfigError when the device cannot be had, with what is missing and what mends it
 */
export async function placeRun(config: RunConfig): Promise<PlacedRun> {
  const { kind, device: wanted, precision } = config.engine;
  if (kind !== "process" && kind !== "local") return { config };
  const { device, card } = await findDevice(wanted);
  requirePrecision(device, precision);
  return { config: { ...config, engine: { ...config.engine, device } }, ...given({ card }) };
}

/** As `placeRun`, for who needs the settings alone. */
export async function withDevice(config: RunConfig): Promise<RunConfig> {
  return (await placeRun(config)).config;
}

/**
 * Opens an engine for a run.
 * @param model the model's folder
 * @param onNote told which server samples, where another does
 * @throws ModelError or CheckpointError naming the file that is missing or damaged
 */
export async function openEngine(
  config: RunConfig,
  model: string,
  onNote?: (note: string) => void,
): Promise<Engine> {
  const engine = await openLearning(config, model);
  const { server: url, adapters, adaptersThere, publishEvery } = config.rollout;
  if (url === "") return engine;
  try {
    return await withRolloutServer(engine, {
      ...{ url, adapters, publishEvery, key: engineKey(), run: `sharegrpo-${randomUUID().slice(0, 8)}` },
      ...(adaptersThere === "" ? {} : { adaptersThere }),
      ...{ processor: await loadProcessor(model), onNote },
    });
  } catch (error) {
    await engine.close();
    throw error;
  }
}

async function openLearning(config: RunConfig, model: string): Promise<Engine> {
  const settings = { model, local: localSettings(config) };
  switch (config.engine.kind) {
    case "process":
      return startEngine(settings);
    case "local":
      return loadEngine(settings);
    case "tinker": {
      const { imageToken, size: vocabulary } = await loadProcessor(model);
      return openTinkerEngine({
        ...{ ...config.engine, key: engineKey(), seed: config.seed, updateLoss: config.update.loss },
        ...{ imageToken, vocabulary },
      });
    }
    case "ray":
      throw new ConfigError("engine.kind=ray: carries out whole runs: `sharegrpo train` hands them over");
  }
}
