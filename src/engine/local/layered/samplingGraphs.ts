/**
 * @module The decoder's layers for sampling, cut where attention begins and ends. What has weights takes any number of
 * rows and is made once, with the weights in it: what comes before the first attention, what lies between two, and what
 * comes after the last. Attention has none and is made once per shape, for all layers. It is the layer that the whole
 * network loops over (`decoderLayer`).
 */
import { jit } from "../../../compile/jit.js";
import type { RuntimeOptions } from "../../../compile/runtime/session.js";
import { given } from "../../../core/given.js";
import { type Tensor, type TensorParams, tf } from "../../../core/tf.js";
import type { DecoderSizes } from "../../../model/modelConfig.js";
import { attendCached, type Cache, type Rope, type Sampler } from "../../../model/transformer/decode.js";
import {
  type Attend,
  afterAttention,
  beforeAttention,
  layerAttention,
} from "../../../model/transformer/decoder.js";
import { layerWithJointQkv, layerWithScaledNorm } from "../../../model/transformer/jointQkv.js";
import { productWith, rmsNorm } from "../../../model/transformer/layers.js";
import { attendSharedPrefix, prefixOf } from "../../../model/transformer/prefix.js";
import { rotation } from "../../../model/transformer/rope.js";

/** What a part of a layer computes with, under names after `model.layers.N.`. */
export interface SamplingPart {
  /** Parts of the graph: as a checkpoint has them, or packed (weights/pack.ts). */
  readonly matrices: TensorParams;
  /** Norms and biases. */
  readonly vectors: TensorParams;
  /** A, B and scales of adapters: they are arguments, so training packs nothing again. */
  readonly adapter: TensorParams;
}

/** A part of a layer. */
export type LayerPart = "before" | "attention" | "after";

/** Which parts of a layer read a parameter. Norms of queries, where there are any, say how queries are scaled. */
export function partsReading(name: string): readonly LayerPart[] {
  if (/^self_attn\.[qk]_norm\./.test(name)) return ["before", "attention"];
  return /^(input_layernorm|self_attn\.(qkv|[qkv]_proj))\./.test(name) ? ["before"] : ["after"];
}

/** Hidden states on their way through a layer. */
interface Attended {
  /** `[T, hidden]`: what the layer read */
  readonly x: Tensor;
  /** `[T, H·D]`: what attention gave */
  readonly mixed: Tensor;
  /** `[T, hidden]`, added to what the layer gives (DeepStack). */
  readonly deep?: Tensor;
}

/** Attention of one layer. */
interface Attending {
  /** `[T, (H+2K)·D]` */
  readonly qkv: Tensor;
  readonly vectors: TensorParams;
  readonly rope: Rope;
}

const isPacked = ({ matrices }: SamplingPart): boolean =>
  Object.keys(matrices).some((name) => name.endsWith(".packed"));

/** What comes before attention, and after it. */
function partsOf(config: DecoderSizes) {
  const weightsOf = (part: SamplingPart): TensorParams => ({
    ...part.matrices,
    ...(isPacked(part) ? layerWithJointQkv(part.vectors, config) : part.vectors),
    ...part.adapter,
  });
  return {
    before: (x: Tensor, part: SamplingPart) => beforeAttention(weightsOf(part), config, x),
    after: ({ x, mixed, deep }: Attended, part: SamplingPart): Tensor => {
      const next = afterAttention(weightsOf(part), config, x, mixed);
      return deep ? tf.add(next, deep) : next;
    },
  };
}

export function samplingGraphs(config: DecoderSizes, runtime: RuntimeOptions) {
  const attending = given({ device: runtime.device, precision: runtime.precision });
  const { before, after } = partsOf(config);
  const attention = ({ qkv, vectors, rope }: Attending, attend: Attend): Tensor =>
    layerAttention(layerWithScaledNorm(vectors, config), config, qkv, {
      turn: rotation(rope),
      attend: (q, k, v) => attend(0, q, k, v),
    });
  return {
    /** `[T, (H+2K)·D]` of the first layer. */
    first: jit(before, { name: "before the first attention", rows: [0], runtime }),
    /** What a layer gives, and queries, keys and values that the next one makes of it. */
    between: jit(
      (attended: Attended, parts: { readonly after: SamplingPart; readonly before: SamplingPart }) => {
        const x = after(attended, parts.after);
        return { x, qkv: before(x, parts.before) };
      },
      { name: "between two attentions", rows: [0], runtime },
    ),
    /** What the last layer gives. */
    last: jit(after, { name: "after the last attention", rows: [0], runtime }),
    /** `keys` and `values` `[U, K, P, D]`. @param tokens `[U, P]`; only its shape is read */
    prefill: jit(
      (given: Attending, tokens: Tensor) => {
        const [U, P] = tokens.shape as [number, number];
        const sizes = { U, P, R: 0, T: 0 };
        const seen: Tensor[] = [];
        const attend = attendSharedPrefix(config, sizes, tf.zeros([U, P]));
        const mixed = attention(given, (at, q, k, v) => {
          seen.push(prefixOf(k, sizes), prefixOf(v, sizes));
          return attend(at, q, k, v);
        });
        const [keys, values] = seen as [Tensor, Tensor];
        return { mixed, keys, values };
      },
      { name: "attention of prompts", runtime: attending },
    ),
    /** `keys` and `values` `[rows, K, D]` of the new tokens. @param cache of this layer: lists of one */
    decode: jit(
      (given: Attending, cache: Cache) => {
        const fresh = { keys: [] as Tensor[], values: [] as Tensor[] };
        const mixed = attention(given, attendCached(config, cache, fresh));
        return { mixed, keys: fresh.keys[0] as Tensor, values: fresh.values[0] as Tensor };
      },
      { name: "attention of new tokens", runtime: attending },
    ),
    /** `[T, V]` probabilities after hidden states, which are divided by the temperature. @param head `norm.weight`, and `head` packed */
    probabilities: jit(
      (x: Tensor, head: TensorParams, { temperature, tokenBias }: Sampler) => {
        const normed = tf.div(rmsNorm(head, "norm", x, config.rmsNormEps), temperature);
        return tf.softmax(tf.add(productWith(head, "head", normed), tf.div(tokenBias, temperature)));
      },
      { name: "head", rows: [0], runtime },
    ),
  };
}

export type SamplingGraphs = ReturnType<typeof samplingGraphs>;
