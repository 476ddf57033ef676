/**
 * @module The sizes of a Qwen2.5-VL model, read from a Hugging Face `config.json`: the published flat layout, or the one
 * with a `text_config` inside that newer libraries write.
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

/** The shared sizes, and those of window attention. */
export interface Qwen25Config extends ModelConfig {
  readonly vision: Qwen25VisionSizes;
}

export interface Qwen25VisionSizes extends VisionSizes {
  /** Pixels on a side of an attention window, in blocks that are not of full attention. */
  readonly windowSize: number;
}

const visionSchema = visionShape.extend({
  depth: count.default(32),
  patch_size: count.default(14),
  window_size: count.default(112),
  fullatt_block_indexes: z.array(z.int().nonnegative()).default([7, 15, 23, 31]),
  in_channels: count.optional(),
  in_chans: count.optional(),
  hidden_act: z.literal("silu").default("silu"),
});

const KIND: ConfigKind<typeof visionSchema> = {
  name: "Qwen2.5-VL",
  modelType: "qwen2_5_vl",
  vision: visionSchema,
  defaults: { ropeTheta: 1_000_000, sections: [16, 24, 24] },
  // One section after the other.
  rotaryAxes: (sections) => sections.flatMap((size, axis) => new Array<number>(size).fill(axis)),
};

/**
 * @param json the parsed file
 * @param where the file's path, for messages
 * @throws ModelError when a field is missing, of the wrong kind, or contradicts another
 */
export function parseConfig(json: unknown, where: string): Qwen25Config {
  const { shared, vision } = readConfig(json, where, KIND);
  const config = { ...shared, vision: visionSizes(vision) };
  const { windowSize, patchSize, spatialMergeSize } = config.vision;
  checkConfig(config, where, [
    [
      windowSize % (patchSize * spatialMergeSize) === 0,
      "window_size is not a multiple of patch_size × spatial_merge_size",
    ],
  ]);
  return config;
}

function visionSizes(vision: z.infer<typeof visionSchema>): Qwen25VisionSizes {
  return {
    ...sharedVisionSizes(vision),
    windowSize: vision.window_size,
    fullAttentionLayers: vision.fullatt_block_indexes,
    inChannels: vision.in_channels ?? vision.in_chans ?? 3,
  };
}
