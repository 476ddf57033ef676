/**
 * @module The parameters of Qwen2.5-VL: names and shapes as published checkpoints hold them, a fresh
 * initialisation, and the check of a loaded set.
 */
import { ModelError } from "../../core/errors.js";
import { type Params, zeros } from "../../core/ndarray.js";
import type { Rng } from "../../core/rng.js";
import type { ModelConfig } from "./config.js";

type Shapes = Record<string, number[]>;

/** Every parameter's shape; a weight matrix is `[out, in]`. */
export function paramShapes(config: ModelConfig): Shapes {
  const shapes: Shapes = {
    ...visionShapes(config),
    "model.embed_tokens.weight": [config.vocabSize, config.hiddenSize],
  };
  for (let layer = 0; layer < config.layers; layer++) {
    Object.assign(shapes, decoderLayerShapes(config, `model.layers.${layer}`));
  }
  shapes["model.norm.weight"] = [config.hiddenSize];
  if (!config.tieWordEmbeddings) shapes["lm_head.weight"] = [config.vocabSize, config.hiddenSize];
  return shapes;
}

function linear(name: string, out: number, input: number, hasBias: boolean): Shapes {
  return { [`${name}.weight`]: [out, input], ...(hasBias ? { [`${name}.bias`]: [out] } : {}) };
}

function swigluShapes(name: string, hidden: number, intermediate: number, hasBias: boolean): Shapes {
  return {
    ...linear(`${name}.gate_proj`, intermediate, hidden, hasBias),
    ...linear(`${name}.up_proj`, intermediate, hidden, hasBias),
    ...linear(`${name}.down_proj`, hidden, intermediate, hasBias),
  };
}

function decoderLayerShapes(config: ModelConfig, name: string): Shapes {
  const { hiddenSize, heads, keyValueHeads, headSize } = config;
  return {
    [`${name}.input_layernorm.weight`]: [hiddenSize],
    ...linear(`${name}.self_attn.q_proj`, heads * headSize, hiddenSize, true),
    ...linear(`${name}.self_attn.k_proj`, keyValueHeads * headSize, hiddenSize, true),
    ...linear(`${name}.self_attn.v_proj`, keyValueHeads * headSize, hiddenSize, true),
    ...linear(`${name}.self_attn.o_proj`, hiddenSize, heads * headSize, false),
    [`${name}.post_attention_layernorm.weight`]: [hiddenSize],
    ...swigluShapes(`${name}.mlp`, hiddenSize, config.intermediateSize, false),
  };
}

function visionShapes({ vision }: ModelConfig): Shapes {
  const { hiddenSize, inChannels, temporalPatchSize, patchSize } = vision;
  const merged = hiddenSize * vision.spatialMergeSize ** 2;
  const shapes: Shapes = {
    "visual.patch_embed.proj.weight": [hiddenSize, inChannels, temporalPatchSize, patchSize, patchSize],
  };
  for (let block = 0; block < vision.depth; block++) {
    const name = `visual.blocks.${block}`;
    Object.assign(shapes, {
      [`${name}.norm1.weight`]: [hiddenSize],
      ...linear(`${name}.attn.qkv`, 3 * hiddenSize, hiddenSize, true),
      ...linear(`${name}.attn.proj`, hiddenSize, hiddenSize, true),
      [`${name}.norm2.weight`]: [hiddenSize],
      ...swigluShapes(`${name}.mlp`, hiddenSize, vision.intermediateSize, true),
    });
  }
  return {
    ...shapes,
    "visual.merger.ln_q.weight": [hiddenSize],
    ...linear("visual.merger.mlp.0", merged, merged, true),
    ...linear("visual.merger.mlp.2", vision.outHiddenSize, merged, true),
  };
}

/** Projections that write into the residual stream. */
const RESIDUAL = /\.(o_proj|down_proj|attn\.proj)\.weight$/;
const EMBEDDING_STD = 0.02;

/**
 * Parameters to start training from: norms 1, biases 0, embeddings N(0, 0.02²), matrices N(0, 1/(3·in)), the ones that
 * write into the residual stream divided by √(2·layers) so that depth does not inflate it.
 * @param rng split by parameter name: a parameter's values do not depend on the others
 */
export function initParams(config: ModelConfig, rng: Rng): Params {
  return Object.fromEntries(
    Object.entries(paramShapes(config)).map(([name, shape]) => {
      const array = zeros(shape);
      if (shape.length === 1) {
        if (name.endsWith(".weight")) array.data.fill(1);
        return [name, array];
      }
      const std = initStd(config, name, shape);
      const draws = rng.split("init", name);
      for (let at = 0; at < array.data.length; at++) array.data[at] = std * draws.normal();
      return [name, array];
    }),
  );
}

function initStd(config: ModelConfig, name: string, shape: readonly number[]): number {
  if (name === "model.embed_tokens.weight" || name === "lm_head.weight") return EMBEDDING_STD;
  const fanIn = shape.slice(1).reduce((product, side) => product * side, 1);
  const depth = name.startsWith("visual.") ? config.vision.depth : config.layers;
  return (1 / Math.sqrt(3 * fanIn)) * (RESIDUAL.test(name) ? 1 / Math.sqrt(2 * depth) : 1);
}

/** How many names a message lists before it says how many more there are. */
const NAMES_SHOWN = 5;

/**
 * @param where the file or folder the parameters came from
 * @throws ModelError naming what is missing, unexpected or of the wrong shape
 */
export function checkParams(config: ModelConfig, params: Params, where: string): void {
  const shapes = paramShapes(config);
  const missing = Object.keys(shapes).filter((name) => !(name in params));
  const unexpected = Object.keys(params).filter((name) => !(name in shapes));
  const misshapen = Object.entries(shapes).flatMap(([name, shape]) => {
    const got = params[name]?.shape;
    return got && got.join() !== shape.join() ? [`${name}: expected [${shape}], got [${got}]`] : [];
  });
  const problems = [
    ...listed("missing", missing),
    ...listed("unexpected", unexpected),
    ...listed("wrong shape", misshapen),
  ];
  if (problems.length === 0) return;
  throw new ModelError(`${where}: parameters do not fit config.json: ${problems.join("; ")}`);
}

function listed(what: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const more = names.length > NAMES_SHOWN ? ` and ${names.length - NAMES_SHOWN} more` : "";
  return [`${what}: ${names.slice(0, NAMES_SHOWN).join(", ")}${more}`];
}
