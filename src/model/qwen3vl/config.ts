/**
 * @module The sizes of a dense Qwen3-VL model (2B, 4B, 8B, 32B), read from a Hugging Face `config.json`.
 */
import { z } from "zod";
import {
  type ConfigKind,
  checkConfig,
  count,
  readConfig,
  sharedVisionSizes,
  visionShape,
} from "../configFile.js";
import type { ModelConfig, VisionSizes } from "../modelConfig.js";

/** The shared sizes, and those of learned positions and DeepStack. */
export interface Qwen3Config extends ModelConfig {
  readonly vision: Qwen3VisionSizes;
}

export interface Qwen3VisionSizes extends VisionSizes {
  /** Learned positions on a side of their square. */
  readonly positionsPerSide: number;
  /** Blocks after which rows are read off for the decoder's first layers, in the order of those layers. */
  readonly deepstackBlocks: readonly number[];
}

const visionSchema = visionShape.extend({
  depth: count.default(27),
  hidden_size: count.default(1152),
  intermediate_size: count.default(4304),
  out_hidden_size: count.default(3584),
  patch_size: count.default(16),
  in_channels: count.default(3),
  num_position_embeddings: count.default(2304),
  deepstack_visual_indexes: z.array(z.int().nonnegative()).default([8, 16, 24]),
  hidden_act: z.literal("gelu_pytorch_tanh").default("gelu_pytorch_tanh"),
});

const KIND: ConfigKind<typeof visionSchema> = {
  name: "Qwen3-VL",
  modelType: "qwen3_vl",
  vision: visionSchema,
  defaults: { ropeTheta: 500_000, sections: [24, 20, 20] },
  rotaryAxes: interleavedAxes,
};

/** Frequencies go to time, height and width in turn until height and width have theirs; the rest is time's. */
function interleavedAxes(sections: readonly number[]): number[] {
  const total = sections.reduce((sum, size) => sum + size, 0);
  return Array.from({ length: total }, (_, i) => (i < 3 * (sections[i % 3] as number) ? i % 3 : 0));
}

/**
 * @param json the parsed file
 * @param where the file's path, for messages
 * @throws ModelError when a field is missing, of the wrong kind, or contradicts another
 */
export function parseConfig(json: unknown, where: string): Qwen3Config {
  const { shared, vision } = readConfig(json, where, KIND);
  const config = { ...shared, vision: visionSizes(vision) };
  const { depth, deepstackBlocks, positionsPerSide } = config.vision;
  checkConfig(config, where, [
    [Number.isInteger(positionsPerSide), "num_position_embeddings is not a square"],
    [deepstackBlocks.every((block) => block < depth), "deepstack_visual_indexes names a block beyond depth"],
    [deepstackBlocks.length <= config.layers, "deepstack_visual_indexes has more entries than layers"],
    [new Set(deepstackBlocks).size === deepstackBlocks.length, "deepstack_visual_indexes repeats a block"],
  ]);
  return config;
}

function visionSizes(vision: z.infer<typeof visionSchema>): Qwen3VisionSizes {
  return {
    ...sharedVisionSizes(vision),
    fullAttentionLayers: Array.from({ length: vision.depth }, (_, block) => block),
    inChannels: vision.in_channels,
    positionsPerSide: Math.sqrt(vision.num_position_embeddings),
    deepstackBlocks: vision.deepstack_visual_indexes,
  };
}
