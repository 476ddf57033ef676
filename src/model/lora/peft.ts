/**
 * @module Adapter folders in PEFT's format: `adapter_config.json` and `adapter_model.safetensors`.
 *
 * Names are written as modules are called in memory since transformers 4.52; both ways are read. Every tensor is
 * counted: an adapter whose names fit no module is refused, where PEFT loads nothing and warns.
 *
 * Source: peft 0.21.2, tuners/lora/config.py and utils/save_and_load.py.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { ModelError } from "../../core/errors.js";
import { makeFolder, writeFileAtomic } from "../../core/files/atomic.js";
import { listed } from "../../core/listed.js";
import type { NdArray } from "../../core/ndarray.js";
import { own } from "../../core/own.js";
import type { Network } from "../family.js";
import { checkModelFile, readModelJson } from "../modelFiles.js";
import { readSafetensors, writeSafetensors } from "../safetensors.js";
import { type Adapter, adapterNames } from "./adapter.js";
import { adaptedModules, type LoraSpec, type ModuleNames, moduleName } from "./spec.js";

export const ADAPTER_CONFIG = "adapter_config.json";
export const ADAPTER_WEIGHTS = "adapter_model.safetensors";

const count = z.int().positive();
const modules = z.union([z.string(), z.array(z.string())]);

const configSchema = z.looseObject({
  peft_type: z.literal("LORA"),
  r: count,
  lora_alpha: z.number(),
  use_rslora: z.boolean().default(false),
  target_modules: modules,
  exclude_modules: modules.nullish(),
  rank_pattern: z.record(z.string(), count).default({}),
  alpha_pattern: z.record(z.string(), z.number()).default({}),
});

/** Fields that change nothing in what the adapter computes. */
const NEUTRAL = new Set([
  ...Object.keys(configSchema.shape),
  "auto_mapping",
  "base_model_name_or_path",
  "inference_mode",
  "lora_dropout",
  "megatron_core",
  "peft_version",
  "qalora_group_size",
  "revision",
  "task_type",
]);

/** Values under which a field asks for nothing. */
const OFF: Readonly<Record<string, readonly unknown[]>> = {
  bias: ["none"],
  init_lora_weights: [true, "gaussian", "orthogonal", "eva"],
};

function isOff(field: string, value: unknown): boolean {
  if (value === null || value === false || own(OFF, field)?.includes(value)) return true;
  return typeof value === "object" && Object.keys(value as object).length === 0;
}

/** @throws ModelError naming the fields that ask for what is not implemented */
function specOf(json: unknown, path: string): LoraSpec {
  const config = checkModelFile(configSchema, json, path);
  const unsupported = Object.entries(config)
    .filter(([field, value]) => !NEUTRAL.has(field) && !isOff(field, value))
    .map(([field, value]) => `${field}: ${JSON.stringify(value)}`);
  if (unsupported.length > 0) {
    throw new ModelError(
      `${path}: unsupported settings: ${listed(unsupported)}; merge the adapter with peft's merge_and_unload`,
    );
  }
  return {
    rank: config.r,
    alpha: config.lora_alpha,
    usesRslora: config.use_rslora,
    targets: config.target_modules,
    ...(config.exclude_modules == null ? {} : { excludes: config.exclude_modules }),
    rankPattern: config.rank_pattern,
    alphaPattern: config.alpha_pattern,
  };
}

/** Whether a folder holds an adapter. */
export async function isAdapterFolder(dir: string): Promise<boolean> {
  return (await readdir(dir).catch(() => [] as string[])).includes(ADAPTER_CONFIG);
}

/** `base_model_name_or_path` of an adapter folder. */
export async function adapterBase(dir: string): Promise<string | undefined> {
  const json = (await readModelJson(join(dir, ADAPTER_CONFIG))) as
    | { base_model_name_or_path?: unknown }
    | undefined;
  const base = json?.base_model_name_or_path;
  return typeof base === "string" && base !== "" ? base : undefined;
}

/**
 * Reads an adapter folder.
 * @throws ModelError when a file is missing, asks for what is not implemented, or does not fit the network tensor by
 *   tensor; CheckpointError when the weights are damaged
 */
