/**
 * @module A model folder in Hugging Face layout: `config.json`, `generation_config.json` if there is one, and
 * `model.safetensors` or its shards.
 */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { ModelError, messageOf } from "../../core/errors.js";
import type { Params } from "../../core/ndarray.js";
import { readSafetensors } from "../safetensors.js";
import { type ModelConfig, parseModelConfig } from "./config.js";
import { checkParams } from "./params.js";

export interface Model {
  readonly config: ModelConfig;
  readonly params: Params;
  readonly dir: string;
}

/**
 * @throws ModelError when the folder or a file is missing, or parameters do not fit the config
 * @throws CheckpointError when a weights file is damaged
 */
export async function loadModel(dir: string): Promise<Model> {
  if (!(await isThere(dir))) {
    throw new ModelError(
      `loadModel: missing model folder: ${dir}; give the path of a folder with config.json`,
    );
  }
  const config = await loadConfig(dir);
  const single = join(dir, "model.safetensors");
  const index = join(dir, "model.safetensors.index.json");
  const weights = (await isThere(single)) ? single : index;
  if (!(await isThere(weights))) {
    throw new ModelError(
      `${dir}: missing model.safetensors and model.safetensors.index.json; copy the weights into the folder`,
    );
  }
  const params = publishedNames(await readSafetensors(weights), config);
  checkParams(config, params, weights);
  return { config, params, dir };
}

/** The config alone, with the end and padding tokens of `generation_config.json` where that names them. */
export async function loadConfig(dir: string): Promise<ModelConfig> {
  const path = join(dir, "config.json");
  if (!(await isThere(path))) {
    throw new ModelError(`${dir}: missing config.json; copy the whole model folder, not the weights alone`);
  }
  const config = parseModelConfig(await readJson(path), path);
  const generationPath = join(dir, "generation_config.json");
  if (!(await isThere(generationPath))) return config;
  const parsed = generationSchema.safeParse(await readJson(generationPath));
  if (!parsed.success) {
    throw new ModelError(`${generationPath}: invalid token ids: ${parsed.error.issues[0]?.message}`);
  }
  const { eos_token_id: eos, pad_token_id: pad } = parsed.data;
  return {
    ...config,
    tokens: {
      ...config.tokens,
      ...(eos == null ? {} : { eos: [eos].flat() }),
      ...(pad == null ? {} : { pad }),
    },
  };
}

const generationSchema = z.object({
  eos_token_id: z.union([z.int(), z.array(z.int())]).nullish(),
  pad_token_id: z.int().nullish(),
});

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, "utf8");
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ModelError(`${path}: invalid JSON: ${messageOf(cause)}`, { cause });
  }
}

/**
 * Some versions of transformers save under their module names; published checkpoints use shorter ones. A tied head that
 * was saved as well is dropped: the embedding is the head.
 */
function publishedNames(params: Params, config: ModelConfig): Params {
  const renamed = Object.entries(params).map(
    ([name, array]) =>
      [
        name.replace(/^model\.visual\./, "visual.").replace(/^model\.language_model\./, "model."),
        array,
      ] as const,
  );
  return Object.fromEntries(
    renamed.filter(([name]) => !(config.tieWordEmbeddings && name === "lm_head.weight")),
  );
}
