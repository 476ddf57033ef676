/**
 * @module A layer of the decoder for sampling, in three graphs: what has weights takes any number of rows and is made
 * once per layer, with the weights in it; attention has none and is made once per shape, for all layers. It is the layer
 * that the whole network loops over (`decoderLayer`), cut where attention begins and ends.
 */
import { jit } from "../../../compile/jit.js";
import type { RuntimeOptions } from "../../../compile/runtime/session.js";
import { given } from "../../../core/given.js";
import { type Tensor, type TensorParams, tf } from "../../../core/tf.js";
import type { DecoderSizes } from "../../../model/modelConfig.js";
import {
  attendCached,
  type Cache,
  type Rope,
  type Sampler,
  tokenProbabilities,
} from "../../../model/transformer/decode.js";
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

/** What a layer computes with, under names after `model.layers.N.`. */
export interface SamplingLayer {
  /** Parts of the graph: as a checkpoint has them, or packed (weights/pack.ts). */
  readonly matrices: TensorParams;
  /** Norms and biases. */
  readonly vectors: TensorParams;
  /** A, B and scales of adapters: they are arguments, so training packs nothing again. */
  readonly adapter: TensorParams;
}

/** Attention of one layer. */
interface Attending {
  /** `[T, (H+2K)·D]` */
  readonly qkv: Tensor;
  readonly vectors: TensorParams;
  readonly rope: Rope;
}

const isPacked = ({ matrices }: SamplingLayer): boolean => "self_attn.qkv.packed" in matrices;

export function samplingGraphs(config: DecoderSizes, runtime: RuntimeOptions) {
  const attending = given({ device: runtime.device, precision: runtime.precision });
  const weightsOf = (layer: SamplingLayer): TensorParams => ({
    ...layer.matrices,
    ...(isPacked(layer) ? layerWithJointQkv(layer.vectors, config) : layer.vectors),
    ...layer.adapter,
  });
  const attention = ({ qkv, vectors, rope }: Attending, attend: Attend): Tensor =>
    layerAttention(layerWithScaledNorm(vectors, config), config, qkv, {
      turn: rotation(rope),
      attend: (q, k, v) => attend(0, q, k, v),
    });
  return {
    before: jit((x: Tensor, layer: SamplingLayer) => beforeAttention(weightsOf(layer), config, x), {
      name: "layer before attention",
      rows: [0],
      runtime,
    }),
    after: jit(
      ({ x, mixed }: { x: Tensor; mixed: Tensor }, layer: SamplingLayer) =>
        afterAttention(weightsOf(layer), config, x, mixed),
      { name: "layer after attention", rows: [0], runtime },
    ),
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
    /** `[T, V]` probabilities after hidden states. @param head `norm.weight`, and `head` packed */
    probabilities: jit(
      (x: Tensor, head: TensorParams, sampler: Sampler) => {
        const normed = rmsNorm(head, "norm", x, config.rmsNormEps);
        return tokenProbabilities(productWith(head, "head", normed), sampler);
      },
      { name: "head", rows: [0], runtime },
    ),
  };
}

export type SamplingGraphs = ReturnType<typeof samplingGraphs>;
