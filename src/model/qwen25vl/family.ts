/**
 * @module Qwen2.5-VL (arXiv 2502.13923).
 */
import type { Family } from "../family.js";
import { shortName } from "../transformer/shapes.js";
import { parseConfig, type Qwen25Config } from "./config.js";
import { layOut } from "./layout.js";
import { paramShapes } from "./names.js";
import { tower } from "./tower.js";

export const qwen25vl: Family<Qwen25Config> = {
  modelType: "qwen2_5_vl",
  parseConfig,
  shapes: paramShapes,
  rename: shortName,
  publishedName: (name) => name,
  layOut,
  tower,
};
