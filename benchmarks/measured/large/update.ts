/**
 * @module A Share-GRPO step of an adapter on a model of real size: one question on a picture, m variants, n responses
 * each, every response read under every variant's prompt; and the same after responses drawn from weights of 8 bits.
 */
import sharp from "sharp";
import { resolveConfig } from "../../../src/config/load.js";
import { given } from "../../../src/core/given.js";
import type { OnProgress } from "../../../src/core/progress.js";
import { Rng } from "../../../src/core/rng.js";
import type { Engine, Watch } from "../../../src/engine/engine.js";
import { localSettings } from "../../../src/engine/local/settings.js";
import { startEngine } from "../../../src/engine/process/engineInProcess.js";
import { loadProcessor, type Processor } from "../../../src/model/processor.js";
import { buildPrompt, promptLength } from "../../../src/model/prompt.js";
import type { Prompt } from "../../../src/records.js";
import { lossSettings } from "../../../src/train/update.js";
import { timed } from "./machine.js";
import { type MemoryPeak, withMemoryPeak } from "./memoryWatch.js";
import { withSamplingEngines } from "./samplingEngines.js";

export interface UpdateSizes {
  readonly variants: number;
  /** Of each variant. */
  readonly responses: number;
  /** Of each response. */
  readonly tokens: number;
  /** Pixels of the picture's side. */
  readonly side: number;
  readonly rank: number;
}

/** As the project's bars have it: m = 2, n = 2, 448 × 448, 64 tokens. */
export const UPDATE_SIZES: UpdateSizes = { variants: 2, responses: 2, tokens: 64, side: 448, rank: 16 };

export interface UpdateResult {
  readonly promptTokens: number;
  /**
   * Seconds of the whole, and of its phases: the vision tower with the decoder's first layer, the other layers forward;
   * the head, the loss and the last layer's gradient; the other layers' gradients; AdamW. Old log-probabilities are those
   * that the update finds, as in a step with one mini-batch.
   */
  readonly whole: number;
  readonly phases: Readonly<Record<"vision" | "forward" | "head" | "backward" | "adamw", number>>;
  readonly peak: MemoryPeak;
}

async function promptsOf(processor: Processor, { variants, side }: UpdateSizes): Promise<Prompt[]> {
  const draws = Rng.fromSeed(1).split("large");
  const data = Buffer.from(Uint8Array.from({ length: 56 * 56 * 3 }, () => draws.integer(0, 256)));
  const noise = sharp(data, { raw: { width: 56, height: 56, channels: 3 } })
    .resize(side, side)
    .png();
  const image = { kind: "bytes", bytes: new Uint8Array(await noise.toBuffer()) } as const;
  return Promise.all(
    Array.from({ length: variants }, (_, variant) => {
      const text = `<image>How many red circles are there? Way ${variant} of asking.`;
      return buildPrompt(processor, { text, images: [image] }, `variant ${variant}`);
    }),
  );
}

/** @param layers when each layer was done, forward and backward: an even number; seconds from the beginning */
function phasesOf(
  layers: readonly number[],
  { gradients, end }: { readonly gradients: number; readonly end: number },
): UpdateResult["phases"] {
  const at = (layer: number) => layers[layer] as number;
  const count = layers.length / 2;
  return {
    vision: at(0),
    forward: at(count - 1) - at(0),
    head: at(count) - at(count - 1),
    backward: gradients - at(count),
    adamw: end - gradients,
  };
}

const configOf = ({ rank, variants }: UpdateSizes, weights: "exact" | "int8" = "exact") =>
  resolveConfig(
    { lora: { rank }, rollout: { weights }, update: { microBatchUnits: variants } },
    "bench large",
  );

interface Taught {
  readonly prompts: readonly Prompt[];
  /** Read under every prompt, with advantages of 1 and -1 by turns. */
  readonly responses: readonly Int32Array[];
  readonly sizes: UpdateSizes;
  readonly onProgress?: OnProgress;
}

