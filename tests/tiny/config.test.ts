import { describe, expect, it } from "vitest";
import { tinyModelConfig } from "../../src/tiny/config.js";
import { TINY_SPECIAL_TOKENS } from "../../src/tiny/tinyTokenizer.js";

const ids = Object.fromEntries(TINY_SPECIAL_TOKENS.map((name, at) => [name, 100 + at]));
const config = tinyModelConfig(640, ids);
const vision = config.vision_config;

describe("tinyModelConfig", () => {
  it("has sizes that fit together, as Qwen2.5-VL's do", () => {
    const headSize = config.hidden_size / config.num_attention_heads;
    expect(Number.isInteger(headSize)).toBe(true);
    expect(config.num_attention_heads % config.num_key_value_heads).toBe(0);
    // M-RoPE gives each pair of a head's numbers to time, height or width.
    expect(config.rope_scaling.mrope_section.reduce((sum, part) => sum + part, 0)).toBe(headSize / 2);
    expect(vision.hidden_size % vision.num_heads).toBe(0);
    // A vision head's rotary halves go to rows and columns.
    expect((vision.hidden_size / vision.num_heads) % 4).toBe(0);
    expect(vision.out_hidden_size).toBe(config.hidden_size);
    expect(vision.window_size % (vision.patch_size * vision.spatial_merge_size)).toBe(0);
    expect(vision.fullatt_block_indexes.every((block) => block < vision.depth)).toBe(true);
    expect(vision.spatial_patch_size).toBe(vision.patch_size);
  });

  it("has 1.8 million parameters", () => {
    const { hidden_size: wide, intermediate_size: inner, num_hidden_layers: layers } = config;
    const keys = (wide * config.num_key_value_heads) / config.num_attention_heads;
    const attention = wide * wide + wide + 2 * (wide * keys + keys) + wide * wide;
    const text = config.vocab_size * wide + layers * (attention + 3 * wide * inner + 2 * wide) + wide;
    const { hidden_size: seen, intermediate_size: between, depth } = vision;
    const block =
      3 * seen * seen + 3 * seen + seen * seen + seen + 3 * seen * between + 2 * between + seen + 2 * seen;
    const patch = vision.in_channels * vision.temporal_patch_size * vision.patch_size ** 2 * seen;
    const merged = seen * vision.spatial_merge_size ** 2;
    const merger = seen + merged * merged + merged + merged * wide + wide;
    const total = text + patch + depth * block + merger;
    // As many as the bundled policy's file has.
    expect(total).toBe(1_824_864);
  });

  it("names the tokenizer's special tokens, each its own", () => {
    expect(config).toMatchObject({
      vocab_size: 640,
      eos_token_id: ids["<|im_end|>"],
      bos_token_id: ids["<|endoftext|>"],
      pad_token_id: ids["<|endoftext|>"],
      image_token_id: ids["<|image_pad|>"],
      video_token_id: ids["<|video_pad|>"],
      vision_start_token_id: ids["<|vision_start|>"],
      vision_end_token_id: ids["<|vision_end|>"],
      vision_token_id: ids["<|vision_pad|>"],
    });
  });
});
