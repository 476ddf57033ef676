import { beforeAll, describe, expect, it } from "vitest";
import { ModelError, ShapeError } from "../../../src/core/errors.js";
import type { Params } from "../../../src/core/ndarray.js";
import { type Tensor, tf } from "../../../src/core/tf.js";
import { attendRows, attention } from "../../../src/model/qwen25vl/attention.js";
import { decoder, embed, logits } from "../../../src/model/qwen25vl/decoder.js";
import { gelu } from "../../../src/model/qwen25vl/layers.js";
import type { Model } from "../../../src/model/qwen25vl/load.js";
import { causalMask, MASKED } from "../../../src/model/qwen25vl/prefix.js";
import { CASES, hostInputs, largestDifference, loadGolden, pick, tensorInputs, toTensors } from "./parity.js";

let model: Model;
let expected: Params;
let params: Record<string, Tensor>;
beforeAll(async () => {
  ({ model, expected } = await loadGolden("tied"));
  params = toTensors(model.params);
});

describe("embed", () => {
  it("looks text up and takes image tokens from the vision rows", () => {
    const rows = tf.tensor2d([new Array(32).fill(7), new Array(32).fill(8)]);
    const image = { rows, index: tf.tensor1d([0, 1, 0], "int32"), isImage: tf.tensor1d([0, 1, 1]) };
    const x = embed(params, model.config, tf.tensor1d([3, 190, 190], "int32"), image).dataSync();
    const row3 = pick(model.params, "model.embed_tokens.weight").data.subarray(3 * 32, 4 * 32);
    expect(Array.from(x)).toEqual([...row3, ...new Array(32).fill(8), ...new Array(32).fill(7)]);
  });

  it("gives no gradient to the embedding of an image token", () => {
    const image = {
      rows: tf.ones([1, 32]),
      index: tf.tensor1d([0, 0], "int32"),
      isImage: tf.tensor1d([0, 1]),
    };
    const gradient = tf.grad((weights) =>
      tf.sum(
        embed({ "model.embed_tokens.weight": weights }, model.config, tf.tensor1d([3, 190], "int32"), image),
      ),
    )(params["model.embed_tokens.weight"] as Tensor);
    const perToken = tf.sum(gradient, 1).dataSync();
    expect([perToken[3], perToken[190]]).toEqual([32, 0]);
  });

  it("says which parameter is missing", () => {
    expect(() => embed({}, model.config, tf.tensor1d([3], "int32"))).toThrow(ModelError);
    expect(() => embed({}, model.config, tf.tensor1d([3], "int32"))).toThrow(/model\.embed_tokens\.weight/);
  });
});

describe("decoder", () => {
  it("gives prompts packed as padded rows of one batch what it gives them alone", () => {
    const inputs = CASES.map((name) => tensorInputs(hostInputs(expected, name, model.config)));
    const lengths = inputs.map(({ tokens }) => tokens.shape[0] as number);
    const S = Math.max(...lengths) + 2;
    const D = model.config.headSize;
    const x = inputs.map(({ tokens }) => embed(params, model.config, tokens));
    const padded = (rows: readonly Tensor[], width: number) =>
      tf.concat(
        rows.map((row) =>
          tf.pad(tf.reshape(row, [-1, width]), [
            [0, S - (row.shape[0] as number)],
            [0, 0],
          ]),
        ),
      );
    const mask = tf.stack(
      lengths.map((length) =>
        tf.add(causalMask(S), tf.concat([tf.zeros([S, length]), tf.fill([S, S - length], MASKED)], 1)),
      ),
    );
    const rope = {
      cos: padded(
        inputs.map(({ cos }) => cos),
        D,
      ),
      sin: padded(
        inputs.map(({ sin }) => sin),
        D,
      ),
    };
    const together = decoder(
      params,
      model.config,
      padded(x, 32),
      rope,
      attendRows(mask, { B: inputs.length, S }),
    );
    inputs.forEach((each, row) => {
      const T = lengths[row] as number;
      const attend = attendRows(tf.reshape(causalMask(T), [1, 1, T, T]), { B: 1, S: T });
      const alone = decoder(params, model.config, x[row] as Tensor, each, attend);
      const found = tf.slice(together, [row * S, 0], [T, 32]);
      expect(largestDifference(found.dataSync(), alone.dataSync()), `row ${row}`).toBeLessThan(1e-5);
    });
  });

  it("names the axis when the rope tables are of another length", () => {
    const rope = { cos: tf.zeros([3, 8]), sin: tf.zeros([3, 8]) };
    const run = () => decoder(params, model.config, tf.zeros([2, 32]), rope, (_layer, q) => q);
    expect(run).toThrow(ShapeError);
    expect(run).toThrow("decoder: rope.cos: expected [T, D] with T=2, D=8, got [3, 8]");
  });
});

describe("logits", () => {
  it("uses the embedding when the head is tied, and the head when not", () => {
    const hidden = tf.oneHot([0], 32).toFloat();
    const own = { ...params, "lm_head.weight": tf.ones([200, 32]) };
    const tied = logits(own, model.config, hidden).dataSync();
    const column = tf.slice(params["model.embed_tokens.weight"] as Tensor, [0, 0], [200, 1]).dataSync();
    expect(largestDifference(tied, column)).toBe(0);
    const untied = logits(own, { ...model.config, tieWordEmbeddings: false }, hidden).dataSync();
    expect(new Set(untied)).toEqual(new Set([1]));
  });
});

describe("attention", () => {
  const wave = (seed: number, shape: number[]) =>
    tf.sin(tf.range(seed, seed + 3 * tf.util.sizeFromShape(shape), 3)).reshape(shape);

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
    const weigh = (mixed: Tensor) => tf.sum(tf.mul(mixed.reshape([2, 2, 3, 4]), wave(6, [2, 2, 3, 4])));
    const written = (...[q, k1, v1, k2, v2]: Tensor[]) =>
      weigh(
        attention(q as Tensor, [
          { k: k1 as Tensor, v: v1 as Tensor, keyMask },
          { k: k2 as Tensor, v: v2 as Tensor, mask },
        ]),
      );
    const taped = (...[q, k1, v1, k2, v2]: Tensor[]) => {
      const first = tf
        .matMul((q as Tensor).reshape([2, 6, 4]), k1 as Tensor, false, true)
        .add(keyMask.reshape([2, 1, 5]));
      const second = tf.matMul(q as Tensor, k2 as Tensor, false, true).add(mask);
      const weights = tf.softmax(tf.concat([first.reshape([2, 2, 3, 5]), second], 3));
      const onFirst = tf.matMul(
        tf.slice(weights, [0, 0, 0, 0], [2, 2, 3, 5]).reshape([2, 6, 5]),
        v1 as Tensor,
      );
      const onSecond = tf.matMul(tf.slice(weights, [0, 0, 0, 5], [2, 2, 3, 2]), v2 as Tensor);
      return weigh(tf.add(onFirst.reshape([2, 2, 3, 4]), onSecond));
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
            return Math.exp(((q[i] ?? 0) * (k[j] ?? 0) + (q[i + 1] ?? 0) * (k[j + 1] ?? 0)) / Math.sqrt(D));
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

describe("gelu", () => {
  it("is x times the normal distribution function", () => {
    // Φ(1) = 0.8413447, Φ(−2) = 0.0227501.
    const found = gelu(tf.tensor1d([0, 1, -2])).dataSync();
    expect(largestDifference(found, [0, 0.8413447, -0.0455003])).toBeLessThan(1e-6);
  });
});
