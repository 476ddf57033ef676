/**
 * @module Sampling's two functions: prefill (prompts once) and one decode step with the cache outside the graph.
 *
 * The cache is a read-only input; a step returns the new token's keys and values only. A prompt's keys are stored once and
 * shared by its R responses; those of one response alone lie in its own slots. Rows are U·R responses, prompt slowest.
 */
import { type Tensor, type TensorParams, tf } from "../../core/tf.js";
import type { Network } from "../family.js";
import type { DecoderSizes } from "../modelConfig.js";
import { type Attend, decoder, embed, logits } from "./decoder.js";
import type { ImageInputs } from "./pack.js";
import { attendSharedPrefix, prefixOf } from "./prefix.js";
import { see } from "./see.js";

export interface Rope {
  /** `[T, D]` f32 */
  readonly cos: Tensor;
  /** `[T, D]` f32 */
  readonly sin: Tensor;
}

export interface PrefillInputs {
  /** `[U, P]` i32, padded on the right */
  readonly tokens: Tensor;
  readonly rope: Rope;
  /** `[U]` i32: row of each prompt's last token on the flat U·P axis */
  readonly last: Tensor;
  readonly image?: ImageInputs;
}

export interface Sampler {
  /** `[]` f32, > 0 */
  readonly temperature: Tensor;
  /** `[V]` f32: 0 where a token may be sampled, MASKED where not */
  readonly tokenBias: Tensor;
}

/** Next-token probabilities `[rows, V]` of the policy: softmax((logits + bias) / temperature). */
export function tokenProbabilities(scores: Tensor, sampler: Sampler): Tensor {
  return tf.softmax(tf.div(tf.add(scores, sampler.tokenBias), sampler.temperature));
}

/**
 * `[rows, V]`: (logits + bias) / temperature. Hidden states are divided, not scores: there are far fewer of them.
 * @param hidden `[rows, hidden]` f32
 */
export function temperedScores(
  params: TensorParams,
  config: DecoderSizes,
  hidden: Tensor,
  { temperature, tokenBias }: Sampler,
): Tensor {
  const scores = logits(params, config, tf.div(hidden, temperature));
  return tf.add(scores, tf.div(tokenBias, temperature));
}

/**
 * Reads the prompts.
 * @returns `probs` `[U, V]` of the first response token; per layer `keys` and `values` `[U, K, P, D]`
 */
export function prefill(params: TensorParams, network: Network, inputs: PrefillInputs, sampler: Sampler) {
  const { config } = network;
  const [U, P] = inputs.tokens.shape as [number, number];
  const sizes = { U, P, R: 0, T: 0 };
  const keys: Tensor[] = [];
  const values: Tensor[] = [];
  const attend = attendSharedPrefix(config, sizes, tf.zeros([U, P]));
  const remember: Attend = (layer, q, k, v) => {
    keys.push(prefixOf(k, sizes));
    values.push(prefixOf(v, sizes));
    return attend(layer, q, k, v);
  };
  const image = inputs.image && see(params, network, inputs.image);
  const embedded = embed(params, tf.reshape(inputs.tokens, [U * P]), image);
  const hidden = decoder(params, config, embedded, inputs.rope, remember);
  const scores = temperedScores(params, config, tf.gather(hidden, inputs.last), sampler);
  return { probs: tf.softmax(scores), keys, values };
}

/** Keys and values of prompts that several rows read. */
export interface SharedPrompt {
  /** per layer `[U, K, P, D]` */
  readonly keys: readonly Tensor[];
  readonly values: readonly Tensor[];
  /** `[U, P]` f32: 0 for prompt tokens, MASKED for padding */
  readonly mask: Tensor;
}

export interface Cache {
  /** A prompt that one row alone reads lies in the row's own slots instead. */
  readonly prompt?: SharedPrompt;
  /** per layer `[U·R, K, C, D]`: C slots, filled from the front */
  readonly keys: readonly Tensor[];
  readonly values: readonly Tensor[];
  /** `[U·R, C]` f32, or `[1, C]` for all rows: 0 for tokens, MASKED for padding and empty slots */
  readonly mask: Tensor;
}

