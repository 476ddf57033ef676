import { beforeAll, describe, expect, it } from "vitest";
import { ModelError, ShapeError } from "../../../src/core/errors.js";
import type { Params } from "../../../src/core/ndarray.js";
import { type Tensor, tf } from "../../../src/core/tf.js";
import { attendRows } from "../../../src/model/transformer/attention.js";
import { decoder, embed, logits } from "../../../src/model/transformer/decoder.js";
import { decoderParams } from "../../../src/model/transformer/jointQkv.js";
import { causalMask, MASKED } from "../../../src/model/transformer/prefix.js";
import {
  CASES,
  type GoldenModel,
  hostInputs,
  largestDifference,
  loadGolden,
  pick,
  tensorInputs,
  toTensors,
} from "../parity.js";

let model: GoldenModel;
let expected: Params;
let params: Record<string, Tensor>;
beforeAll(async () => {
  ({ model, expected } = await loadGolden("qwen25vl/tied"));
  params = toTensors(model.params);
});

describe("embed", () => {
  it("looks text up and takes image tokens from the vision rows", () => {
    const rows = tf.tensor2d([new Array(32).fill(7), new Array(32).fill(8)]);
    const image = { rows, deep: [], index: tf.tensor1d([0, 1, 0], "int32"), isImage: tf.tensor1d([0, 1, 1]) };
    const x = embed(params, tf.tensor1d([3, 190, 190], "int32"), image).x.dataSync();
    const row3 = pick(model.params, "model.embed_tokens.weight").data.subarray(3 * 32, 4 * 32);
    expect(Array.from(x)).toEqual([...row3, ...new Array(32).fill(8), ...new Array(32).fill(7)]);
  });

  it("gives no gradient to the embedding of an image token", () => {
    const image = {
      rows: tf.ones([1, 32]),
      deep: [],
      index: tf.tensor1d([0, 0], "int32"),
      isImage: tf.tensor1d([0, 1]),
    };
    const gradient = tf.grad((weights) =>
      tf.sum(embed({ "model.embed_tokens.weight": weights }, tf.tensor1d([3, 190], "int32"), image).x),
    )(params["model.embed_tokens.weight"] as Tensor);
    const perToken = tf.sum(gradient, 1).dataSync();
    expect([perToken[3], perToken[190]]).toEqual([32, 0]);
  });

  it("says which parameter is missing", () => {
    expect(() => embed({}, tf.tensor1d([3], "int32"))).toThrow(ModelError);
    expect(() => embed({}, tf.tensor1d([3], "int32"))).toThrow(/model\.embed_tokens\.weight/);
  });
});

describe("decoder", () => {
  it("gives prompts packed as padded rows of one batch what it gives them alone", () => {
    const inputs = CASES.map((name) => tensorInputs(hostInputs(expected, name, model)));
    const lengths = inputs.map(({ tokens }) => tokens.shape[0] as number);
    const S = Math.max(...lengths) + 2;
    const D = model.config.headSize;
    const x = inputs.map(({ tokens }) => embed(params, tokens).x);
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
      decoderParams(params, model.config),
      model.config,
      { x: padded(x, 32), deep: [] },
      rope,
      attendRows(mask, { B: inputs.length, S }),
    );
    inputs.forEach((each, row) => {
      const T = lengths[row] as number;
      const attend = attendRows(tf.reshape(causalMask(T), [1, 1, T, T]), { B: 1, S: T });
      const alone = decoder(
        decoderParams(params, model.config),
        model.config,
        { x: x[row] as Tensor, deep: [] },
        each,
        attend,
      );
      const found = tf.slice(together, [row * S, 0], [T, 32]);
      expect(largestDifference(found.dataSync(), alone.dataSync()), `row ${row}`).toBeLessThan(1e-5);
    });
  });

  it("names the axis when the rope tables are of another length", () => {
    const rope = { cos: tf.zeros([3, 8]), sin: tf.zeros([3, 8]) };
    const run = () =>
      decoder(
        decoderParams(params, model.config),
        model.config,
        { x: tf.zeros([2, 32]), deep: [] },
        rope,
        (_layer, q) => q,
      );
    expect(run).toThrow(ShapeError);
    expect(run).toThrow("decoder: rope.cos: expected [T, D] with T=2, D=8, got [3, 8]");
  });
});

describe("logits", () => {
  it("uses the embedding when the head is tied, and the head when not", () => {
    const hidden = tf.cast(tf.oneHot([0], 32), "float32");
    const own = { ...params, "lm_head.weight": tf.ones([200, 32]) };
    const tied = logits(own, model.config, hidden).dataSync();
    const column = tf.slice(params["model.embed_tokens.weight"] as Tensor, [0, 0], [200, 1]).dataSync();
    expect(largestDifference(tied, column)).toBe(0);
    const untied = logits(own, { ...model.config, tieWordEmbeddings: false }, hidden).dataSync();
    expect(new Set(untied)).toEqual(new Set([1]));
  });
});
