/**
 * @module A very small model that reads large pictures: window attention alone, so that thousands of patches cost little.
 */
import { cp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Rng } from "../../../src/core/rng.js";
import { parseNetwork } from "../../../src/model/families.js";
import { modelFolder } from "../../../src/model/load.js";
import { initParams } from "../../../src/model/params.js";
import { loadProcessor } from "../../../src/model/processor.js";
import { writeSafetensors } from "../../../src/model/safetensors.js";
import { tinyModelConfig } from "../../../src/tiny/config.js";

/** Writes the folder; tokenizer, template and image settings are those of the bundled policy. */
export async function writeWindowModel(dir: string): Promise<void> {
  const tiny = modelFolder("tiny");
  const processor = await loadProcessor(tiny);
  await cp(tiny, dir, { recursive: true });
  const rows = 64 * Math.ceil(processor.size / 64);
  const base = tinyModelConfig(rows, Object.fromEntries(processor.specialTokens));
  const vision = { ...base.vision_config, depth: 1, hidden_size: 24, intermediate_size: 32, num_heads: 2 };
  const json = {
    ...base,
    hidden_size: 32,
    intermediate_size: 48,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    rope_scaling: { type: "mrope", mrope_section: [2, 3, 3] },
    vision_config: { ...vision, out_hidden_size: 32, fullatt_block_indexes: [] },
  };
  await writeFile(join(dir, "config.json"), `${JSON.stringify(json, undefined, 2)}\n`);
  const params = initParams(parseNetwork(json, "window model"), Rng.fromSeed(1).split("window"));
  await writeSafetensors(join(dir, "model.safetensors"), params);
}
