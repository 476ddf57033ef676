/**
 * @module Softmax attention with its gradient written out, grouped-query attention over plain rows, and the vision
 * towers' attention within groups.
 *
 * Keys may come in several groups, each with a batch of its own (a shared prompt, a response of one's own):
 * P = softmax([q·k₁ᵀ + mask₁, q·k₂ᵀ + mask₂, …]), o = Σ Pᵢ·vᵢ. With δ = Σ_d ∂o·o, which equals Σ_s ∂P·P, the gradient of
 * the scores is P ⊙ (∂o·vᵀ − δ): one pass over the scores where the tape has five and a sum. What is constant along
 * queries or keys rides on a matrix product as one more column: [∂o, −δ]·[v, 1]ᵀ, and [q, 1]·[k, mask]ᵀ.
 *
 * Source of δ: FlashAttention, arXiv 2205.14135, appendix B.4.
 */
import { dims } from "../../core/dims.js";
import { type Tensor, tf } from "../../core/tf.js";
import type { Attend } from "./decoder.js";
import { type Rotation, rotate } from "./rope.js";

/** Keys that all queries of a batch element see, but for masks. Masks have no gradient. */
export interface KeyGroup {
  /** `[…, S, D]` f32; each element of the leading axes serves the next R rows of queries */
  readonly k: Tensor;
  /** `[…, S, D]` f32 */
  readonly v: Tensor;
  /** Added to the `[…, R, S]` scores, broadcasting. */
  readonly mask?: Tensor;
  /** `[…, S, 1]` f32: added to a key's score for all queries. */
  readonly keyMask?: Tensor;
}

/**
 * @param q `[…, D]` f32, scaled by 1/√D; rows are ordered by the leading axes of every group's keys
 * @returns like q
 */
export function attention(q: Tensor, groups: readonly KeyGroup[]): Tensor {
  const differentiable = tf.customGrad((...given) => {
    const [queries, ...tensors] = given.slice(0, -1) as [Tensor, ...Tensor[]];
    const save = given.at(-1) as (tensors: Tensor[]) => void;
    const keyed = groups.map((group, at) => ({
      ...group,
      k: tensors[2 * at] as Tensor,
      v: tensors[2 * at + 1] as Tensor,
    }));
    const weights = weightsOf(queries, keyed);
    const parts = keyed.map(({ v }, at) => tf.reshape(tf.matMul(weights[at] as Tensor, v), queries.shape));
    const value = parts.reduce((sum, part) => tf.add(sum, part));
    save([queries, value, ...keyed.flatMap(({ k, v }, at) => [k, v, weights[at] as Tensor])]);
    return { value, gradFunc: attentionGradient };
  });
  return differentiable(q, ...groups.flatMap(({ k, v }) => [k, v]));
}

/** Rows of `x` under the batch of `like`. @returns `[…, R, C]` */
function rowsUnder(like: Tensor, x: Tensor): Tensor {
  const batch = like.shape.slice(0, -2);
  const C = x.shape.at(-1) as number;
  return tf.reshape(x, [...batch, x.size / C / tf.util.sizeFromShape(batch), C]);
}

/** `[…, 1]` of ones beside `x`. */
function withOnes(x: Tensor): Tensor {
  return tf.concat([x, tf.ones([...x.shape.slice(0, -1), 1])], -1);
}

/** Per group, `[…, R, S]`: shares of one softmax over all keys. */
function weightsOf(q: Tensor, groups: readonly KeyGroup[]): Tensor[] {
  const scores = groups.map(({ k, mask, keyMask }) => {
    const queries = keyMask ? withOnes(rowsUnder(k, q)) : rowsUnder(k, q);
    const raw = tf.matMul(queries, keyMask ? tf.concat([k, keyMask], -1) : k, false, true);
    return mask ? tf.add(raw, mask) : raw;
  });
  const [only] = scores;
  if (only && scores.length === 1) return [tf.softmax(only)];
  const flat = scores.map((each) => tf.reshape(each, [-1, each.shape.at(-1) as number]));
  const sizes = flat.map((each) => each.shape[1] as number);
  const shares = tf.split(tf.softmax(tf.concat(flat, 1)), sizes, 1);
  return scores.map((each, at) => tf.reshape(shares[at] as Tensor, each.shape));
}

function attentionGradient(dy: Tensor, saved: Tensor[]): Tensor[] {
  const [q, value, ...rest] = saved as [Tensor, Tensor, ...Tensor[]];
  const negativeDelta = tf.neg(tf.sum(tf.mul(dy, value), -1, true));
  const extended = tf.concat([dy, negativeDelta], -1);
  const gradients: Tensor[] = [];
  let dq: Tensor | undefined;
  for (let at = 0; at < rest.length; at += 3) {
    const [k, v, weights] = rest.slice(at, at + 3) as [Tensor, Tensor, Tensor];
    const dScores = tf.mul(weights, tf.matMul(rowsUnder(k, extended), withOnes(v), false, true));
    const dk = tf.matMul(dScores, rowsUnder(k, q), true, false);
    gradients.push(dk, tf.matMul(weights, rowsUnder(k, dy), true, false));
    const share = tf.reshape(tf.matMul(dScores, k), q.shape);
    dq = dq ? tf.add(dq, share) : share;
  }
  return [dq as Tensor, ...gradients];
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
    const queries = tf.transpose(tf.reshape(q, [B, S, K, repeats, D]), [0, 2, 3, 1, 4]);
    const mixed = attention(queries, [{ k: rows(k), v: rows(v), mask: tf.tile(perRow, [1, 1, repeats, 1]) }]);
    return tf.reshape(tf.transpose(mixed, [0, 3, 1, 2, 4]), [B * S, H, D]);
  };
}

/**
 * Attention within groups of consecutive slots.
 * @param qkv `[S, 3·H·D]` f32
 * @param mask `[B, S/B]` f32, added to the scores of a key
 * @returns `[S, H·D]`
 */
export function attendGroups(qkv: Tensor, H: number, turn: Rotation, mask: Tensor): Tensor {
  const [S, width] = qkv.shape as [number, number];
  const { B, N } = dims("attendGroups: mask", mask, "B N");
  const D = width / 3 / H;
  const [q, k, v] = tf.split(qkv, 3, 1).map((part) => tf.reshape(part, [S, H, D])) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  const groups = (x: Tensor) => tf.transpose(tf.reshape(x, [B, N, H, D]), [0, 2, 1, 3]);
  const queries = groups(tf.mul(rotate(q, turn), 1 / Math.sqrt(D)));
  const keyMask = tf.tile(tf.reshape(mask, [B, 1, N, 1]), [1, H, 1, 1]);
  const mixed = attention(queries, [{ k: groups(rotate(k, turn)), v: groups(v), keyMask }]);
  return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [S, H * D]);
}
