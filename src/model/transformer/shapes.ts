/**
 * @module Names and shapes of the decoder's parameters, as published checkpoints hold them.
 */
import type { DecoderSizes } from "../modelConfig.js";

/** Shapes by parameter name. */
export type Shapes = Record<string, readonly number[]>;

/** A linear layer's weight `[out, in]`, and its bias if it has one. */
export function linearShapes(name: string, out: number, input: number, hasBias: boolean): Shapes {
  return { [`${name}.weight`]: [out, input], ...(hasBias ? { [`${name}.bias`]: [out] } : {}) };
}

/** The three matrices of SwiGLU. */
export function swigluShapes(name: string, hidden: number, intermediate: number, hasBias: boolean): Shapes {
  return {
    ...linearShapes(`${name}.gate_proj`, intermediate, hidden, hasBias),
    ...linearShapes(`${name}.up_proj`, intermediate, hidden, hasBias),
    ...linearShapes(`${name}.down_proj`, hidden, intermediate, hasBias),
  };
}

/** What families' attention differs in. */
export interface AttentionKind {
  readonly hasQkvBias?: boolean;
  /** Queries and keys are normalised head by head. */
  readonly hasQkNorm?: boolean;
}

/** Embedding, layers, final norm, and the head where it is not the embedding. */
export function decoderShapes(config: DecoderSizes, kind: AttentionKind): Shapes {
  const { vocabSize, hiddenSize } = config;
  const layers = Array.from({ length: config.layers }, (_, layer) =>
    layerShapes(config, kind, `model.layers.${layer}`),
  );
  return {
    "model.embed_tokens.weight": [vocabSize, hiddenSize],
    ...Object.assign({}, ...layers),
    "model.norm.weight": [hiddenSize],
    ...(config.tieWordEmbeddings ? {} : { "lm_head.weight": [vocabSize, hiddenSize] }),
  };
}

function layerShapes(config: DecoderSizes, kind: AttentionKind, name: string): Shapes {
  const { hiddenSize, headSize } = config;
  const { hasQkvBias = false, hasQkNorm = false } = kind;
  const queries = config.heads * headSize;
  const keys = config.keyValueHeads * headSize;
  const attention = `${name}.self_attn`;
  return {
    [`${name}.input_layernorm.weight`]: [hiddenSize],
    ...linearShapes(`${attention}.q_proj`, queries, hiddenSize, hasQkvBias),
    ...linearShapes(`${attention}.k_proj`, keys, hiddenSize, hasQkvBias),
    ...linearShapes(`${attention}.v_proj`, keys, hiddenSize, hasQkvBias),
    ...(hasQkNorm
      ? { [`${attention}.q_norm.weight`]: [headSize], [`${attention}.k_norm.weight`]: [headSize] }
      : {}),
    ...linearShapes(`${attention}.o_proj`, hiddenSize, queries, false),
    [`${name}.post_attention_layernorm.weight`]: [hiddenSize],
    ...swigluShapes(`${name}.mlp`, hiddenSize, config.intermediateSize, false),
  };
}

/** The name of a parameter among the modules of newer versions of transformers. */
export function moduleName(name: string): string {
  return name.replace(/^visual\./, "model.visual.").replace(/^model\.(?!visual\.)/, "model.language_model.");
}

/**
 * Some versions of transformers save under their module names; published checkpoints use shorter ones. A tied head that
 * was saved as well is not needed: the embedding is the head.
 * @returns our name of a checkpoint's parameter; undefined where it is not needed
 */
export function shortName(name: string, config: DecoderSizes): string | undefined {
  const short = name.replace(/^model\.visual\./, "visual.").replace(/^model\.language_model\./, "model.");
  return config.tieWordEmbeddings && short === "lm_head.weight" ? undefined : short;
}
