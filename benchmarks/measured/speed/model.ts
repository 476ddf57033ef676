/**
 * @module The 6 M-parameter models that both sides of the speed benchmark run: random weights, Hugging Face folders.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Params, sizeOf } from "../../../src/core/ndarray.js";
import { Rng } from "../../../src/core/rng.js";
import { parseNetwork } from "../../../src/model/families.js";
import type { Model } from "../../../src/model/load.js";
import { initParams } from "../../../src/model/params.js";
import type { Processor } from "../../../src/model/processor.js";
import { writeSafetensors } from "../../../src/model/safetensors.js";
import { tinyModelConfig } from "../../../src/tiny/config.js";

export const VOCABULARY = 1024;

/**
 * How many key-value heads serve the 8 query heads. Qwen2.5-VL is grouped, with 5 to 8 query heads a key head; a model
 * that is not has a cache four times the size. The width of SwiGLU makes up for the parameters.
 */
export const HEADS = {
  grouped: { keyValueHeads: 2, intermediateSize: 1024 },
  ungrouped: { keyValueHeads: 8, intermediateSize: 896 },
} as const;
export type Heads = keyof typeof HEADS;

/** The published architecture at hidden size 256; the vision tower is there for the layout and stays idle. */
function sixMillionConfig(processor: Processor, heads: Heads) {
  const { keyValueHeads, intermediateSize } = HEADS[heads];
  const tiny = tinyModelConfig(VOCABULARY, Object.fromEntries(processor.specialTokens));
  return {
    ...tiny,
    hidden_size: 256,
    intermediate_size: intermediateSize,
    num_hidden_layers: 6,
    num_attention_heads: 8,
    num_key_value_heads: keyValueHeads,
    vision_config: {
      ...tiny.vision_config,
      depth: 1,
      hidden_size: 24,
      intermediate_size: 32,
      num_heads: 2,
      fullatt_block_indexes: [0],
      out_hidden_size: 256,
    },
  };
}

/**
 * Writes the model's folder.
 * @param processor lends its tokenizer's special tokens
 */
export async function writeSixMillion(dir: string, processor: Processor, heads: Heads): Promise<Model> {
  await mkdir(dir, { recursive: true });
  const json = sixMillionConfig(processor, heads);
  const network = parseNetwork(json, "sixMillionConfig");
  const params = initParams(network, Rng.fromSeed(1).split("speed"));
  await writeFile(join(dir, "config.json"), `${JSON.stringify(json, undefined, 2)}\n`);
  await writeSafetensors(join(dir, "model.safetensors"), params);
  return { ...network, params, dir, processor };
}

/** Parameters of the decoder, embedding included. */
export function decoderSize(params: Params): number {
  const decoder = Object.entries(params).filter(([name]) => !name.startsWith("visual."));
  return decoder.reduce((sum, [, { shape }]) => sum + sizeOf(shape), 0);
}
