/**
 * @module The parameters of Qwen2.5-VL: names and shapes as published checkpoints hold them.
 */
import { decoderShapes, linearShapes, type Shapes, swigluShapes } from "../transformer/shapes.js";
import type { Qwen25Config } from "./config.js";

/** Every parameter's shape; a weight matrix is `[out, in]`. */
export function paramShapes(config: Qwen25Config): Shapes {
  return { ...visionShapes(config), ...decoderShapes(config, { hasQkvBias: true }) };
}

function visionShapes({ vision }: Qwen25Config): Shapes {
  const { hiddenSize, inChannels, temporalPatchSize, patchSize } = vision;
  const merged = hiddenSize * vision.spatialMergeSize ** 2;
  const blocks = Array.from({ length: vision.depth }, (_, block): Shapes => {
    const name = `visual.blocks.${block}`;
    return {
      [`${name}.norm1.weight`]: [hiddenSize],
      ...linearShapes(`${name}.attn.qkv`, 3 * hiddenSize, hiddenSize, true),
      ...linearShapes(`${name}.attn.proj`, hiddenSize, hiddenSize, true),
      [`${name}.norm2.weight`]: [hiddenSize],
      ...swigluShapes(`${name}.mlp`, hiddenSize, vision.intermediateSize, true),
    };
  });
  return {
    "visual.patch_embed.proj.weight": [hiddenSize, inChannels, temporalPatchSize, patchSize, patchSize],
    ...Object.assign({}, ...blocks),
    "visual.merger.ln_q.weight": [hiddenSize],
    ...linearShapes("visual.merger.mlp.0", merged, merged, true),
    ...linearShapes("visual.merger.mlp.2", vision.outHiddenSize, merged, true),
  };
}
