/**
 * @module Qwen3-VL (arXiv 2511.21631), dense: interleaved M-RoPE, normalised queries and keys, DeepStack.
 */
import type { Family } from "../family.js";
import { moduleName, shortName } from "../transformer/shapes.js";
import { parseConfig, type Qwen3Config } from "./config.js";
import { layOut } from "./layout.js";
import { paramShapes } from "./names.js";
import { tower } from "./tower.js";

export const qwen3vl: Family<Qwen3Config> = {
  modelType: "qwen3_vl",
  parseConfig,
  shapes: paramShapes,
  rename: shortName,
  publishedName: moduleName,
  layOut,
  tower,
};
