/**
 * @module What a step on large pictures costs between the asking process and the engine's: bytes that cross, and the
 * memory of both. One step of 64 questions × 2 variants on pictures of 1000 × 1000: sample, log-probs, gradient, update.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { serialize } from "node:v8";
import sharp from "sharp";
import { resolveConfig } from "../../../src/config/load.js";
import { writeFileAtomic } from "../../../src/core/files/atomic.js";
import type { OnProgress } from "../../../src/core/progress.js";
import { Rng } from "../../../src/core/rng.js";
import { zip } from "../../../src/core/zip.js";
import { withImageLimits } from "../../../src/data/pixels.js";
import { createPromptReader } from "../../../src/engine/local/promptReader.js";
import { localSettings } from "../../../src/engine/local/settings.js";
import { startEngine } from "../../../src/engine/process/engineInProcess.js";
import { createImageLedger } from "../../../src/engine/process/wire.js";
import { modelFolder } from "../../../src/model/load.js";
import { loadProcessor, type Processor } from "../../../src/model/processor.js";
import { buildPrompt } from "../../../src/model/prompt.js";
import type { ImageSource, Prompt } from "../../../src/records.js";
import { formatBytes, formatMarkdownTable } from "../../../src/report/table.js";
import { lossSettings } from "../../../src/train/update.js";
import { writeWindowModel } from "./model.js";

const QUESTIONS = 64;
const VARIANTS = 2;
const SIDE = 1000;
/** Calls of a step that read every prompt. */
const READINGS = 3;
/** Share of second variants that show another view, as `expand.transformProbability` has it. */
const TRANSFORMED = 0.3;

export interface EngineResult {
  readonly pictures: number;
  /** Bytes over the pipe, all calls of the step. */
  readonly crossed: number;
  /** The same prompts as float32 patches in every call that reads them. */
  readonly asPatches: number;
  readonly askingPeakBytes: number;
  readonly enginePeakBytes: number;
}

/** A photograph's kind of content: smooth noise, as a JPEG. */
async function picture(draws: Rng): Promise<ImageSource> {
  const small = Buffer.from(Uint8Array.from({ length: 125 * 125 * 3 }, () => draws.integer(0, 256)));
  const raw = { width: 125, height: 125, channels: 3 } as const;
  const jpeg = sharp(small, { raw }).resize(SIDE, SIDE, { kernel: "cubic" }).jpeg({ quality: 90 });
  return { kind: "bytes", bytes: new Uint8Array(await jpeg.toBuffer()) };
}

async function promptsOf(processor: Processor): Promise<Prompt[]> {
  const rng = Rng.fromSeed(1).split("engine");
  const prompts: Prompt[] = [];
  for (let question = 0; question < QUESTIONS; question++) {
    const draws = rng.split(question);
    const image = await picture(draws.split("picture"));
    const view = draws.uniform() < TRANSFORMED ? await picture(draws.split("view")) : image;
    for (const [variant, shown] of [image, view].entries()) {
      const words = { text: `<image>Question ${question}, asked in way ${variant}?`, images: [shown] };
      prompts.push(await buildPrompt(processor, words, `question ${question}, variant ${variant}`));
    }
  }
  return prompts;
}

/** Bytes of the prompts as patches, made and measured one by one. */
async function patchBytes(processor: Processor, prompts: readonly Prompt[]): Promise<number> {
  const read = createPromptReader(processor, 0);
  let bytes = 0;
  for (const prompt of prompts) bytes += serialize(await read([prompt])).length;
  return READINGS * bytes;
}

export interface EngineBenchOptions {
  readonly results: string;
  readonly print: (text: string) => void;
  readonly onProgress?: OnProgress;
}

/** Takes the step through a real engine process. */
async function step(folder: string, prompts: readonly Prompt[], onProgress?: OnProgress) {
  const config = resolveConfig({ update: { microBatchUnits: 1 } }, "bench engine");
  const engine = startEngine({ model: folder, local: localSettings(config) });
  const ledger = createImageLedger();
  let crossed = 0;
  const sent = <Args>(args: Args): Args => {
    crossed += serialize(ledger.pack(args)).length;
    return args;
  };
  const watch = onProgress ? { onProgress } : {};
  try {
    const decoding = { temperature: 1, topP: 1, topK: 0, isGreedy: true, maxTokens: 4 };
    const rollouts = await engine.sampler.sample(sent({ prompts, responses: 1, decoding }), watch);
    const readings = zip(prompts, rollouts).map(([prompt, rollouts_N]) => ({
      prompt,
      responses_R: rollouts_N.map(({ tokens }) => tokens),
    }));
    const request = { readings, of: "policy", temperature: 1 } as const;
    const old = await engine.learner.logProbs(sent(request), watch);
    const lessons = zip(readings, old).map(([reading, oldLogProbs_R]) => {
      return { ...reading, oldLogProbs_R, advantages_R: [1], weights_R: [1 / prompts.length] };
    });
    await engine.learner.accumulate(sent(lessons), lossSettings(config), watch);
    await engine.learner.apply({ ...config.update, step: 1, learningRate: 1e-6 });
    return { crossed, enginePeakBytes: (await engine.report()).peakBytes ?? Number.NaN };
  } finally {
    await engine.close();
  }
}

function markdown({ pictures, crossed, asPatches, askingPeakBytes, enginePeakBytes }: EngineResult): string {
  const rows = [
    ["as pieces: an image crosses once", formatBytes(crossed)],
    ["as float32 patches in every call", formatBytes(asPatches)],
    ["peak of the asking process", formatBytes(askingPeakBytes)],
    ["peak of the engine's process", formatBytes(enginePeakBytes)],
  ];
  const what = `One step: ${QUESTIONS} questions × ${VARIANTS} variants, ${pictures} distinct pictures of ${SIDE} × ${SIDE}.`;
  return `# Between the processes\n\n${what} \`npm run bench -- engine\`\n\n${formatMarkdownTable({ head: ["", ""], rows })}\n`;
}

/** Measures, and writes `engine.json` and `engine.md`. */
export async function benchEngine({ results, print, onProgress }: EngineBenchOptions): Promise<EngineResult> {
  const folder = await mkdtemp(join(tmpdir(), "bench-engine-"));
  try {
    await writeWindowModel(folder);
    const limits = { minPixels: null, maxPixels: SIDE * SIDE * 1.1 };
    const processor = withImageLimits(await loadProcessor(modelFolder("tiny")), limits);
    const prompts = await promptsOf(processor);
    const digests = prompts.flatMap(({ pieces }) =>
      pieces.flatMap((p) => (p.kind === "image" ? p.digest : [])),
    );
    const measured = await step(folder, prompts, onProgress);
    const askingPeakBytes = process.resourceUsage().maxRSS * 1024;
    const asPatches = await patchBytes(processor, prompts);
    const result = { pictures: new Set(digests).size, ...measured, askingPeakBytes, asPatches };
    await writeFileAtomic(join(results, "engine.json"), `${JSON.stringify(result, undefined, 2)}\n`);
    await writeFileAtomic(join(results, "engine.md"), markdown(result));
    print(markdown(result));
    return result;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
