/**
 * @module Query, key and value weights of the decoder side by side, as the vision tower's checkpoints hold them: one
 * product instead of three. Queries come out scaled, so that nothing multiplies scores by a constant later (ONNX
 * Runtime would fold that into its products and leave their fast path for single rows).
 */
import { type Tensor, type TensorParams, tf } from "../../core/tf.js";
import type { DecoderSizes } from "../modelConfig.js";
import { param } from "./layers.js";

const PARTS = ["q_proj", "k_proj", "v_proj"] as const;
const KINDS = ["weight", "bias"] as const;

function attentionNames({ layers }: DecoderSizes): string[] {
  return Array.from({ length: layers }, (_, layer) => `model.layers.${layer}.self_attn`);
}

/**
 * @returns per layer N `model.layers.N.self_attn.qkv.weight` `[(H+2K)·D, hidden]` and `.bias` `[(H+2K)·D]`, f32; the
 *   query rows times 1/√D, the scale of attention's scores
 */
export function jointQkv(params: TensorParams, config: DecoderSizes): TensorParams {
  const joint = (name: string, kind: string): Tensor => {
    const [q, ...rest] = PARTS.map((part) => param(params, `${name}.${part}.${kind}`)) as [
      Tensor,
      ...Tensor[],
    ];
    return tf.concat([tf.mul(q, 1 / Math.sqrt(config.headSize)), ...rest], 0);
  };
  const entries = attentionNames(config).flatMap((name) =>
    KINDS.map((kind) => [`${name}.qkv.${kind}`, joint(name, kind)] as const),
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

/** The parameters that the decoder takes, made inside a graph. */
export function decoderParams(params: TensorParams, config: DecoderSizes): TensorParams {
  return withJointQkv(params, jointQkv(params, config), config);
}
