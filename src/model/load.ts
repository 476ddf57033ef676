/**
 * @module A model folder as one thing: network and processor.
 */
import { join } from "node:path";
import { packageRoot } from "../core/files/packageRoot.js";
import { loadProcessor, type Processor } from "./processor.js";
import { loadModel as loadNetwork, type Model as Network } from "./qwen25vl/load.js";

export interface Model extends Network {
  readonly processor: Processor;
}

/** Files of a model folder that are copied into checkpoints; weights are written anew. */
export const MODEL_FILES: readonly string[] = [
  "config.json",
  "generation_config.json",
  "preprocessor_config.json",
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
  const processor = await loadProcessor(dir);
  return { ...(await loadNetwork(dir)), processor };
}
