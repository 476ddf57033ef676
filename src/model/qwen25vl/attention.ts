/**
 * @module Grouped-query attention over plain rows: the reference that faster layouts are tested against.
 */
import { dims } from "../../core/dims.js";
import { type Tensor, tf } from "../../core/tf.js";
import type { Attend } from "./decoder.js";

/**
 * Attention within each of B rows of S tokens, packed flat as T = B·S. Query heads that share a key-value head are laid
 * side by side as queries, so keys and values are never copied.
 * @param mask `[B, 1, S, S]` or `[B, S, S]` f32, added to the scores
 */
export function attendRows(mask: Tensor, sizes: { readonly B: number; readonly S: number }): Attend {
  const { B, S } = sizes;
  const addend = tf.reshape(mask, [B, 1, S, S]);
  return (_layer, q, k, v) => {
    const { H, D } = dims("attendRows: q", q, "T H D", { T: B * S });
    const { K } = dims("attendRows: k", k, "T K D", { T: B * S, D });
    const repeats = H / K;
    const rows = (x: Tensor) => tf.transpose(tf.reshape(x, [B, S, K, D]), [0, 2, 1, 3]);
    const grouped = tf.transpose(
      tf.reshape(tf.mul(q, 1 / Math.sqrt(D)), [B, S, K, repeats, D]),
      [0, 2, 3, 1, 4],
    );
    const scores = tf.matMul(tf.reshape(grouped, [B, K, repeats * S, D]), rows(k), false, true);
    const weights = tf.softmax(tf.add(tf.reshape(scores, [B, H, S, S]), addend));
    const mixed = tf.matMul(tf.reshape(weights, [B, K, repeats * S, S]), rows(v));
    return tf.reshape(tf.transpose(tf.reshape(mixed, [B, K, repeats, S, D]), [0, 3, 1, 2, 4]), [B * S, H, D]);
  };
}
