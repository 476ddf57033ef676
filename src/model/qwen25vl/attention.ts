/**
 * @module Softmax attention with its gradient written out, and grouped-query attention over plain rows.
 *
 * P = softmax(q·kᵀ + mask), o = P·v. With δ = Σ_d ∂o·o, which equals Σ_s ∂P·P, the gradient of the scores is
 * P ⊙ (∂o·vᵀ − δ): two passes over the `[…, R, S]` scores where the tape's softmax gradient has four and a sum. The
 * subtraction rides on the matrix product as one more column: [∂o, −δ]·[v, 1]ᵀ.
 *
 * Source of δ: FlashAttention, arXiv 2205.14135, appendix B.4.
 */
import { dims } from "../../core/dims.js";
import { type Tensor, tf } from "../../core/tf.js";
import type { Attend } from "./decoder.js";

/**
 * @param q `[…, R, D]` f32, scaled by 1/√D
 * @param k `[…, S, D]` f32
 * @param v `[…, S, D]` f32
 * @param mask added to the `[…, R, S]` scores, broadcasting; has no gradient
 * @returns `[…, R, D]`
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor): Tensor {
  const differentiable = tf.customGrad((...given) => {
    const [queries, keys, values, save] = given as [Tensor, Tensor, Tensor, (tensors: Tensor[]) => void];
    const scores = tf.matMul(queries, keys, false, true);
    const weights = tf.softmax(tf.add(scores, mask));
    const value = tf.matMul(weights, values);
    save([queries, keys, values, weights, value]);
    return { value, gradFunc: attentionGradient };
  });
  return differentiable(q, k, v);
}

function attentionGradient(dy: Tensor, saved: Tensor[]): Tensor[] {
  const [q, k, v, weights, value] = saved as [Tensor, Tensor, Tensor, Tensor, Tensor];
  const delta = tf.sum(tf.mul(dy, value), -1, true);
  const one = tf.ones([...v.shape.slice(0, -1), 1]);
  const inner = tf.matMul(tf.concat([dy, tf.neg(delta)], -1), tf.concat([v, one], -1), false, true);
  const dScores = tf.mul(weights, inner);
  return [tf.matMul(dScores, k), tf.matMul(dScores, q, true, false), tf.matMul(weights, dy, true, false)];
}

/**
 * Attention within each of B rows of S tokens, packed flat as T = B·S. Query heads that share a key-value head are laid
 * side by side as queries, so keys and values are never copied.
 * @param mask `[B or 1, 1, S, S]` or `[B or 1, S, S]` f32, added to the scores
 */
export function attendRows(mask: Tensor, sizes: { readonly B: number; readonly S: number }): Attend {
  const { B, S } = sizes;
  const perRow = tf.reshape(mask, [-1, 1, S, S]);
  return (_layer, q, k, v) => {
    const { H, D } = dims("attendRows: q", q, "T H D", { T: B * S });
    const { K } = dims("attendRows: k", k, "T K D", { T: B * S, D });
    const repeats = H / K;
    const rows = (x: Tensor) => tf.transpose(tf.reshape(x, [B, S, K, D]), [0, 2, 1, 3]);
    const scaled = tf.reshape(tf.mul(q, 1 / Math.sqrt(D)), [B, S, K, repeats, D]);
    const grouped = tf.reshape(tf.transpose(scaled, [0, 2, 3, 1, 4]), [B, K, repeats * S, D]);
    const mixed = attention(grouped, rows(k), rows(v), tf.tile(perRow, [1, 1, repeats, 1]));
    const split = tf.reshape(mixed, [B, K, repeats, S, D]);
    return tf.reshape(tf.transpose(split, [0, 3, 1, 2, 4]), [B * S, H, D]);
  };
}
