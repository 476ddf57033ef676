/**
 * @module Dimensions of the bundled tiny policy, as a Hugging Face `config.json`.
 */

/**
 * A Qwen2.5-VL of 1.8 M parameters: the published architecture with small numbers.
 * Windows are 56 px (2 × 2 merged patches) so that images of 112–196 px have several. The rotary base is small because
 * images are 4 to 7 tokens wide: at the usual 10,000 one column would turn the width's frequencies by 0.003 rad.
 * @param vocabSize rows of the embedding; at least the tokenizer's size
 * @param tokens ids of the special tokens in the tokenizer
 */
export function tinyModelConfig(vocabSize: number, tokens: Readonly<Record<string, number>>) {
  return {
    architectures: ["Qwen2_5_VLForConditionalGeneration"],
    model_type: "qwen2_5_vl",
    dtype: "float32",
    hidden_size: 128,
    intermediate_size: 384,
    num_hidden_layers: 5,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    hidden_act: "silu",
    max_position_embeddings: 2048,
    max_window_layers: 5,
    rms_norm_eps: 1e-6,
    rope_theta: 20,
    rope_scaling: { type: "mrope", mrope_section: [2, 7, 7] },
    attention_dropout: 0,
    initializer_range: 0.02,
    sliding_window: null,
    use_sliding_window: false,
    use_cache: true,
    tie_word_embeddings: true,
    vocab_size: vocabSize,
    bos_token_id: tokens["<|endoftext|>"],
    eos_token_id: tokens["<|im_end|>"],
    pad_token_id: tokens["<|endoftext|>"],
    vision_start_token_id: tokens["<|vision_start|>"],
    vision_end_token_id: tokens["<|vision_end|>"],
    vision_token_id: tokens["<|vision_pad|>"],
    image_token_id: tokens["<|image_pad|>"],
    video_token_id: tokens["<|video_pad|>"],
    vision_config: {
      model_type: "qwen2_5_vl",
      depth: 4,
      hidden_size: 96,
      intermediate_size: 256,
      num_heads: 3,
      hidden_act: "silu",
      in_chans: 3,
      in_channels: 3,
      out_hidden_size: 128,
      patch_size: 14,
      spatial_patch_size: 14,
      temporal_patch_size: 2,
      spatial_merge_size: 2,
      tokens_per_second: 2,
      window_size: 56,
      fullatt_block_indexes: [1, 3],
    },
  };
}
