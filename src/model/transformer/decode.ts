/**
 * @module Sampling's two functions: prefill (prompts once) and one decode step with the cache outside the graph.
 *
 * The cache lives on the host and is a read-only input; a step returns the new token's keys and values only. Prompt
 * keys are stored once per prompt and shared by its R responses. Rows are U·R responses, prompt slowest.
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

/** Keys and values of consecutive response tokens, per layer `[U·R, K, C, D]`: C slots, filled from the front. */
export interface CacheBlock {
  readonly keys: readonly Tensor[];
  readonly values: readonly Tensor[];
}

export interface Cache {
  /** per layer `[U, K, P, D]` */
  readonly promptKeys: readonly Tensor[];
  readonly promptValues: readonly Tensor[];
  /** Oldest first; all are full but the last. */
  readonly blocks: readonly CacheBlock[];
  /** `[U, P]` f32: 0 for prompt tokens, MASKED for padding */
  readonly promptMask: Tensor;
  /** `[C]` f32 of the last block: 0 for filled slots, MASKED for empty ones */
  readonly slotMask: Tensor;
}

/** Attention of one new token per row over [prompt, blocks …, itself]. */
export function attendCached(
  config: DecoderSizes,
  cache: Cache,
  fresh: { keys: Tensor[]; values: Tensor[] },
): Attend {
  const { heads: H, keyValueHeads: K, headSize: D } = config;
  const repeats = H / K;
  const [U, P] = cache.promptMask.shape as [number, number];
  return (layer, q, k, v) => {
    const rows = q.shape[0] as number;
    const R = rows / U;
    fresh.keys.push(k);
    fresh.values.push(v);
    const queries = tf.reshape(q, [rows, K, repeats, D]);
    const byPrompt = tf.transpose(tf.reshape(queries, [U, R, K, repeats, D]), [0, 2, 1, 3, 4]);
    const toPrompt = tf.add(
      tf.matMul(tf.reshape(byPrompt, [U, K, R * repeats, D]), cache.promptKeys[layer] as Tensor, false, true),
      tf.reshape(cache.promptMask, [U, 1, 1, P]),
    );
    const perRow = tf.transpose(tf.reshape(toPrompt, [U, K, R, repeats * P]), [0, 2, 1, 3]);
    const toBlocks = cache.blocks.map(({ keys }, at) => {
      const scores = tf.matMul(queries, keys[layer] as Tensor, false, true);
      return at === cache.blocks.length - 1 ? tf.add(scores, cache.slotMask) : scores;
    });
    const toSelf = tf.sum(tf.mul(queries, tf.reshape(k, [rows, K, 1, D])), 3, true);
    const scores = [tf.reshape(perRow, [rows, K, repeats, P]), ...toBlocks, toSelf];
    const widths = scores.map((each) => each.shape[3] as number);
    const [onPrompt, ...onRest] = tf.split(tf.softmax(tf.concat(scores, 3)), widths, 3) as [
      Tensor,
      ...Tensor[],
    ];
    const fromRow = cache.blocks.reduce(
      (sum: Tensor, { values }, at) => tf.add(sum, tf.matMul(onRest[at] as Tensor, values[layer] as Tensor)),
      tf.mul(onRest.at(-1) as Tensor, tf.reshape(v, [rows, K, 1, D])),
    );
    const promptRows = tf.transpose(tf.reshape(onPrompt, [U, R, K, repeats * P]), [0, 2, 1, 3]);
    const fromPrompt = tf.matMul(
      tf.reshape(promptRows, [U, K, R * repeats, P]),
      cache.promptValues[layer] as Tensor,
    );
    const shared = tf.transpose(tf.reshape(fromPrompt, [U, K, R, repeats * D]), [0, 2, 1, 3]);
    return tf.add(tf.reshape(shared, [rows, H, D]), tf.reshape(fromRow, [rows, H, D]));
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
