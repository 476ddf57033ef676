import { beforeAll, describe, expect, it } from "vitest";
import { type Tensor, tf } from "../../../src/core/tf.js";
import { paramShapes } from "../../../src/model/params.js";
import { decoderParams, jointProduct, jointQkv } from "../../../src/model/transformer/jointQkv.js";
import { linear, within } from "../../../src/model/transformer/layers.js";
import { type GoldenModel, largestDifference, loadGolden, toTensors } from "../parity.js";

let model: GoldenModel;
let params: Record<string, Tensor>;
beforeAll(async () => {
  ({ model } = await loadGolden("qwen25vl/tied"));
  params = toTensors(model.params);
});

const NAME = "model.layers.1.self_attn";

describe("jointQkv", () => {
  it("gives queries over √D, keys and values with one product", () => {
    const { heads: H, keyValueHeads: K, headSize: D, hiddenSize } = model.config;
    const x = tf.reshape(tf.sin(tf.range(0, 3 * hiddenSize)), [3, hiddenSize]);
    const found = linear(jointQkv(params, model.config), `${NAME}.qkv`, x);
    const separate = ["q_proj", "k_proj", "v_proj"].map((part) => linear(params, `${NAME}.${part}`, x));
    const [q, ...rest] = separate as [Tensor, Tensor, Tensor];
    expect(found.shape).toEqual([3, (H + 2 * K) * D]);
    const expected = tf.concat([tf.div(q, Math.sqrt(D)), ...rest], 1);
    expect(largestDifference(found.dataSync(), expected.dataSync())).toBeLessThan(1e-6);
  });
});

describe("jointProduct", () => {
  const adaptersOf = (parts: readonly string[]): Record<string, Tensor> => {
    const { heads: H, keyValueHeads: K, headSize: D, hiddenSize } = model.config;
    const entries = parts.flatMap((part, at): [string, Tensor][] => {
      const outputs = (part === "q_proj" ? H : K) * D;
      return [
        [`${part}.lora_A.weight`, tf.reshape(tf.sin(tf.range(at, at + 2 * hiddenSize)), [2, hiddenSize])],
        [`${part}.lora_B.weight`, tf.reshape(tf.cos(tf.range(at, at + 2 * outputs)), [outputs, 2])],
        [`${part}.lora_scale`, tf.scalar(0.5)],
      ];
    });
    return Object.fromEntries(entries);
  };

  it.each([[[]], [["q_proj"]], [["k_proj", "v_proj"]], [["q_proj", "k_proj", "v_proj"]]])(
    "is the same from joint and from separate weights, adapters on %o",
    (parts) => {
      const { hiddenSize } = model.config;
      const x = tf.reshape(tf.sin(tf.range(0, 3 * hiddenSize)), [3, hiddenSize]);
      const separate = { ...within(params, NAME), ...adaptersOf(parts) };
      const joint = { ...within(jointQkv(params, model.config), NAME), ...adaptersOf(parts) };
      const [found, expected] = [separate, joint].map((weights) => jointProduct(weights, model.config, x));
      const largest = tf.max(tf.abs(expected as Tensor)).dataSync()[0] as number;
      const gap = largestDifference((found as Tensor).dataSync(), (expected as Tensor).dataSync());
      expect(gap / largest).toBeLessThan(1e-6);
    },
  );
});

describe("decoderParams", () => {
  it("replaces what it joins and passes every other parameter on untouched", () => {
    const given = decoderParams(params, model.config);
    const joined = /^model\.layers\.\d+\.self_attn\.[qkv]_proj\.(weight|bias)$/;
    const others = Object.keys(paramShapes(model)).filter((name) => !joined.test(name));
    for (const name of others) expect(given[name], name).toBe(params[name]);
    const made = Object.keys(given).filter((name) => !others.includes(name));
    const expected = Array.from({ length: model.config.layers }, (_, layer) =>
      ["weight", "bias"].map((kind) => `model.layers.${layer}.self_attn.qkv.${kind}`),
    );
    expect(made.sort()).toEqual(expected.flat().sort());
  });
});