/** How the queries `[U·R, K, repeats, D]` of U·R rows read a prompt that R rows share. */
function sharedReading({ heads: H, keyValueHeads: K, headSize: D }: DecoderSizes, prompt: SharedPrompt) {
  const [U, P] = prompt.mask.shape as [number, number];
  const repeats = H / K;
  return {
    /** `[U·R, K, repeats, P]` */
    scores(layer: number, queries: Tensor): Tensor {
      const R = (queries.shape[0] as number) / U;
      const byPrompt = tf.transpose(tf.reshape(queries, [U, R, K, repeats, D]), [0, 2, 1, 3, 4]);
      const scores = tf.add(
        tf.matMul(tf.reshape(byPrompt, [U, K, R * repeats, D]), prompt.keys[layer] as Tensor, false, true),
        tf.reshape(prompt.mask, [U, 1, 1, P]),
      );
      const perRow = tf.transpose(tf.reshape(scores, [U, K, R, repeats * P]), [0, 2, 1, 3]);
      return tf.reshape(perRow, [U * R, K, repeats, P]);
    },
    /** `[U·R, H, D]`. @param shares `[U·R, K, repeats, P]` */
    mixed(layer: number, shares: Tensor): Tensor {
      const rows = shares.shape[0] as number;
      const R = rows / U;
      const byPrompt = tf.transpose(tf.reshape(shares, [U, R, K, repeats * P]), [0, 2, 1, 3]);
      const values = prompt.values[layer] as Tensor;
      const mixed = tf.matMul(tf.reshape(byPrompt, [U, K, R * repeats, P]), values);
      return tf.reshape(tf.transpose(tf.reshape(mixed, [U, K, R, repeats * D]), [0, 2, 1, 3]), [rows, H, D]);
    },
  };
}

/** Attention of one new token per row over [prompt, slots, itself]. */
export function attendCached(
  config: DecoderSizes,
  cache: Cache,
  fresh: { keys: Tensor[]; values: Tensor[] },
): Attend {
  const { heads: H, keyValueHeads: K, headSize: D } = config;
  const shared = cache.prompt && sharedReading(config, cache.prompt);
  const [maskedRows, C] = cache.mask.shape as [number, number];
  return (layer, q, k, v) => {
    const rows = q.shape[0] as number;
    fresh.keys.push(k);
    fresh.values.push(v);
    const queries = tf.reshape(q, [rows, K, H / K, D]);
    const toSlots = tf.add(
      tf.matMul(queries, cache.keys[layer] as Tensor, false, true),
      tf.reshape(cache.mask, [maskedRows, 1, 1, C]),
    );
    const toSelf = tf.sum(tf.mul(queries, tf.reshape(k, [rows, K, 1, D])), 3, true);
    const scores = [...(shared ? [shared.scores(layer, queries)] : []), toSlots, toSelf];
    const widths = scores.map((each) => each.shape[3] as number);
    const shares = tf.split(tf.softmax(tf.concat(scores, 3)), widths, 3);
    const [onSlots, onSelf] = shares.slice(-2) as [Tensor, Tensor];
    const own = tf.add(
      tf.mul(onSelf, tf.reshape(v, [rows, K, 1, D])),
      tf.matMul(onSlots, cache.values[layer] as Tensor),
    );
    const mixed = tf.reshape(own, [rows, H, D]);
    return shared ? tf.add(shared.mixed(layer, shares[0] as Tensor), mixed) : mixed;
  };
}

/**
 * One token further for every row.
 * @param tokens `[U·R]` i32, the tokens sampled last
 * @param rope tables of their positions
 * @returns `probs` `[U·R, V]` of the next token; per layer the `keys` and `values` `[U·R, K, D]` to be cached
 */
export function decodeStep(
  params: TensorParams,
  config: DecoderSizes,
  inputs: { tokens: Tensor; rope: Rope; cache: Cache },
  sampler: Sampler,
) {
  const fresh = { keys: [] as Tensor[], values: [] as Tensor[] };
  const attend = attendCached(config, inputs.cache, fresh);
  const hidden = decoder(params, config, embed(params, inputs.tokens), inputs.rope, attend);
  return { probs: tf.softmax(temperedScores(params, config, hidden, sampler)), ...fresh };
}
