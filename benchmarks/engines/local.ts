/**
 * @module Rows answered by a checkpoint folder through the compiled policy, in batches.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError, invariant, ModelError, SharegrpoError } from "../../src/core/errors.js";
import { given } from "../../src/core/given.js";
import { readImage } from "../../src/core/image/decode.js";
import { Rng } from "../../src/core/rng.js";
import { zip } from "../../src/core/zip.js";
import { type ImageLimits, withImageLimits } from "../../src/data/pixels.js";
import type { Sampler, Decoding as SamplerDecoding } from "../../src/engine/engine.js";
import { ADAPTER_CONFIG, adapterBase } from "../../src/model/lora/peft.js";
import type { Processor } from "../../src/model/processor.js";
import { buildPrompt, IMAGE_MARKER, promptLength } from "../../src/model/prompt.js";
import type { Prompt } from "../../src/records.js";
import type { MessageItem } from "../records.js";
import { type Answer, type AnswerEngine, type Asked, type Decoding, failure } from "./engine.js";

export interface LocalEngineOptions {
  readonly processor: Processor;
  /** The compiled policy, on this thread or in a process of its own. */
  readonly sampler: Sampler;
  readonly decoding: Decoding;
  readonly pixels: ImageLimits;
  /** Rows in a batch; default 32. */
  readonly atOnce?: number;
  /** Milliseconds from any origin. */
  readonly now?: () => number;
}

const DEFAULT_AT_ONCE = 32;

/** The message as one text with a marker where each image stands. */
export function markedText(items: readonly MessageItem[]): string {
  return items.map((item) => (item.kind === "text" ? item.text : IMAGE_MARKER)).join("");
}

function samplingOf({ temperature, topP, topK, maxTokens }: Decoding): SamplerDecoding {
  const isGreedy = temperature === 0;
  return { temperature: isGreedy ? 1 : temperature, isGreedy, topP: topP ?? 1, topK: topK ?? 0, maxTokens };
}

/** A prompt, or why the row cannot be asked: an image that is none, words that are control tokens. */
async function promptOf(processor: Processor, { dataset, index, items }: Asked): Promise<Prompt | Answer> {
  const images = items.flatMap((item) => (item.kind === "image" ? [item.image] : []));
  try {
    const where = `${dataset}, index ${index}`;
    // A damaged image must cost its own row and not the batch.
    for (const image of images) await readImage(image, where);
    return await buildPrompt(processor, { text: markedText(items), images }, where);
  } catch (error) {
    if (error instanceof SharegrpoError) return failure(error.message);
    throw error;
  }
}

/**
 * An engine on a compiled policy. A draw depends on seed, dataset, row and sample, never on the batch.
 * @throws ConfigError for settings the policy does not know
 */
export function createLocalEngine(options: LocalEngineOptions): AnswerEngine {
  const { sampler, decoding, atOnce = DEFAULT_AT_ONCE, now = () => performance.now() } = options;
  if (decoding.repetitionPenalty !== null && decoding.repetitionPenalty !== 1) {
    throw new ConfigError("local engine: unsupported repetition penalty: leave it out, or use a server");
  }
  const processor = withImageLimits(options.processor, options.pixels);
  const root = Rng.fromSeed(decoding.seed).split("evaluate");

  const generateBatch = async (
    batch: readonly { row: Asked; prompt: Prompt }[],
    signal: AbortSignal | undefined,
  ): Promise<Answer[]> => {
    const startedMs = now();
    const request = {
      prompts: batch.map(({ prompt }) => prompt),
      responses: 1,
      decoding: samplingOf(decoding),
      streams: batch.map(({ row }) => [root.split(row.dataset, row.index, row.sample).key]),
    };
    const rollouts = await sampler.sample(request, given({ signal }));
    const latencyMs = now() - startedMs;
    return zip(batch, rollouts).map(([{ prompt }, [rollout]]): Answer => {
      invariant(rollout, "local engine: a prompt without a rollout");
      return {
        prediction: processor.decode(rollout.tokens, { skipSpecial: true }).trim(),
        status: rollout.stopReason === "length" ? "truncated" : "finished",
        promptTokens: promptLength(prompt),
        tokens: rollout.tokens.length,
        latencyMs,
      };
    });
  };

  return {
    kind: "local",
    async answerAll(asked, onAnswer, signal) {
      for (let first = 0; first < asked.length; first += atOnce) {
        signal?.throwIfAborted();
        const batch: { row: Asked; prompt: Prompt }[] = [];
        for (const row of asked.slice(first, first + atOnce)) {
          const prompt = await promptOf(processor, row);
          if ("status" in prompt) await onAnswer(row, prompt);
          else batch.push({ row, prompt });
        }
        if (batch.length === 0) continue;
        for (const [{ row }, answer] of zip(batch, await generateBatch(batch, signal)))
          await onAnswer(row, answer);
      }
    },
  };
}

/**
 * SHA-256 over a folder's weights, file by file in order of name, and over an adapter's base; a checkpoint's optimizer
 * state is none of them.
 * @throws ModelError when there are none
 */
export async function weightsDigest(folder: string): Promise<string> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new ModelError(`${folder}: cannot read the model folder: is the path right?`, { cause });
  });
  const weights = names.filter((name) => /^(adapter_)?model.*\.safetensors$/.test(name)).sort();
  if (weights.length === 0)
    throw new ModelError(`${folder}: missing model.safetensors: is it a model folder?`);
  const hash = createHash("sha256");
  for (const name of weights) {
    for await (const piece of createReadStream(join(folder, name))) hash.update(piece as Uint8Array);
  }
  const base = names.includes(ADAPTER_CONFIG) ? await adapterBase(folder) : undefined;
  if (base !== undefined) hash.update(await weightsDigest(base));
  return hash.digest("hex");
}
