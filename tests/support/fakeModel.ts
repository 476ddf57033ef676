/**
 * @module A very small model of any family with random weights: the whole architecture, a real tokenizer, a few thousand
 * numbers. Stands where a model is needed; the same options make the same bytes.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { sha256 } from "../../src/core/files/digest.js";
import { encodePng } from "../../src/core/image/decode.js";
import type { NdArray } from "../../src/core/ndarray.js";
import { Rng } from "../../src/core/rng.js";
import { createPromptReader } from "../../src/engine/local/promptReader.js";
import { parseNetwork } from "../../src/model/families.js";
import { loadModel, type Model } from "../../src/model/load.js";
import { initParams, publishedParams } from "../../src/model/params.js";
import type { PatchedPrompt } from "../../src/model/patchPrompt.js";
import { writeSafetensors } from "../../src/model/safetensors.js";
import type { Prompt, PromptPiece } from "../../src/records.js";
import { tinyModelConfig } from "../../src/tiny/config.js";
import { writeTinyTokenizer } from "../../src/tiny/tinyTokenizer.js";

const CORPUS = [
  "<think>red circles and blue squares: 1 + 2 = 3</think> \\boxed{3}",
  "How many red circles? Think in <think> </think>, then answer in \\boxed{}.",
  "user\n How many blue squares are there?\nassistant\n<think>four</think> \\boxed{4}",
];

/** Rows of the embedding beyond the tokenizer's: they must never be sampled. */
const UNUSED_ROWS = 8;

export interface FakeModelOptions {
  /** Default `qwen2_5_vl`. */
  readonly family?: keyof typeof CONFIGS;
  /** Default 1. */
  readonly seed?: number;
  /**
   * Factor on the embedding, and so on the logits. 1 (default) is an untrained policy, nearly uniform; 10 makes
   * a few tokens carry most of the probability.
   */
  readonly sharpness?: number;
  /** A further factor on the end tokens' rows. With sharpness 10, 6 ends most responses within 30 tokens. */
  readonly endWeight?: number;
}

