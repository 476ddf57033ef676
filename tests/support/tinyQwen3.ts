/**
 * @module A Qwen3 of two layers with random weights, in Hugging Face layout, for servers that load one: text only.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { NdArray } from "../../src/core/ndarray.js";
import { Rng } from "../../src/core/rng.js";
import { writeSafetensors } from "../../src/model/safetensors.js";
import { writeTinyTokenizer } from "../../src/tiny/tinyTokenizer.js";

const SIZES = { hidden: 64, intermediate: 128, heads: 4, keyValueHeads: 2, headSize: 16, layers: 2 } as const;
const CORPUS = ["one two three four", "what is two plus two"];

/** Names and shapes of Qwen3's tensors. */
function shapes(vocabulary: number): Record<string, number[]> {
  const { hidden: H, intermediate: I, heads, keyValueHeads, headSize, layers } = SIZES;
  const layer = (at: number): [string, number[]][] => {
    const name = (rest: string) => `model.layers.${at}.${rest}.weight`;
    return [
      [name("self_attn.q_proj"), [heads * headSize, H]],
      [name("self_attn.k_proj"), [keyValueHeads * headSize, H]],
      [name("self_attn.v_proj"), [keyValueHeads * headSize, H]],
      [name("self_attn.o_proj"), [H, heads * headSize]],
      [name("self_attn.q_norm"), [headSize]],
      [name("self_attn.k_norm"), [headSize]],
      [name("mlp.gate_proj"), [I, H]],
      [name("mlp.up_proj"), [I, H]],
      [name("mlp.down_proj"), [H, I]],
      [name("input_layernorm"), [H]],
      [name("post_attention_layernorm"), [H]],
    ];
  };
  return Object.fromEntries([
    ["model.embed_tokens.weight", [vocabulary, H]],
    ...Array.from({ length: layers }, (_, at) => layer(at)).flat(),
    ["model.norm.weight", [H]],
    ["lm_head.weight", [vocabulary, H]],
  ]);
}

/**
 * Writes the model.
 * @returns size of its vocabulary
 */
export async function writeTinyQwen3(dir: string): Promise<number> {
  await mkdir(dir, { recursive: true });
  const { size, ids } = await writeTinyTokenizer(dir, CORPUS);
  const { hidden, intermediate, heads, keyValueHeads, headSize, layers } = SIZES;
  const config = {
    ...{
      architectures: ["Qwen3ForCausalLM"],
      model_type: "qwen3",
      torch_dtype: "float32",
      hidden_act: "silu",
    },
    ...{ vocab_size: size, hidden_size: hidden, intermediate_size: intermediate, num_hidden_layers: layers },
    ...{ num_attention_heads: heads, num_key_value_heads: keyValueHeads, head_dim: headSize },
    ...{ max_position_embeddings: 512, rms_norm_eps: 1e-6, rope_theta: 10000, tie_word_embeddings: false },
    ...{ attention_bias: false, eos_token_id: ids["<|im_end|>"], pad_token_id: ids["<|endoftext|>"] },
  };
  await writeFile(join(dir, "config.json"), `${JSON.stringify(config, undefined, 2)}\n`);
  const params = Object.entries(shapes(size)).map(([name, shape]): [string, NdArray] => {
    const draws = Rng.fromSeed(1).split(name);
    const length = shape.reduce((product, side) => product * side, 1);
    const scale = 1 / Math.sqrt(shape[1] ?? 1);
    const draw = () => (shape.length === 1 ? 1 : scale * draws.normal());
    return [name, { dtype: "float32", shape, data: Float32Array.from({ length }, draw) }];
  });
  await writeSafetensors(join(dir, "model.safetensors"), Object.fromEntries(params));
  return size;
}
