import { describe, expect, it } from "vitest";
import { type Tensor, tf } from "../../../src/core/tf.js";
import { attendRows, attention } from "../../../src/model/transformer/attention.js";
import { causalMask, MASKED } from "../../../src/model/transformer/prefix.js";
import { largestDifference } from "../parity.js";

describe("attention", () => {
  const wave = (seed: number, shape: number[]) =>
    tf.reshape(tf.sin(tf.range(seed, seed + 3 * tf.util.sizeFromShape(shape), 3)), shape);

  it("has the values and gradients that the tape finds for the same formula", () => {
    // Two batch elements share 5 keys each, one of them masked; of two more keys per half batch, one mask hides some.
    const inputs = [
      wave(1, [2, 2, 3, 4]),
      wave(2, [2, 5, 4]),
      wave(3, [2, 5, 4]),
      wave(4, [2, 2, 2, 4]),
      wave(5, [2, 2, 2, 4]),
    ];
    const keyMask = tf.tile(tf.tensor([0, 0, MASKED, 0, 0], [1, 5, 1]), [2, 1, 1]);
    const mask = tf.tensor([0, MASKED, 0, 0, MASKED, 0], [3, 2]);
    const weigh = (mixed: Tensor) => tf.sum(tf.mul(tf.reshape(mixed, [2, 2, 3, 4]), wave(6, [2, 2, 3, 4])));
    const written = (...[q, k1, v1, k2, v2]: Tensor[]) =>
      weigh(
        attention(q as Tensor, [
          { k: k1 as Tensor, v: v1 as Tensor, keyMask },
          { k: k2 as Tensor, v: v2 as Tensor, mask },
        ]),
      );
    const taped = (...[q, k1, v1, k2, v2]: Tensor[]) => {
      const first = tf.add(
        tf.matMul(tf.reshape(q as Tensor, [2, 6, 4]), k1 as Tensor, false, true),
        tf.reshape(keyMask, [2, 1, 5]),
      );
      const second = tf.add(tf.matMul(q as Tensor, k2 as Tensor, false, true), mask);
      const weights = tf.softmax(tf.concat([tf.reshape(first, [2, 2, 3, 5]), second], 3));
      const onFirst = tf.matMul(
        tf.reshape(tf.slice(weights, [0, 0, 0, 0], [2, 2, 3, 5]), [2, 6, 5]),
        v1 as Tensor,
      );
      const onSecond = tf.matMul(tf.slice(weights, [0, 0, 0, 5], [2, 2, 3, 2]), v2 as Tensor);
      return weigh(tf.add(tf.reshape(onFirst, [2, 2, 3, 4]), onSecond));
    };
    const a = tf.valueAndGrads(written)(inputs);
    const b = tf.valueAndGrads(taped)(inputs);
    expect(largestDifference(a.value.dataSync(), b.value.dataSync())).toBeLessThan(1e-5);
    a.grads.forEach((gradient, at) => {
      expect(largestDifference(gradient.dataSync(), (b.grads[at] as Tensor).dataSync())).toBeLessThan(1e-5);
    });
    const ofMasked = tf.slice(a.grads[1] as Tensor, [0, 2, 0], [2, 1, 4]).dataSync();
    expect(Array.from(ofMasked, Math.abs)).toEqual(new Array(8).fill(0));
  });
});

describe("attendRows", () => {
  it("equals attention written out head by head", () => {
    const [B, S, H, K, D] = [2, 3, 4, 2, 2];
    const at = (seed: number, count: number) =>
      Array.from({ length: count }, (_, i) => Math.sin(seed + 1.7 * i));
    const [q, k, v] = [at(1, B * S * H * D), at(2, B * S * K * D), at(3, B * S * K * D)];
    const tensor = (values: number[], heads: number) => tf.tensor(values, [B * S, heads, D]);
    const mask = tf.tile(tf.reshape(causalMask(S), [1, S, S]), [B, 1, 1]);
    const found = attendRows(mask, { B, S })(0, tensor(q, H), tensor(k, K), tensor(v, K));
    const expected: number[] = [];
    for (let b = 0; b < B; b++) {
      for (let s = 0; s < S; s++) {
        for (let h = 0; h < H; h++) {
          const cell = (t: number, heads: number, head: number) => ((b * S + t) * heads + head) * D;
          const kept = Math.floor(h / (H / K));
          const weights = Array.from({ length: s + 1 }, (_, t) => {
            const [i, j] = [cell(s, H, h), cell(t, K, kept)];
            return Math.exp((q[i] ?? 0) * (k[j] ?? 0) + (q[i + 1] ?? 0) * (k[j + 1] ?? 0));
          });
          const total = weights.reduce((sum, weight) => sum + weight, 0);
          for (let d = 0; d < D; d++) {
            expected.push(
              weights.reduce((sum, weight, t) => sum + weight * (v[cell(t, K, kept) + d] ?? 0), 0) / total,
            );
          }
        }
      }
    }
    expect(found.shape).toEqual([B * S, H, D]);
    expect(largestDifference(found.dataSync(), expected)).toBeLessThan(1e-6);
  });
});
