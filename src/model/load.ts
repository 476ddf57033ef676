/**
 * @module A model folder in Hugging Face layout as one thing: network, weights and processor.
 *
 * The network is `config.json` and, for end and padding tokens, `generation_config.json`; weights are
 * `model.safetensors` or its shards.
 */
import { join } from "node:path";
import { z } from "zod";
import { ModelError } from "../core/errors.js";
import { packageRoot } from "../core/files/packageRoot.js";
import type { NdArray, Params } from "../core/ndarray.js";
import { parseNetwork } from "./families.js";
import type { Network } from "./family.js";
import { mergedWeight } from "./lora/adapter.js";
import { ADAPTER_CONFIG, adapterBase, isAdapterFolder, readAdapter } from "./lora/peft.js";
import { checkModelFile, readModelJson, requireModelFolder } from "./modelFiles.js";
import { IMAGE_TOKEN, loadProcessor, type Processor } from "./processor.js";
import { openWeights } from "./weights/open.js";
import { readAllAndClose } from "./weights/tensorStore.js";

/** A model folder in memory: network, weights, processor. */
export interface Model extends Network {
  readonly params: Params;
  /** The folder it came from. */
  readonly dir: string;
  readonly processor: Processor;
}

/** Files of a model folder that are copied into checkpoints; weights are written anew. */
export const MODEL_FILES: readonly string[] = [
  "config.json",
  "generation_config.json",
  "preprocessor_config.json",
  "video_preprocessor_config.json",
  "processor_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.json",
  "merges.txt",
  "chat_template.jinja",
  "chat_template.json",
];

/** The folder that a model's name stands for; `tiny` is the bundled policy. */
export function modelFolder(model: string): string {
  return model === "tiny" ? join(packageRoot(), "data", "models", "tiny") : model;
}

/**
 * Loads a Hugging Face model folder.
 * @throws ModelError or CheckpointError naming the file that is missing or damaged
 */
export async function loadModel(dir: string): Promise<Model> {
  const network = await loadNetwork(dir);
  const processor = await loadProcessor(dir);
  checkFit(network, processor);
  return { ...network, params: await loadParams(dir, network), dir, processor };
}

/** @throws ModelError when pictures are cut otherwise than the network expects, or their token is another's */
function checkFit({ config }: Network, { dir, image, imageToken, size }: Processor): void {
  const { vision, tokens } = config;
  const pairs = [
    ["patch_size", image.patchSize, vision.patchSize],
    ["temporal_patch_size", image.temporalPatchSize, vision.temporalPatchSize],
    ["merge_size", image.mergeSize, vision.spatialMergeSize],
    [`id of ${IMAGE_TOKEN}`, imageToken, tokens.image],
  ] as const;
  const problems = pairs
    .filter(([, prepared, expected]) => prepared !== expected)
    .map(([what, prepared, expected]) => `${what} ${prepared}, config.json expects ${expected}`);
  if (size > config.vocabSize) problems.push(`${size} tokens, config.json has room for ${config.vocabSize}`);
  if (problems.length === 0) return;
  const advice = "copy all files from the folder the model was published in";
  throw new ModelError(
    `${dir}: tokenizer and picture settings are another model's: ${problems.join("; ")}; ${advice}`,
  );
}

const token = z.int().nonnegative();
const generationSchema = z.looseObject({
  eos_token_id: z.union([token, z.array(token)]).nullish(),
  pad_token_id: token.nullish(),
});

/**
 * Family and sizes, with the end and padding tokens of `generation_config.json` where that names them.
 * @throws ModelError when the folder or config.json is missing or unusable, or no token ends a response
 */
export async function loadNetwork(dir: string): Promise<Network> {
  await requireModelFolder(dir);
  const path = join(dir, "config.json");
  const json = await readModelJson(path);
  if (json === undefined) {
    throw new ModelError(`${dir}: missing config.json; copy the whole model folder, not the weights alone`);
  }
  const { family, config } = parseNetwork(json, path);
  const generation = join(dir, "generation_config.json");
  const found = checkModelFile(generationSchema, (await readModelJson(generation)) ?? {}, generation);
  const eos = found.eos_token_id == null ? config.tokens.eos : [found.eos_token_id].flat();
  if (eos.length === 0) {
    throw new ModelError(`${generation}: missing end token: eos_token_id; add it there or to config.json`);
  }
  return {
    family,
    config: { ...config, tokens: { ...config.tokens, eos, pad: found.pad_token_id ?? config.tokens.pad } },
  };
}

/**
 * The weights in 32 bits, under our names for them; those of an adapter are its base's with it merged.
 * @throws ModelError when they are missing or do not fit the network; CheckpointError when a file is damaged
 */
export async function loadParams(dir: string, network: Network): Promise<Params> {
  if (!(await isAdapterFolder(dir))) return readAllAndClose(await openWeights(dir, network));
  const base = await adapterBase(dir);
  if (base === undefined) throw new ModelError(`${join(dir, ADAPTER_CONFIG)}: names no base: merge it first`);
  const params = await readAllAndClose(await openWeights(base, network));
  const { modules, params: adapter } = await readAdapter(dir, network);
  const merged = modules.map((module) => {
    const weight = `${module.name}.weight`;
    return [weight, mergedWeight(params[weight] as NdArray, module, adapter)] as const;
  });
  return { ...params, ...Object.fromEntries(merged) };
}
