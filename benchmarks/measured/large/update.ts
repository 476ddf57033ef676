/**
 * @module A Share-GRPO step of an adapter on a model of real size: one question on a picture, m variants, n responses
 * each, every response read under every variant's prompt.
 */
import sharp from "sharp";
import { resolveConfig } from "../../../src/config/load.js";
import type { OnProgress } from "../../../src/core/progress.js";
import { Rng } from "../../../src/core/rng.js";
import type { Watch } from "../../../src/engine/engine.js";
import { localSettings } from "../../../src/engine/local/settings.js";
import { startEngine } from "../../../src/engine/process/engineInProcess.js";
import { loadProcessor, type Processor } from "../../../src/model/processor.js";
import { buildPrompt, promptLength } from "../../../src/model/prompt.js";
import type { Prompt } from "../../../src/records.js";
import { lossSettings } from "../../../src/train/update.js";
import { type MemoryPeak, withMemoryPeak } from "./memoryWatch.js";

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

/** Runs the update once, in a process of its own, on random responses. */
export async function measureUpdate(
  model: string,
  sizes: UpdateSizes = UPDATE_SIZES,
  onProgress?: OnProgress,
): Promise<UpdateResult> {
  const config = resolveConfig(
    { lora: { rank: sizes.rank }, update: { microBatchUnits: sizes.variants } },
    "bench large",
  );
  const processor = await loadProcessor(model);
  const prompts = await promptsOf(processor, sizes);
  const draws = Rng.fromSeed(2).split("responses");
  const all = Array.from({ length: sizes.variants * sizes.responses }, () =>
    Int32Array.from({ length: sizes.tokens }, () => draws.integer(0, processor.size)),
  );
  const readings = prompts.map((prompt) => ({ prompt, responses_R: all }));
  const engine = startEngine({ model, local: localSettings(config) });
  const { learner } = engine;
  try {
    const lessons = readings.map((reading) => ({
      ...reading,
      advantages_R: all.map((_, at) => (at % 2 === 0 ? 1 : -1)),
      weights_R: all.map(() => 1 / (sizes.tokens * all.length * prompts.length)),
    }));
    const { result, peak } = await withMemoryPeak("children", async () => {
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
    });
    const lengths = prompts.map(promptLength);
    return { promptTokens: Math.max(...lengths), ...result, peak };
  } finally {
    await engine.close();
  }
}
