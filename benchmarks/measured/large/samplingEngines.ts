/**
 * @module Engines that sample from a model of real size, in processes of their own: weights of 8 bits lie beside the model
 * for as long as they are measured.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { RunConfig } from "../../../src/config/schema.js";
import { given } from "../../../src/core/given.js";
import type { Engine } from "../../../src/engine/engine.js";
import { localSettings } from "../../../src/engine/local/settings.js";
import { startEngine } from "../../../src/engine/process/engineInProcess.js";

/** @param use is given what starts an engine; the first packs the weights where `rollout.weights` is `int8` */
export async function withSamplingEngines<T>(
  model: string,
  config: RunConfig,
  use: (start: () => Engine) => Promise<T>,
): Promise<T> {
  const cache = await mkdtemp(join(dirname(model), "packed-"));
  const { lora, ...local } = localSettings(config);
  const { weights } = config.rollout;
  const precision = weights === "int8" ? { weights, cache } : { weights };
  const settings = { ...local, ...given({ lora: lora && { ...lora, precision } }) };
  try {
    return await use(() => startEngine({ model, local: settings }));
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
}
