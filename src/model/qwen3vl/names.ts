/**
 * @module The parameters of Qwen3-VL: names and shapes as published checkpoints hold them.
 */
import { decoderShapes, linearShapes, type Shapes } from "../transformer/shapes.js";
import type { Qwen3Config } from "./config.js";

/** Every parameter's shape; a weight matrix is `[out, in]`. */
export function paramShapes(config: Qwen3Config): Shapes {
  return { ...visionShapes(config), ...decoderShapes(config, { hasQkNorm: true }) };
}

function normShapes(name: string, size: number): Shapes {
  return { [`${name}.weight`]: [size], [`${name}.bias`]: [size] };
}

function visionShapes({ vision }: Qwen3Config): Shapes {
  const { hiddenSize, intermediateSize, patchSize } = vision;
  const merged = hiddenSize * vision.spatialMergeSize ** 2;
  const blocks = Array.from({ length: vision.depth }, (_, block): Shapes => {
    const name = `visual.blocks.${block}`;
    return {
      ...normShapes(`${name}.norm1`, hiddenSize),
      ...linearShapes(`${name}.attn.qkv`, 3 * hiddenSize, hiddenSize, true),
      ...linearShapes(`${name}.attn.proj`, hiddenSize, hiddenSize, true),
      ...normShapes(`${name}.norm2`, hiddenSize),
      ...linearShapes(`${name}.mlp.linear_fc1`, intermediateSize, hiddenSize, true),
      ...linearShapes(`${name}.mlp.linear_fc2`, hiddenSize, intermediateSize, true),
    };
  });
  const merger = (name: string, normSize: number): Shapes => ({
    ...normShapes(`${name}.norm`, normSize),
    ...linearShapes(`${name}.linear_fc1`, merged, merged, true),
    ...linearShapes(`${name}.linear_fc2`, vision.outHiddenSize, merged, true),
  });
  const patch = [vision.inChannels, vision.temporalPatchSize, patchSize, patchSize];
  return {
    "visual.patch_embed.proj.weight": [hiddenSize, ...patch],
    "visual.patch_embed.proj.bias": [hiddenSize],
    "visual.pos_embed.weight": [vision.positionsPerSide ** 2, hiddenSize],
    ...Object.assign({}, ...blocks),
    ...merger("visual.merger", hiddenSize),
    ...Object.assign(
      {},
      ...vision.deepstackBlocks.map((_, at) => merger(`visual.deepstack_merger_list.${at}`, merged)),
    ),
  };
}
