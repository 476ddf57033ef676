/**
 * @module Query, key and value weights of the decoder side by side, as the vision tower's checkpoints hold them: one
 * product instead of three. Queries come out scaled, so that nothing multiplies scores by a constant later (ONNX
 * Runtime would fold that into its products and leave their fast path for single rows).
 */
import { type Tensor, type TensorParams, tf } from "../../core/tf.js";
import type { DecoderSizes } from "../modelConfig.js";
import { adaptation, linear, param, within } from "./layers.js";

const PARTS = ["q_proj", "k_proj", "v_proj"] as const;
/** The layers that become one, and its name: by their names after `model.layers.N.`. */
export const JOINT_PARTS = PARTS.map((part) => `self_attn.${part}`);
export const JOINT_NAME = "self_attn.qkv";
const KINDS = ["weight", "bias"] as const;
const QUERY_NORM = "q_norm.weight";
const ATTENTION = "self_attn";

/** What query weights are multiplied by. @param isNormed whether queries are normalised, and the norm has the factor */
export function queryScale({ headSize }: DecoderSizes, isNormed: boolean): number {
  return isNormed ? 1 : 1 / Math.sqrt(headSize);
}

function attentionNames({ layers }: DecoderSizes): string[] {
  return Array.from({ length: layers }, (_, layer) => `model.layers.${layer}.self_attn`);
}

/**
 * @param weights of one layer's attention, by their names after `self_attn.`
 * @returns `qkv.weight` `[(H+2K)·D, hidden]` and, where there are biases, `qkv.bias` `[(H+2K)·D]`, f32. 1/√D, the scale of
 *   attention's scores, is in the query rows or, where queries are normalised, in `q_norm.weight`
 */
export function jointAttention(weights: TensorParams, config: DecoderSizes): TensorParams {
  const scale = (x: Tensor) => tf.mul(x, queryScale(config, false));
  const queryNorm = weights[QUERY_NORM];
  const joint = (kind: string): Tensor => {
    const [q, ...rest] = PARTS.map((part) => param(weights, `${part}.${kind}`)) as [Tensor, ...Tensor[]];
    return tf.concat([queryNorm ? q : scale(q), ...rest], 0);
  };
  const kinds = KINDS.filter((kind) => `${PARTS[0]}.${kind}` in weights);
  return {
    ...Object.fromEntries(kinds.map((kind) => [`qkv.${kind}`, joint(kind)])),
    ...(queryNorm ? { [QUERY_NORM]: scale(queryNorm) } : {}),
  };
}

/**
 * Queries, keys and values in one product, or in three where the weights lie apart.
 * @param weights of one layer's attention, by their names after `self_attn.`
 * @param x `[T, hidden]` f32
 * @returns `[T, (H+2K)·D]`, queries scaled as `jointAttention` says
 */
export function jointProduct(weights: TensorParams, config: DecoderSizes, x: Tensor): Tensor {
  if (`${PARTS[0]}.weight` in weights) {
    const [q, ...rest] = PARTS.map((part) => linear(weights, part, x)) as [Tensor, ...Tensor[]];
    return tf.concat([weights[QUERY_NORM] ? q : tf.mul(q, 1 / Math.sqrt(config.headSize)), ...rest], 1);
  }
  const plain = linear(weights, "qkv", x);
  const adapted = jointAdaptation(weights, config, x);
  return adapted ? tf.add(plain, adapted) : plain;
}

/**
 * What adapters of queries, keys and values add to the joint product; undefined where there are none.
 * @param weights an attention's parameters
 * @param x `[T, hidden]` f32
 * @returns `[T, (H+2K)·D]`
 */
function jointAdaptation(weights: TensorParams, config: DecoderSizes, x: Tensor): Tensor | undefined {
  const { heads: H, keyValueHeads: K, headSize: D } = config;
  const [q, ...rest] = PARTS.map((part) => adaptation(weights, part, x));
  const parts = [q && !weights[QUERY_NORM] ? tf.mul(q, 1 / Math.sqrt(D)) : q, ...rest];
  if (parts.every((part) => part !== undefined)) return tf.concat(parts as Tensor[], 1);
  // Padded, not put beside zeros: these would fix the number of rows.
  const ends = [H * D, (H + K) * D, (H + 2 * K) * D] as const;
  const placed = parts.flatMap((part, at) => {
    const [begin, end] = [ends[at - 1] ?? 0, ends[at] as number];
    return part
      ? [
          tf.pad(part as tf.Tensor2D, [
            [0, 0],
            [begin, ends[2] - end],
          ]),
        ]
      : [];
  });
  return placed.length > 0 ? placed.reduce((sum: Tensor, part) => tf.add(sum, part)) : undefined;
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

/** The parameters of one layer with `q_norm.weight`, where there is one, scaled as `jointAttention` scales it. */
export function layerWithScaledNorm(weights: TensorParams, config: DecoderSizes): TensorParams {
  const name = `${ATTENTION}.${QUERY_NORM}`;
  const norm = weights[name];
  return norm ? { ...weights, [name]: tf.mul(norm, 1 / Math.sqrt(config.headSize)) } : weights;
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