/** A folder that is deleted after the tests of the file. */
export async function temporaryFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "sharegrpo-test-"));
  afterAll(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

type Tokens = Readonly<Record<string, number>>;

/** `config.json` of a vocabulary. */
const CONFIGS = {
  qwen2_5_vl(vocabSize: number, tokens: Tokens) {
    const tiny = tinyModelConfig(vocabSize, tokens);
    return {
      ...tiny,
      hidden_size: 32,
      intermediate_size: 48,
      num_hidden_layers: 2,
      rope_scaling: { type: "mrope", mrope_section: [1, 1, 2] },
      vision_config: {
        ...tiny.vision_config,
        depth: 2,
        hidden_size: 24,
        num_heads: 2,
        intermediate_size: 32,
        out_hidden_size: 32,
        fullatt_block_indexes: [1],
      },
    };
  },
  qwen3_vl: (vocabSize: number, tokens: Tokens) => ({
    architectures: ["Qwen3VLForConditionalGeneration"],
    model_type: "qwen3_vl",
    image_token_id: tokens["<|image_pad|>"],
    video_token_id: tokens["<|video_pad|>"],
    vision_start_token_id: tokens["<|vision_start|>"],
    vision_end_token_id: tokens["<|vision_end|>"],
    tie_word_embeddings: true,
    text_config: {
      model_type: "qwen3_vl_text",
      bos_token_id: tokens["<|endoftext|>"],
      eos_token_id: tokens["<|im_end|>"],
      head_dim: 12,
      hidden_size: 32,
      intermediate_size: 48,
      num_attention_heads: 4,
      num_hidden_layers: 3,
      num_key_value_heads: 2,
      rope_scaling: { mrope_interleaved: true, mrope_section: [2, 2, 2], rope_type: "default" },
      rope_theta: 1000,
      vocab_size: vocabSize,
    },
    vision_config: {
      model_type: "qwen3_vl",
      depth: 3,
      hidden_size: 24,
      num_heads: 2,
      intermediate_size: 32,
      out_hidden_size: 32,
      num_position_embeddings: 36,
      deepstack_visual_indexes: [0, 1],
    },
  }),
} as const;

/** Settings that `preprocessor_config.json` of Qwen3-VL has otherwise. */
const QWEN3_IMAGES = {
  patch_size: 16,
  size: { shortest_edge: 4096, longest_edge: 65536 },
  image_mean: [0.5, 0.5, 0.5],
  image_std: [0.5, 0.5, 0.5],
};

/** Writes the model in Hugging Face layout. */
export async function writeFakeModel(dir: string, options: FakeModelOptions = {}): Promise<void> {
  const { family = "qwen2_5_vl", seed = 1, sharpness = 1, endWeight = 1 } = options;
  await mkdir(dir, { recursive: true });
  const { size, ids } = await writeTinyTokenizer(dir, CORPUS);
  const json = CONFIGS[family](size + UNUSED_ROWS, ids);
  if (family === "qwen3_vl") {
    await writeFile(join(dir, "preprocessor_config.json"), JSON.stringify(QWEN3_IMAGES));
  }
  await writeFile(join(dir, "config.json"), `${JSON.stringify(json, undefined, 2)}\n`);
  const network = parseNetwork(json, "fake model");
  const params = initParams(network, Rng.fromSeed(seed));
  const embedding = params["model.embed_tokens.weight"] as NdArray;
  const ends = [ids["<|im_end|>"], ids["<|endoftext|>"]];
  embedding.data.forEach((value, at) => {
    const isEnd = ends.includes(Math.floor(at / network.config.hiddenSize));
    embedding.data[at] = value * sharpness * (isEnd ? endWeight : 1);
  });
  await writeSafetensors(join(dir, "model.safetensors"), publishedParams(network, params));
}

/** Gives a model of that kind a head of its own. */
export async function untie(dir: string): Promise<void> {
  const path = join(dir, "config.json");
  const json = { ...JSON.parse(await readFile(path, "utf8")), tie_word_embeddings: false };
  await writeFile(path, JSON.stringify(json));
  const network = parseNetwork(json, path);
  await writeSafetensors(
    join(dir, "model.safetensors"),
    publishedParams(network, initParams(network, Rng.fromSeed(2))),
  );
}

/** The model, loaded from a folder that is deleted after the tests of the file. */
export async function fakeModel(options: FakeModelOptions = {}): Promise<Model> {
  const dir = await temporaryFolder();
  await writeFakeModel(dir, options);
  return loadModel(dir);
}

/** A prompt as engines take it and as the network reads it. */
export type FakePrompt = Prompt & PatchedPrompt;

/** Patch sizes are small, and every pixel is drawn. */
async function noiseImage(width: number, height: number, draws: Rng): Promise<Uint8Array> {
  const data = Uint8Array.from({ length: 3 * width * height }, () => draws.integer(0, 256));
  return encodePng({ width, height, data });
}

/** A prompt with drawn words, and one drawn image per grid of 14-pixel patches; sides are even. */
export async function fakePrompt(
  { config, processor }: Model,
  { words, grids = [] }: { readonly words: string; readonly grids?: readonly [number, number][] },
): Promise<FakePrompt> {
  const { vision, tokens } = config;
  const draws = Rng.fromSeed(7).split("image", words);
  const pieces: PromptPiece[] = [];
  for (const [h, w] of grids) {
    const size = { width: w * vision.patchSize, height: h * vision.patchSize };
    const bytes = await noiseImage(size.width, size.height, draws);
    pieces.push(
      { kind: "tokens", tokens: Int32Array.of(tokens.visionStart) },
      {
        kind: "image",
        image: { kind: "bytes", bytes },
        digest: sha256(bytes),
        size,
        tokens: (h * w) / vision.spatialMergeSize ** 2,
      },
      { kind: "tokens", tokens: Int32Array.of(tokens.visionEnd) },
    );
  }
  pieces.push({ kind: "tokens", tokens: Int32Array.from(processor.encode(words)) });
  const prompt = { id: words, name: words, pieces };
  const [patched] = (await createPromptReader(processor)([prompt])) as [PatchedPrompt];
  return { ...prompt, ...patched };
}
