/**
 * @module An engine on the calling thread for models too large to train whole: weights stay in their files, an adapter
 * is trained layer by layer, and the policy that samples is the same weights with the adapter of the moment.
 */
import { ConfigError } from "../../../core/errors.js";
import { given } from "../../../core/given.js";
import { listed } from "../../../core/listed.js";
import { Rng } from "../../../core/rng.js";
import { type Adapter, initAdapter } from "../../../model/lora/adapter.js";
import { ENGINE_ABILITIES, withAdapters } from "../../abilities.js";
import type { Engine } from "../../engine.js";
import { memoryReport } from "../memoryReport.js";
import { createPromptReader } from "../promptReader.js";
import { createSampler } from "../sampler.js";
import { type LocalSettings, type LoraSettings, runtimeOf } from "../settings.js";
import { createLayeredLearner } from "./learner.js";
import { layeredModel, type OpenModel, openModel } from "./model.js";
import { createLayeredPolicy } from "./policy.js";

/** An engine that trains a new adapter of `model`. @throws ConfigError when the adapter reaches into the vision tower */
export function createLayeredEngine(
  model: OpenModel,
  settings: LocalSettings & { readonly lora: LoraSettings },
): Engine {
  const { spec, seed, precision } = settings.lora;
  const adapter = initAdapter(model, spec, Rng.fromSeed(seed));
  requireDecoderOnly(adapter);
  const layered = layeredModel(model, runtimeOf({ ...settings, blocks: false }));
  const readPrompts = createPromptReader(model.processor);
  const learner = createLayeredLearner(layered, { adapter, readPrompts, microBatch: settings.microBatch });
  const policy = createLayeredPolicy(layered, readPrompts, { adapter, ...given({ precision }) });
  return {
    abilities: withAdapters(ENGINE_ABILITIES.local),
    learner,
    sampler: createSampler(policy, { maxRows: settings.maxRows, policyStep: learner.policyStep }),
    publish: () => Promise.resolve(),
    report: memoryReport,
    close: async () => {
      await policy.close();
      await model.store.close();
    },
  };
}

/** The tower runs once per image and is kept: what it gives must not change. */
function requireDecoderOnly({ modules }: Adapter): void {
  const outside = modules.map(({ name }) => name).filter((name) => !name.startsWith("model.layers."));
  if (outside.length === 0) return;
  throw new ConfigError(
    `lora.targets: unsupported modules: ${listed(outside)}: only layers of the decoder are trained; name them in lora.excludes`,
  );
}

/** Opens a model folder and makes an engine of it. @throws ModelError or CheckpointError naming the file */
export async function loadLayeredEngine(
  model: string,
  settings: LocalSettings & { readonly lora: LoraSettings },
): Promise<Engine> {
  return createLayeredEngine(await openModel(model), settings);
}