export async function readAdapter(dir: string, network: Network): Promise<Adapter> {
  const path = join(dir, ADAPTER_CONFIG);
  const json = await readModelJson(path);
  if (json === undefined) throw new ModelError(`${dir}: missing ${ADAPTER_CONFIG}: not an adapter folder`);
  const spec = specOf(json, path);
  if ((await readdir(dir)).includes("adapter_model.bin")) {
    throw new ModelError(
      `${dir}: unsupported weights: adapter_model.bin is a Python pickle; save it anew with safe_serialization=True`,
    );
  }
  const weights = join(dir, ADAPTER_WEIGHTS);
  const saved = await readSafetensors(weights);
  const isShort = Object.keys(saved).some((name) =>
    /^base_model\.model\.(model\.layers|visual)\./.test(name),
  );
  return adapterOf(network, spec, saved, { names: isShort ? "short" : "long", where: weights });
}

/** Finds each module's arrays under PEFT's names. */
function adapterOf(
  network: Network,
  spec: LoraSpec,
  saved: Readonly<Record<string, NdArray>>,
  { names, where }: { readonly names: ModuleNames; readonly where: string },
): Adapter {
  const adapted = adaptedModules(network, spec, names);
  const expected = adapted.flatMap(({ name, rank, inputs, outputs }) => {
    const ours = adapterNames(name);
    const theirs = adapterNames(peftName(name, names));
    return [
      { ours: ours.a, theirs: theirs.a, shape: [rank, inputs] },
      { ours: ours.b, theirs: theirs.b, shape: [outputs, rank] },
    ];
  });
  const known = new Set(expected.map(({ theirs }) => theirs));
  const missing = expected.filter(({ theirs }) => !Object.hasOwn(saved, theirs)).map(({ theirs }) => theirs);
  const unexpected = Object.keys(saved).filter((name) => !known.has(name));
  const misshapen = expected.flatMap(({ theirs, shape }) => {
    const got = Object.hasOwn(saved, theirs) ? saved[theirs] : undefined;
    return got && got.shape.join() !== shape.join()
      ? [`${theirs}: expected [${shape}], got [${got.shape}]`]
      : [];
  });
  const problems = [
    ...(missing.length > 0 ? [`missing: ${listed(missing)}`] : []),
    ...(unexpected.length > 0 ? [`unexpected: ${listed(unexpected)}`] : []),
    ...(misshapen.length > 0 ? [`wrong shape: ${listed(misshapen)}`] : []),
  ];
  if (problems.length > 0) {
    throw new ModelError(
      `${where}: does not fit ${ADAPTER_CONFIG} and the model: ${problems.join("; ")} (${expected.length} tensors expected)`,
    );
  }
  const params = Object.fromEntries(expected.map(({ ours, theirs }) => [ours, saved[theirs] as NdArray]));
  return { spec, modules: adapted, params };
}

function peftName(module: string, names: ModuleNames): string {
  return `base_model.model.${moduleName(module, names)}`;
}

/**
 * Writes an adapter folder that `PeftModel.from_pretrained` loads.
 * @param base the model it belongs to: a folder or a hub's name
 * @throws CheckpointError when it cannot be written
 */
export async function writeAdapter(dir: string, adapter: Adapter, base: string): Promise<void> {
  await makeFolder(dir);
  const renamed = adapter.modules.flatMap(({ name }) => {
    const [ours, theirs] = [adapterNames(name), adapterNames(peftName(name, "long"))];
    return [
      [theirs.a, adapter.params[ours.a] as NdArray],
      [theirs.b, adapter.params[ours.b] as NdArray],
    ] as const;
  });
  await writeSafetensors(join(dir, ADAPTER_WEIGHTS), Object.fromEntries(renamed));
  const { spec } = adapter;
  const config = {
    peft_type: "LORA",
    task_type: "CAUSAL_LM",
    base_model_name_or_path: base,
    inference_mode: true,
    r: spec.rank,
    lora_alpha: spec.alpha,
    lora_dropout: 0,
    use_rslora: spec.usesRslora,
    bias: "none",
    target_modules: spec.targets,
    exclude_modules: spec.excludes ?? null,
    rank_pattern: spec.rankPattern ?? {},
    alpha_pattern: spec.alphaPattern ?? {},
  };
  await writeFileAtomic(join(dir, ADAPTER_CONFIG), `${JSON.stringify(config, undefined, 2)}\n`);
}
