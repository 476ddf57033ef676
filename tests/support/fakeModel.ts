/**
 * @module A very small Qwen2.5-VL with random weights: the whole architecture, a real tokenizer, a few thousand
 * numbers. Stands where a model is needed; the same options make the same bytes.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import type { NdArray } from "../../src/core/ndarray.js";
import { Rng } from "../../src/core/rng.js";
import { parseNetwork } from "../../src/model/families.js";
import { loadModel, type Model } from "../../src/model/load.js";
import { initParams } from "../../src/model/params.js";
import type { Prompt } from "../../src/model/prompt.js";
import { writeSafetensors } from "../../src/model/safetensors.js";
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

/** Writes the model in Hugging Face layout. */
export async function writeFakeModel(dir: string, options: FakeModelOptions = {}): Promise<void> {
  await mkdir(dir, { recursive: true });
  const { size, ids } = await writeTinyTokenizer(dir, CORPUS);
  const tiny = tinyModelConfig(size + UNUSED_ROWS, ids);
  const json = {
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
  await writeFile(join(dir, "config.json"), `${JSON.stringify(json, undefined, 2)}\n`);
  const params = initParams(parseNetwork(json, "fake model"), Rng.fromSeed(options.seed ?? 1));
  const embedding = params["model.embed_tokens.weight"] as NdArray;
  const ends = [ids["<|im_end|>"], ids["<|endoftext|>"]];
  embedding.data.forEach((value, at) => {
    const isEnd = ends.includes(Math.floor(at / json.hidden_size));
    embedding.data[at] = value * (options.sharpness ?? 1) * (isEnd ? (options.endWeight ?? 1) : 1);
  });
  await writeSafetensors(join(dir, "model.safetensors"), params);
}

/** The model, loaded from a folder that is deleted after the tests of the file. */
export async function fakeModel(options: FakeModelOptions = {}): Promise<Model> {
  const dir = await temporaryFolder();
  await writeFakeModel(dir, options);
  return loadModel(dir);
}

/** A prompt with drawn words, and one drawn image per grid of 14-pixel patches; sides are even. */
export function fakePrompt(
  { config, processor }: Model,
  { words, grids = [] }: { readonly words: string; readonly grids?: readonly [number, number][] },
): Prompt {
  const { vision, tokens } = config;
  const patchDim = vision.inChannels * vision.temporalPatchSize * vision.patchSize ** 2;
  const draws = Rng.fromSeed(7).split("image", words);
  const images = grids.map(([h, w]) => ({
    grid: { t: 1, h, w },
    patches: Float32Array.from({ length: h * w * patchDim }, () => draws.normal()),
  }));
  const merged = vision.spatialMergeSize ** 2;
  const imageTokens = grids.flatMap(([h, w]) => [
    tokens.visionStart,
    ...new Array<number>((h * w) / merged).fill(tokens.image),
    tokens.visionEnd,
  ]);
  return { tokens: Int32Array.from([...imageTokens, ...processor.encode(words)]), images };
}
