/**
 * @module Attention with a shared prefix: a prompt once, then the responses that are read under it, each seeing the
 * prompt and itself only.
 *
 * Token axis: U prompts of P tokens, then U·R responses of T tokens; S = U·P + U·R·T. Equal to U·R separate rows of
 * P + T tokens, at the cost of U·P + U·R·T tokens in the dense layers and P + T columns per response in attention.
 */
import { type Tensor, tf } from "../../core/tf.js";
import { zip } from "../../core/zip.js";
import type { DecoderSizes } from "../modelConfig.js";
import { attention, type KeyGroup } from "./attention.js";
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

/** Rows of a causal block, at least, and blocks at most: more save little and make the graph longer. */
const CAUSAL_ROWS = 64;
const CAUSAL_BLOCKS = 4;

/** Where blocks of a prompt's rows end: no row sees a key behind its block, so that four blocks have 5/8 of all scores. */
function blockEnds(P: number): number[] {
  const blocks = Math.max(1, Math.min(CAUSAL_BLOCKS, Math.floor(P / CAUSAL_ROWS)));
  return Array.from({ length: blocks }, (_, block) => Math.round((P * (block + 1)) / blocks));
}

/**
 * Keys or values of the prompts.
 * @param x `[S, K, D]` f32, or the prompts' part of it
 * @returns `[U, K, P, D]`
 */
export function prefixOf(x: Tensor, { U, P }: PrefixSizes): Tensor {
  const [S, K, D] = x.shape as [number, number, number];
  const prompts = S === U * P ? x : tf.slice(x, 0, U * P);
  return tf.transpose(tf.reshape(prompts, [U, P, K, D]), [0, 2, 1, 3]);
}

/**
 * Attention over the packed token axis.
 * @param promptMask `[U, P]` f32, added to the scores of prompt columns: 0 for tokens, MASKED for padding
 */
export function attendSharedPrefix(config: DecoderSizes, sizes: PrefixSizes, promptMask: Tensor): Attend {
  const { U, P, R, T } = sizes;
  const { heads: H, keyValueHeads: K, headSize: D } = config;
  const repeats = H / K;
  const ends = blockEnds(P);
  const blocks = ends.map((end, block) => ({ start: ends[block - 1] ?? 0, end }));
  const causal = causalMask(P);
  const masks = blocks.map(({ start, end }) =>
    tf.tile(tf.slice(causal, [start, 0], [end - start, end]), [repeats, 1]),
  );

  // Padding needs no mask here: it is on the right, so a causal row of a prompt's tokens never reaches it.
  const attendPrompts = (q: Tensor, k: Tensor, v: Tensor): Tensor => {
    const rows = tf.transpose(tf.reshape(q, [U, P, K, repeats, D]), [0, 2, 3, 1, 4]);
    const counts = blocks.map(({ start, end }) => end - start);
    const queries = counts.length > 1 ? tf.split(rows, counts, 3) : [rows];
    const mixed = zip(zip(queries, blocks), masks).map(([[query, { end }], mask]) => {
      const seen = (x: Tensor) => (end === P ? x : tf.slice(x, [0, 0, 0, 0], [U, K, end, D]));
      return attention(query, [{ k: seen(k), v: seen(v), mask }]);
    });
    return tf.reshape(tf.transpose(tf.concat(mixed, 3), [0, 3, 1, 2, 4]), [U * P, H, D]);
  };

  if (T === 0) return (_layer, q, k, v) => attendPrompts(q, prefixOf(k, sizes), prefixOf(v, sizes));

  const responseCausal = tf.tile(causalMask(T), [repeats, 1]);
  const keyMask = tf.tile(tf.reshape(promptMask, [U, 1, P, 1]), [1, K, 1, 1]);
  const perResponse = (x: Tensor) => tf.transpose(tf.reshape(x, [U, R, T, K, D]), [0, 3, 1, 2, 4]);
  const attendResponses = (q: Tensor, own: KeyGroup, prompt: KeyGroup): Tensor => {
    const queries = tf.transpose(tf.reshape(q, [U, R, T, K, repeats, D]), [0, 3, 1, 4, 2, 5]);
    const mixed = attention(queries, [
      { ...prompt, keyMask },
      { k: perResponse(own.k), v: perResponse(own.v), mask: responseCausal },
    ]);
    return tf.reshape(tf.transpose(mixed, [0, 2, 4, 1, 3, 5]), [U * R * T, H, D]);
  };

  return (_layer, q, k, v) => {
    const [[qPrompt, qOwn], [kPrompt, kOwn], [vPrompt, vOwn]] = [q, k, v].map((x) =>
      tf.split(x, [U * P, U * R * T], 0),
    ) as [[Tensor, Tensor], [Tensor, Tensor], [Tensor, Tensor]];
    const prompt = { k: prefixOf(kPrompt, sizes), v: prefixOf(vPrompt, sizes) };
    const prompts = attendPrompts(qPrompt, prompt.k, prompt.v);
    return tf.concat([prompts, attendResponses(qOwn, { k: kOwn, v: vOwn }, prompt)], 0);
  };
}
