/**
 * @module Query, key and value weights of the decoder side by side, as the vision tower's checkpoints hold them: one
 * product instead of three. Queries come out scaled, so that nothing multiplies scores by a constant later (ONNX
 * Runtime would fold that into its products and leave their fast path for single rows).
 */
import { type Tensor, type TensorParams, tf } from "../../core/tf.js";
import type { DecoderSizes } from "../modelConfig.js";
import { adaptation, param, within } from "./layers.js";

const PARTS = ["q_proj", "k_proj", "v_proj"] as const;
const KINDS = ["weight", "bias"] as const;
const QUERY_NORM = "q_norm.weight";
const ATTENTION = "self_attn";

function attentionNames({ layers }: DecoderSizes): string[] {
  return Array.from({ length: layers }, (_, layer) => `model.layers.${layer}.self_attn`);
}

/**
 * @param weights of one layer's attention, by their names after `self_attn.`
 * @returns `qkv.weight` `[(H+2K)·D, hidden]` and, where there are biases, `qkv.bias` `[(H+2K)·D]`, f32. 1/√D, the scale of
 *   attention's scores, is in the query rows or, where queries are normalised, in `q_norm.weight`
 */
export function jointAttention(weights: TensorParams, { headSize }: DecoderSizes): TensorParams {
  const scale = (x: Tensor) => tf.mul(x, 1 / Math.sqrt(headSize));
  const queryNorm = weights[QUERY_NORM];
  const joint = (kind: string): Tensor => {
    const [q, ...rest] = PARTS.map((part) => param(weights, `${part}.${kind}`)) as [Tensor, ...Tensor[]];
    return tf.concat([queryNorm ? q : scale(q), ...rest], 0);
  };
  const kinds = KINDS.filter((kind) => kind === "weight" || `${PARTS[0]}.${kind}` in weights);
  return {
    ...Object.fromEntries(kinds.map((kind) => [`qkv.${kind}`, joint(kind)])),
    ...(queryNorm ? { [QUERY_NORM]: scale(queryNorm) } : {}),
  };
}

/**
 * What adapters of queries, keys and values add to the joint product; undefined where there are none.
 * @param weights an attention's parameters
 * @param x `[T, hidden]` f32
 * @returns `[T, (H+2K)·D]`
 */
export function jointAdaptation(weights: TensorParams, config: DecoderSizes, x: Tensor): Tensor | undefined {
  const { heads: H, keyValueHeads: K, headSize: D } = config;
  const parts = PARTS.map((part) => adaptation(weights, part, x));
  if (parts.every((part) => part === undefined)) return undefined;
  const T = x.shape[0] as number;
  const filled = parts.map((part, at) => part ?? tf.zeros([T, (at === 0 ? H : K) * D]));
  const [q, ...rest] = filled as [Tensor, ...Tensor[]];
  return tf.concat([weights[QUERY_NORM] ? q : tf.mul(q, 1 / Math.sqrt(D)), ...rest], 1);
}

/** `jointAttention` of every layer, under `model.layers.N.self_attn.`. */
export function jointQkv(params: TensorParams, config: DecoderSizes): TensorParams {
  const entries = attentionNames(config).flatMap((name) =>
    Object.entries(jointAttention(within(params, name), config)).map(
      ([joint, tensor]) => [`${name}.${joint}`, tensor] as const,
    ),
  );
  return Object.fromEntries(entries);
}

/** The parameters that the decoder takes: `joint` in place of what it was made from. Arrays are not copied. */
export function withJointQkv<Array>(
  params: Readonly<Record<string, Array>>,
  joint: Readonly<Record<string, Array>>,
  config: DecoderSizes,
): Record<string, Array> {
  const parts = new Set(
    attentionNames(config).flatMap((name) =>
      PARTS.flatMap((part) => KINDS.map((kind) => `${name}.${part}.${kind}`)),
    ),
  );
  const others = Object.entries(params).filter(([name]) => !parts.has(name));
  return { ...Object.fromEntries(others), ...joint };
}

/** The same of one layer: what `decoderLayer` takes from what a checkpoint holds. */
export function layerWithJointQkv(weights: TensorParams, config: DecoderSizes): TensorParams {
  const joint = jointAttention(within(weights, ATTENTION), config);
  const parts = new Set(PARTS.flatMap((part) => KINDS.map((kind) => `${ATTENTION}.${part}.${kind}`)));
  const others = Object.entries(weights).filter(([name]) => !parts.has(name));
  const named = Object.entries(joint).map(([name, tensor]) => [`${ATTENTION}.${name}`, tensor] as const);
  return { ...Object.fromEntries(others), ...Object.fromEntries(named) };
}

/** The parameters that the decoder takes, made inside a graph. */
export function decoderParams(params: TensorParams, config: DecoderSizes): TensorParams {
  return withJointQkv(params, jointQkv(params, config), config);
}
