import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { ModelError } from "../../../src/core/errors.js";
import { parseNetwork } from "../../../src/model/families.js";
import { tinyModelConfig } from "../../../src/tiny/config.js";
import { goldenFolder } from "../parity.js";

/** What Qwen2.5-VL-7B publishes, as far as it is read. */
const PUBLISHED_7B = {
  model_type: "qwen2_5_vl",
  hidden_act: "silu",
  hidden_size: 3584,
  intermediate_size: 18944,
  num_attention_heads: 28,
  num_hidden_layers: 28,
  num_key_value_heads: 4,
  rms_norm_eps: 1e-6,
  rope_theta: 1000000.0,
  rope_scaling: { type: "mrope", mrope_section: [16, 24, 24] },
  use_sliding_window: false,
  tie_word_embeddings: false,
  vocab_size: 152064,
  bos_token_id: 151643,
  eos_token_id: 151645,
  image_token_id: 151655,
  video_token_id: 151656,
  vision_start_token_id: 151652,
  vision_end_token_id: 151653,
  vision_config: {
    depth: 32,
    hidden_act: "silu",
    hidden_size: 1280,
    intermediate_size: 3420,
    num_heads: 16,
    in_chans: 3,
    out_hidden_size: 3584,
    patch_size: 14,
    spatial_merge_size: 2,
    spatial_patch_size: 14,
    window_size: 112,
    fullatt_block_indexes: [7, 15, 23, 31],
    tokens_per_second: 2,
    temporal_patch_size: 2,
  },
};

describe("parseNetwork", () => {
  it("reads the flat layout of the published 7B model", () => {
    const { config } = parseNetwork(PUBLISHED_7B, "config.json");
    expect(config).toMatchObject({
      headSize: 128,
      keyValueHeads: 4,
      tieWordEmbeddings: false,
      ropeTheta: 1e6,
    });
    expect(config.tokens).toMatchObject({ image: 151655, eos: [151645], pad: 151643, bos: 151643 });
    expect(config.vision).toMatchObject({
      inChannels: 3,
      fullAttentionLayers: [7, 15, 23, 31],
      ropeTheta: 10000,
    });
  });

  it("reads the layout with a text_config that transformers 5 writes", async () => {
    const json = JSON.parse(await readFile(`${goldenFolder("qwen25vl/untied")}/config.json`, "utf8"));
    const { config } = parseNetwork(json, "config.json");
    expect(json.hidden_size).toBeUndefined();
    expect(config).toMatchObject({
      hiddenSize: 16,
      layers: 1,
      heads: 2,
      ropeTheta: 1e6,
      rotaryAxes: [0, 0, 1, 2],
    });
    expect(config.tokens.eos).toEqual([2]);
  });

  it("finds a tie that older versions wrote inside text_config", async () => {
    const json = JSON.parse(await readFile(`${goldenFolder("qwen25vl/untied")}/config.json`, "utf8"));
    const { tie_word_embeddings: _, ...rest } = json;
    const tied = { ...rest, text_config: { ...json.text_config, tie_word_embeddings: true } };
    expect(parseNetwork(tied, "config.json").config.tieWordEmbeddings).toBe(true);
  });

  it("reads the dimensions of the bundled policy", () => {
    const tokens = Object.fromEntries(
      ["endoftext", "im_end", "vision_start", "vision_end", "vision_pad", "image_pad", "video_pad"].map(
        (name, at) => [`<|${name}|>`, at],
      ),
    );
    expect(parseNetwork(tinyModelConfig(512, tokens), "tiny").config).toMatchObject({
      headSize: 32,
      layers: 5,
    });
  });

  const sliding = { ...PUBLISHED_7B, use_sliding_window: true };
  const yarn = { ...PUBLISHED_7B, rope_scaling: { type: "yarn", mrope_section: [16, 24, 24] } };
  const { vision_config: _, ...noVision } = PUBLISHED_7B;
  const { image_token_id: __, ...noImage } = PUBLISHED_7B;
  it.each([
    ["another architecture", { ...PUBLISHED_7B, model_type: "qwen2_vl" }, /model_type/],
    ["no vision tower", noVision, /vision_config/],
    ["no image token", noImage, /image_token_id/],
    ["sliding windows", sliding, /use_sliding_window/],
    ["another rope", yarn, /unsupported rope type: yarn/],
    ["another activation", { ...PUBLISHED_7B, hidden_act: "gelu" }, /hidden_act/],
    ["heads that do not divide", { ...PUBLISHED_7B, num_key_value_heads: 3 }, /num_key_value_heads/],
    ["sections that do not sum", { ...PUBLISHED_7B, num_attention_heads: 56 }, /sums to 64, expected 32/],
    ["a token outside the vocabulary", { ...PUBLISHED_7B, vocab_size: 1000 }, /vocab_size/],
    ["no object", null, /config\.json/],
  ])("refuses %s, naming the file and the field", (_what, json, message) => {
    expect(() => parseNetwork(json, "some/config.json")).toThrow(ModelError);
    expect(() => parseNetwork(json, "some/config.json")).toThrow(message);
    expect(() => parseNetwork(json, "some/config.json")).toThrow(/^some\/config\.json: /);
  });
});
