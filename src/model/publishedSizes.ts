/**
 * @module The sizes of the published Qwen2.5-VL checkpoints, as their `config.json` states them: for plans before
 * anything is downloaded, and for random checkpoints of real size.
 *
 * Source: config.json of Qwen/Qwen2.5-VL-3B-Instruct, -7B-Instruct and -32B-Instruct.
 */
import { parseNetwork } from "./families.js";
import type { Network } from "./family.js";

const SIZES = {
  "3b": { hidden: 2048, intermediate: 11008, layers: 36, heads: 16, kv: 2, vocab: 151_936, vision: 3420 },
  "7b": { hidden: 3584, intermediate: 18944, layers: 28, heads: 28, kv: 4, vocab: 152_064, vision: 3420 },
  "32b": { hidden: 5120, intermediate: 27648, layers: 64, heads: 40, kv: 8, vocab: 152_064, vision: 3456 },
} as const;

/** A published size. */
export type PublishedSize = keyof typeof SIZES;

/** All of them, smallest first. */
export const PUBLISHED_SIZES = Object.keys(SIZES) as readonly PublishedSize[];

const IDS: Readonly<Record<string, number>> = {
  "<|endoftext|>": 151_643,
  "<|im_end|>": 151_645,
  "<|vision_start|>": 151_652,
  "<|vision_end|>": 151_653,
  "<|vision_pad|>": 151_654,
  "<|image_pad|>": 151_655,
  "<|video_pad|>": 151_656,
};

/** What is cut of a published size, so that its real widths can be tried with less. Default: nothing. */
export interface Cut {
  /** Of the decoder. */
  readonly layers?: number;
  /** Blocks of the vision tower. */
  readonly visionDepth?: number;
  readonly vocabSize?: number;
  /** Ids of the special tokens, where the tokenizer is another. */
  readonly tokens?: Readonly<Record<string, number>>;
}

const FULL_ATTENTION = [7, 15, 23, 31];

/** `config.json` of a published size. */
export function publishedConfig(size: PublishedSize, cut: Cut = {}) {
  const { hidden, intermediate, heads, kv, vision, ...whole } = SIZES[size];
  const { layers = whole.layers, visionDepth = 32, vocabSize = whole.vocab, tokens = IDS } = cut;
  return {
    architectures: ["Qwen2_5_VLForConditionalGeneration"],
    model_type: "qwen2_5_vl",
    torch_dtype: "bfloat16",
    hidden_size: hidden,
    intermediate_size: intermediate,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: kv,
    hidden_act: "silu",
    max_position_embeddings: 128_000,
    rms_norm_eps: 1e-6,
    rope_theta: 1_000_000,
    rope_scaling: { type: "mrope", mrope_section: [16, 24, 24] },
    use_sliding_window: false,
    tie_word_embeddings: size === "3b",
    vocab_size: vocabSize,
    bos_token_id: tokens["<|endoftext|>"],
    eos_token_id: tokens["<|im_end|>"],
    vision_start_token_id: tokens["<|vision_start|>"],
    vision_end_token_id: tokens["<|vision_end|>"],
    vision_token_id: tokens["<|vision_pad|>"],
    image_token_id: tokens["<|image_pad|>"],
    video_token_id: tokens["<|video_pad|>"],
    vision_config: {
      depth: visionDepth,
      hidden_act: "silu",
      hidden_size: 1280,
      intermediate_size: vision,
      num_heads: 16,
      in_chans: 3,
      out_hidden_size: hidden,
      patch_size: 14,
      spatial_merge_size: 2,
      temporal_patch_size: 2,
      window_size: 112,
      fullatt_block_indexes: FULL_ATTENTION.filter((block) => block < visionDepth),
    },
  };
}

/** Family and sizes of a published checkpoint. */
export function publishedNetwork(size: PublishedSize, cut: Cut = {}): Network {
  return parseNetwork(publishedConfig(size, cut), `Qwen2.5-VL-${size}`);
}
