/**
 * @module A training step on text of ordinary tokens: the batch, its loss, and forward, backward and AdamW as one graph.
 */
import { valueAndGrad } from "../../../src/compile/grad.js";
import { jit } from "../../../src/compile/jit.js";
import type { RuntimeOptions } from "../../../src/compile/runtime/session.js";
import { type NdArray, ndarray, type Params } from "../../../src/core/ndarray.js";
import { Rng } from "../../../src/core/rng.js";
import { type Tensor, type TensorParams, tf } from "../../../src/core/tf.js";
import type { Model } from "../../../src/model/load.js";
import type { DecoderSizes } from "../../../src/model/modelConfig.js";
import { decoder, embed, logits } from "../../../src/model/transformer/decoder.js";
import { decoderParams } from "../../../src/model/transformer/jointQkv.js";
import { pickLogProbs } from "../../../src/model/transformer/pick.js";
import { attendSharedPrefix } from "../../../src/model/transformer/prefix.js";
import { mropeTables } from "../../../src/model/transformer/rope.js";
import { type AdamWState, type AdamWStep, update } from "../../../src/optim/adamw.js";

/** Rows of text and tokens of each. */
export interface TextSizes {
  readonly rows: number;
  readonly length: number;
}

export interface TextBatch<Array = Tensor> {
  /** `[B·S]` i32 */
  readonly tokens: Array;
  /** `[B·S]` i32: the token after each */
  readonly labels: Array;
  readonly rope: { readonly cos: Array; readonly sin: Array };
}

/** Drawn tokens below `vocabulary`. */
export function textBatch(
  config: DecoderSizes,
  { rows, length }: TextSizes,
  vocabulary: number,
): TextBatch<NdArray> {
  const draws = Rng.fromSeed(2).split("speed", "tokens");
  const text = Array.from({ length: rows }, () =>
    Array.from({ length: length + 1 }, () => draws.integer(0, vocabulary)),
  );
  const part = (from: number) =>
    ndarray(
      text.flatMap((row) => row.slice(from, from + length)),
      [rows * length],
      "int32",
    );
  const positions = Int32Array.from({ length: 3 * rows * length }, (_, at) => at % length);
  return { tokens: part(0), labels: part(1), rope: mropeTables(positions, config) };
}

/** Tokens and labels of a batch, row by row. */
export function textRows({ tokens, labels }: TextBatch<NdArray>, { rows, length }: TextSizes) {
  const split = ({ data }: NdArray) =>
    Array.from({ length: rows }, (_, row) => [...data.subarray(row * length, (row + 1) * length)]);
  return { tokens: split(tokens), labels: split(labels) };
}

/** Mean cross-entropy of the next token over all rows, nats, and its gradients. */
export function nextTokenLoss(config: DecoderSizes, { rows, length }: TextSizes) {
  return valueAndGrad((params: TensorParams, { tokens, labels, rope }: TextBatch) => {
    const sizes = { U: rows, P: length, R: 0, T: 0 };
    const attend = attendSharedPrefix(config, sizes, tf.zeros([rows, length]));
    const hidden = decoder(decoderParams(params, config), config, embed(params, tokens), rope, attend);
    const picked = pickLogProbs(logits(params, config, hidden), labels);
    return { loss: tf.mul(tf.sum(picked), -1 / (rows * length)) };
  });
}

/** `(params, moments, batch, step) → [params, moments, { loss }]`; parameters and moments change in place. */
export function textStep(config: DecoderSizes, sizes: TextSizes, runtime: RuntimeOptions) {
  const loss = nextTokenLoss(config, sizes);
  return jit(
    (params: TensorParams, moments: AdamWState, batch: TextBatch, step: AdamWStep) => {
      const { loss: value, grads } = loss(params, batch);
      const next = update(params, grads, moments, step);
      return [next.params, next.state, { loss: value }] as const;
    },
    { name: "training step", donate: { 0: 0, 1: 1 }, runtime },
  );
}

/** `(params, grads, batch) → [grads, { loss }]`; gradients are written over those before them. */
export function textGradients(config: DecoderSizes, sizes: TextSizes, runtime: RuntimeOptions) {
  const loss = nextTokenLoss(config, sizes);
  return jit(
    (params: TensorParams, _grads: TensorParams, batch: TextBatch) => {
      const { loss: value, grads } = loss(params, batch);
      return [grads, { loss: value }] as const;
    },
    { name: "gradients", donate: { 0: 1 }, runtime },
  );
}

/** The decoder's parameters. Arrays are not copied. */
export function textParams({ params }: Pick<Model, "params">): Params {
  return Object.fromEntries(Object.entries(params).filter(([name]) => !name.startsWith("visual.")));
}