/** Gradients of all pairs, and one step of AdamW. */
async function update(
  { learner }: Engine,
  { prompts, responses, sizes, onProgress }: Taught,
): Promise<Pick<UpdateResult, "whole" | "phases">> {
  const config = configOf(sizes);
  const lessons = prompts.map((prompt) => ({
    prompt,
    responses_R: responses,
    advantages_R: responses.map((_, at) => (at % 2 === 0 ? 1 : -1)),
    weights_R: responses.map(() => 1 / (sizes.tokens * responses.length * prompts.length)),
  }));
  const started = performance.now();
  const now = () => (performance.now() - started) / 1000;
  const layers: number[] = []; // when each was done: all forward, then all backward
  const watch: Watch = {
    onProgress: (progress) => {
      layers.push(now());
      onProgress?.(progress);
    },
  };
  await learner.accumulate(lessons, lossSettings(config), watch);
  const gradients = now();
  await learner.apply({ ...config.update, step: 1, learningRate: 1e-4 });
  return { whole: now(), phases: phasesOf(layers, { gradients, end: now() }) };
}

/** Runs the update once, in a process of its own, on random responses. */
export async function measureUpdate(
  model: string,
  sizes: UpdateSizes = UPDATE_SIZES,
  onProgress?: OnProgress,
): Promise<UpdateResult> {
  const processor = await loadProcessor(model);
  const prompts = await promptsOf(processor, sizes);
  const draws = Rng.fromSeed(2).split("responses");
  const responses = Array.from({ length: sizes.variants * sizes.responses }, () =>
    Int32Array.from({ length: sizes.tokens }, () => draws.integer(0, processor.size)),
  );
  const engine = startEngine({ model, local: localSettings(configOf(sizes)) });
  try {
    const { result, peak } = await withMemoryPeak("children", () =>
      update(engine, { prompts, responses, sizes, ...given({ onProgress }) }),
    );
    return { promptTokens: Math.max(...prompts.map(promptLength)), ...result, peak };
  } finally {
    await engine.close();
  }
}

export interface WholeStepResult {
  /** Seconds until a new process gives its first token, weights packed to 8 bits before it: once for a checkpoint. */
  readonly firstToken: number;
  /** Seconds: everything after that, the responses drawn from 8 bits, and the update. */
  readonly whole: number;
  readonly rollout: number;
  readonly update: number;
  readonly responseTokens: number;
  readonly peak: MemoryPeak;
}

/** Runs a step once: responses from weights of 8 bits, then the update on them. */
export async function measureStep(
  model: string,
  sizes: UpdateSizes = UPDATE_SIZES,
  onProgress?: OnProgress,
): Promise<WholeStepResult> {
  const prompts = await promptsOf(await loadProcessor(model), sizes);
  const draws = Rng.fromSeed(2).split("responses");
  const streams = prompts.map((_, at) =>
    Array.from({ length: sizes.responses }, (__, response) => draws.split(at, response).key),
  );
  const sample = ({ sampler }: Engine, maxTokens: number) =>
    sampler.sample({
      ...{ prompts, responses: sizes.responses, streams },
      decoding: { temperature: 1, isGreedy: false, topP: 1, topK: 0, maxTokens },
    });
  return withSamplingEngines(model, configOf(sizes, "int8"), async (start) => {
    const packing = await timed(async () => {
      const engine = start();
      await sample(engine, 1).finally(() => engine.close());
    });
    const engine = start();
    try {
      const { result, peak } = await withMemoryPeak("children", async () => {
        const rollout = await timed(() => sample(engine, sizes.tokens));
        const responses = rollout.result.flat().map(({ tokens }) => tokens);
        const learnt = await update(engine, { prompts, responses, sizes, ...given({ onProgress }) });
        const responseTokens = responses.reduce((sum, { length }) => sum + length, 0);
        return { rollout: rollout.seconds, update: learnt.whole, responseTokens };
      });
      return { firstToken: packing.seconds, whole: result.rollout + result.update, ...result, peak };
    } finally {
      await engine.close();
    }
  });
}
