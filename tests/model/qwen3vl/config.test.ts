import { describe, expect, it } from "vitest";
import { ModelError } from "../../../src/core/errors.js";
import { parseNetwork } from "../../../src/model/families.js";
import { parseConfig } from "../../../src/model/qwen3vl/config.js";

/** What Qwen3-VL-4B-Instruct publishes, as far as it is read. */
const PUBLISHED_4B = {
  model_type: "qwen3_vl",
  image_token_id: 151655,
  video_token_id: 151656,
  vision_start_token_id: 151652,
  vision_end_token_id: 151653,
  tie_word_embeddings: true,
  text_config: {
    model_type: "qwen3_vl_text",
    attention_bias: false,
    bos_token_id: 151643,
    eos_token_id: 151645,
    head_dim: 128,
    hidden_act: "silu",
    hidden_size: 2560,
    intermediate_size: 9728,
    num_attention_heads: 32,
    num_hidden_layers: 36,
    num_key_value_heads: 8,
    rms_norm_eps: 1e-6,
    rope_scaling: { mrope_interleaved: true, mrope_section: [24, 20, 20], rope_type: "default" },
    rope_theta: 5000000,
    tie_word_embeddings: true,
    vocab_size: 151936,
  },
  vision_config: {
    model_type: "qwen3_vl",
    deepstack_visual_indexes: [5, 11, 17],
    depth: 24,
    hidden_act: "gelu_pytorch_tanh",
    hidden_size: 1024,
    in_channels: 3,
    intermediate_size: 4096,
    num_heads: 16,
    num_position_embeddings: 2304,
    out_hidden_size: 2560,
    patch_size: 16,
    spatial_merge_size: 2,
    temporal_patch_size: 2,
  },
};

const withText = (change: object) => ({
  ...PUBLISHED_4B,
  text_config: { ...PUBLISHED_4B.text_config, ...change },
});
const withVision = (change: object) => ({
  ...PUBLISHED_4B,
  vision_config: { ...PUBLISHED_4B.vision_config, ...change },
});

/** Of the dense models: parameters by their published configs, in billions. */
const SIZES: [name: string, json: object, billions: number][] = [
  [
    "2B",
    {
      ...withText({
        hidden_size: 2048,
        intermediate_size: 6144,
        num_attention_heads: 16,
        num_hidden_layers: 28,
      }),
      vision_config: { ...PUBLISHED_4B.vision_config, out_hidden_size: 2048 },
    },
    2.13,
  ],
  ["4B", PUBLISHED_4B, 4.44],
  [
    "8B",
    {
      ...withText({ hidden_size: 4096, intermediate_size: 12288, tie_word_embeddings: false }),
      tie_word_embeddings: false,
      vision_config: {
        ...PUBLISHED_4B.vision_config,
        ...{ deepstack_visual_indexes: [8, 16, 24], depth: 27, hidden_size: 1152, intermediate_size: 4304 },
        out_hidden_size: 4096,
      },
    },
    8.77,
  ],
];

describe("parseConfig", () => {
  it("reads the published 4B model, whose heads are wider than hidden / heads", () => {
    const config = parseConfig(PUBLISHED_4B, "config.json");
    expect(config).toMatchObject({
      headSize: 128,
      heads: 32,
      keyValueHeads: 8,
      tieWordEmbeddings: true,
      ropeTheta: 5e6,
      vision: { positionsPerSide: 48, deepstackBlocks: [5, 11, 17], patchSize: 16, ropeTheta: 10000 },
    });
    expect(config.tokens).toEqual({
      ...{ image: 151655, video: 151656, visionStart: 151652, visionEnd: 151653 },
      ...{ eos: [151645], pad: 151643, bos: 151643 },
    });
  });

  it("gives frequencies to time, height and width in turn, and the slowest four to time", () => {
    const { rotaryAxes } = parseConfig(PUBLISHED_4B, "config.json");
    expect(rotaryAxes.slice(0, 6)).toEqual([0, 1, 2, 0, 1, 2]);
    expect(rotaryAxes.slice(57)).toEqual([0, 1, 2, 0, 0, 0, 0]);
    expect([0, 1, 2].map((axis) => rotaryAxes.filter((each) => each === axis).length)).toEqual([24, 20, 20]);
  });

  it.each(SIZES)("names the parameters of the published %s model", (_name, json, billions) => {
    const { family, config } = parseNetwork(json, "config.json");
    const shapes = Object.values(family.shapes(config));
    const parameters = shapes.reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
    expect(parameters / 1e9).toBeCloseTo(billions, 1);
  });

  it.each([
    ["a mixture of experts", { ...PUBLISHED_4B, model_type: "qwen3_vl_moe" }, /model_type/],
    ["another rope", withText({ rope_scaling: { rope_type: "yarn" } }), /unsupported rope type: yarn/],
    ["attention with biases", withText({ attention_bias: true }), /attention_bias/],
    ["sections that do not sum", withText({ head_dim: 64 }), /sums to 64, expected 32/],
    ["another tower's width", withVision({ out_hidden_size: 4096 }), /out_hidden_size differs/],
    ["another activation", withVision({ hidden_act: "silu" }), /vision_config\.hidden_act/],
    ["positions that are no square", withVision({ num_position_embeddings: 2300 }), /not a square/],
    ["a level beyond the tower", withVision({ deepstack_visual_indexes: [5, 24] }), /beyond depth/],
    ["a level twice", withVision({ deepstack_visual_indexes: [5, 5] }), /repeats a block/],
    ["more levels than layers", withText({ num_hidden_layers: 2 }), /more entries than layers/],
    ["no text_config", { ...PUBLISHED_4B, text_config: undefined }, /hidden_size/],
  ])("refuses %s, naming the file and the field", (_what, json, message) => {
    expect(() => parseNetwork(json, "some/config.json")).toThrow(ModelError);
    expect(() => parseNetwork(json, "some/config.json")).toThrow(message);
    expect(() => parseNetwork(json, "some/config.json")).toThrow(/^some\/config\.json: /);
  });
});
