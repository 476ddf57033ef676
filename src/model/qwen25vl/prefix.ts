/**
 * @module Attention with a shared prefix: a prompt once, then the responses that are read under it, each seeing the
 * prompt and itself only.
 *
 * Token axis: U prompts of P tokens, then U·R responses of T tokens; S = U·P + U·R·T. Equal to U·R separate rows of
 * P + T tokens, at the cost of U·P + U·R·T tokens in the dense layers and P + T columns per response in attention.
 */
import { type Tensor, tf } from "../../core/tf.js";
import type { ModelConfig } from "./config.js";
import type { Attend } from "./decoder.js";

/** Added to the score of a column that must not be seen; large enough that its softmax is exactly 0 in float32. */
export const MASKED = -1e9;

export interface PrefixSizes {
  /** Prompts. */
  readonly U: number;
  /** Prompt length (padded on the right). */
  readonly P: number;
  /** Responses per prompt. */
  readonly R: number;
  /** Response length (padded on the right); 0 when there are only prompts. */
  readonly T: number;
}

/** `[size, size]` f32: 0 on and below the diagonal, MASKED above it. */
export function causalMask(size: number): Tensor {
  return tf.tidy(() => {
    const at = tf.range(0, size, 1, "float32");
    const isFuture = tf.greater(tf.reshape(at, [1, size]), tf.reshape(at, [size, 1]));
    return tf.mul(tf.cast(isFuture, "float32"), MASKED);
  });
}

/**
 * Keys or values of the prompts.
 * @param x `[S, K, D]` f32
 * @returns `[U, K, P, D]`
 */
export function prefixOf(x: Tensor, { U, P }: PrefixSizes): Tensor {
  const [, K, D] = x.shape as [number, number, number];
  return tf.transpose(tf.reshape(tf.slice(x, 0, U * P), [U, P, K, D]), [0, 2, 1, 3]);
}

/**
 * Attention over the packed token axis.
 * @param promptMask `[U, P]` f32, added to the scores of prompt columns: 0 for tokens, MASKED for padding
 */
export function attendSharedPrefix(config: ModelConfig, sizes: PrefixSizes, promptMask: Tensor): Attend {
  const { U, P, R, T } = sizes;
  const { heads: H, keyValueHeads: K, headSize: D } = config;
  const repeats = H / K;
  const scale = 1 / Math.sqrt(D);
  const promptCausal = causalMask(P);
  const responseCausal = T > 0 ? causalMask(T) : undefined;

  const attendPrompts = (q: Tensor, keys: Tensor, values: Tensor): Tensor => {
    const grouped = tf.transpose(tf.reshape(tf.slice(q, 0, U * P), [U, P, K, repeats, D]), [0, 2, 3, 1, 4]);
    const scores = tf.matMul(tf.reshape(tf.mul(grouped, scale), [U, K, repeats * P, D]), keys, false, true);
    const masked = tf.add(tf.reshape(scores, [U * K * repeats, P, P]), promptCausal);
    const weights = tf.reshape(tf.softmax(masked), [U, K, repeats * P, P]);
    const mixed = tf.reshape(tf.matMul(weights, values), [U, K, repeats, P, D]);
    return tf.reshape(tf.transpose(mixed, [0, 3, 1, 2, 4]), [U * P, H, D]);
  };

  const attendResponses = (q: Tensor, k: Tensor, v: Tensor, keys: Tensor, values: Tensor): Tensor => {
    const perResponse = (x: Tensor) =>
      tf.transpose(tf.reshape(tf.slice(x, U * P), [U, R, T, K, D]), [0, 3, 1, 2, 4]);
    const ownKeys = perResponse(k); // [U, K, R, T, D]
    const ownValues = perResponse(v);
    // Rows [U, K, R, repeats, T]: both score matrices then come out in the same order.
    const grouped = tf.reshape(tf.slice(q, U * P), [U, R, T, K, repeats, D]);
    const queries = tf.mul(tf.transpose(grouped, [0, 3, 1, 4, 2, 5]), scale);
    const toPrompt = tf.matMul(tf.reshape(queries, [U, K, R * repeats * T, D]), keys, false, true);
    const toSelf = tf.matMul(tf.reshape(queries, [U, K, R, repeats * T, D]), ownKeys, false, true);
    const scores = tf.concat(
      [
        tf.reshape(tf.add(toPrompt, tf.reshape(promptMask, [U, 1, 1, P])), [U * K * R * repeats, T, P]),
        tf.add(tf.reshape(toSelf, [U * K * R * repeats, T, T]), responseCausal as Tensor),
      ],
      2,
    );
    const weights = tf.softmax(scores);
    const onPrompt = tf.reshape(tf.slice(weights, [0, 0, 0], [-1, -1, P]), [U, K, R * repeats * T, P]);
    const onSelf = tf.reshape(tf.slice(weights, [0, 0, P], [-1, -1, T]), [U, K, R, repeats * T, T]);
    const mixed = tf.add(
      tf.reshape(tf.matMul(onPrompt, values), [U, K, R, repeats, T, D]),
      tf.reshape(tf.matMul(onSelf, ownValues), [U, K, R, repeats, T, D]),
    );
    return tf.reshape(tf.transpose(mixed, [0, 2, 4, 1, 3, 5]), [U * R * T, H, D]);
  };

  return (_layer, q, k, v) => {
    const keys = prefixOf(k, sizes);
    const values = prefixOf(v, sizes);
    const prompts = attendPrompts(q, keys, values);
    return T > 0 ? tf.concat([prompts, attendResponses(q, k, v, keys, values)], 0) : prompts;
  };
}
