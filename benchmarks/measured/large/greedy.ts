/**
 * @module Greedy decoding of a model of real size at several batch sizes, beside llama.cpp on random weights of the same
 * shape (llamaCpp.py). Time of the prompt is taken out: a run of one token is subtracted.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { resolveConfig } from "../../../src/config/load.js";
import { writeFileAtomic } from "../../../src/core/files/atomic.js";
import { packageRoot } from "../../../src/core/files/packageRoot.js";
import { given } from "../../../src/core/given.js";
import type { OnProgress } from "../../../src/core/progress.js";
import { zip } from "../../../src/core/zip.js";
import type { Engine } from "../../../src/engine/engine.js";
import { loadNetwork } from "../../../src/model/load.js";
import { loadProcessor } from "../../../src/model/processor.js";
import { buildPrompt } from "../../../src/model/prompt.js";
import type { Prompt } from "../../../src/records.js";
import { formatBytes, formatMarkdownTable } from "../../../src/report/table.js";
import { load, machineName, timed } from "./machine.js";
import { type MemoryPeak, withMemoryPeak } from "./memoryWatch.js";
import { withSamplingEngines } from "./samplingEngines.js";

/** Responses decoded at once. */
export const BATCHES = [1, 16, 64] as const;

export interface GreedyOptions {
  readonly weights: "exact" | "int8";
  readonly batches?: readonly number[];
  /** Of each response. */
  readonly tokens?: number;
  readonly onProgress?: OnProgress;
}

export interface GreedyResult {
  /** Response tokens per second, by batch. */
  readonly tokensPerSecond: readonly { readonly batch: number; readonly rate: number }[];
  /** Seconds until a new process gives its first token: weights packed (int8) and sessions made; and once they are packed. */
  readonly firstToken: number;
  readonly laterToken: number;
  readonly peak: MemoryPeak;
}

async function answered(engine: Engine, prompt: Prompt, [responses, maxTokens]: readonly [number, number]) {
  const decoding = { temperature: 1, isGreedy: true, topP: 1, topK: 0, maxTokens };
  const { result, seconds } = await timed(() =>
    engine.sampler.sample({ prompts: [prompt], responses, decoding }),
  );
  return { seconds, tokens: result.flat().reduce((sum, { tokens }) => sum + tokens.length, 0) };
}

/** Samples in processes of their own. */
export async function measureGreedy(model: string, options: GreedyOptions): Promise<GreedyResult> {
  const { weights, batches = BATCHES, tokens = 33, onProgress } = options;
  const config = resolveConfig({ lora: { rank: 1 }, rollout: { weights } }, "bench large");
  const processor = await loadProcessor(model);
  const prompt = await buildPrompt(processor, { text: "How many red circles?", images: [] }, "greedy");
  return withSamplingEngines(model, config, async (start) => {
    const packing = start();
    let engine = packing;
    try {
      const { result, peak } = await withMemoryPeak("children", async () => {
        const firstToken = (await answered(packing, prompt, [1, 1])).seconds;
        await packing.close();
        engine = start();
        const laterToken = (await answered(engine, prompt, [1, 1])).seconds;
        const tokensPerSecond: { batch: number; rate: number }[] = [];
        for (const [at, batch] of batches.entries()) {
          await answered(engine, prompt, [batch, 2]); // graphs of this batch
          const short = await answered(engine, prompt, [batch, 1]);
          const long = await answered(engine, prompt, [batch, tokens]);
          const rate = (long.tokens - short.tokens) / (long.seconds - short.seconds);
          tokensPerSecond.push({ batch, rate });
          onProgress?.({ phase: `greedy ${weights}`, done: at + 1, total: batches.length });
        }
        return { tokensPerSecond, firstToken, laterToken };
      });
      return { ...result, peak };
    } finally {
      await engine.close();
    }
  });
}

/** What llama.cpp made of the same work, and the instructions that it was built for. */
export interface PeerResult {
  readonly tokensPerSecond: GreedyResult["tokensPerSecond"];
  readonly build: string;
}

/**
 * The same of llama.cpp with weights of 8 bits (Q8_0), random and of the model's shape.
 * @param python with the packages xllamacpp and gguf
 */
export async function measureLlamaCpp(
  model: string,
  { python, batches = BATCHES, tokens = 16 }: { readonly python: string } & Omit<GreedyOptions, "weights">,
): Promise<PeerResult> {
  const { config } = await loadNetwork(model);
  const folder = await mkdtemp(join(dirname(model), "gguf-"));
  const script = join(packageRoot(), "benchmarks", "measured", "large", "llamaCpp.py");
  try {
    const shape = { ...config, batches, tokens };
    const { stdout } = await promisify(execFile)(python, [script, folder, JSON.stringify(shape)]);
    const { rates, build } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}") as {
      rates: number[];
      build: string;
    };
    return { tokensPerSecond: zip(batches, rates).map(([batch, rate]) => ({ batch, rate })), build };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export interface GreedyBenchOptions {
  /** Model folder, as `bench random-model` makes them. */
  readonly model: string;
  readonly weights: readonly GreedyOptions["weights"][];
  /** Python for llama.cpp; default: no peer. */
  readonly python?: string;
  readonly batches: readonly number[];
  readonly results: string;
  readonly print: (text: string) => void;
  readonly onProgress?: OnProgress;
}

/** Measures, and writes `greedy.json` and `greedy.md`. */
export async function benchGreedy(options: GreedyBenchOptions): Promise<void> {
  const { model, weights, python, batches, results, print, onProgress } = options;
  const { config } = await loadNetwork(model);
  const before = load();
  const rows: string[][] = [];
  const rates = (all: GreedyResult["tokensPerSecond"]) => all.map(({ rate }) => rate.toFixed(1));
  const found: Record<string, unknown> = {};
  for (const each of weights) {
    const one = await measureGreedy(model, { weights: each, batches, ...given({ onProgress }) });
    found[each] = one;
    rows.push([
      each,
      ...rates(one.tokensPerSecond),
      `${one.firstToken.toFixed(0)} s`,
      `${one.laterToken.toFixed(0)} s`,
      formatBytes(one.peak.anonymous),
    ]);
  }
  if (python !== undefined) {
    const peer = await measureLlamaCpp(model, { python, batches });
    found["llama.cpp Q8_0"] = peer;
    rows.push([`llama.cpp, Q8_0 (${peer.build})`, ...rates(peer.tokensPerSecond), "", "", ""]);
  }
  const about = `${config.layers} layers of ${config.hiddenSize}, ${config.vocabSize} tokens, random weights. ${machineName()}, load ${before.toFixed(1)} before and ${load().toFixed(1)} after.`;
  const head = [
    "tokens a second",
    ...batches.map((batch) => `batch ${batch}`),
    "first token",
    "once packed",
    "memory at most, without file pages",
  ];
  const text = ["# Greedy decoding", "", about, "", formatMarkdownTable({ head, rows }), ""].join("\n");
  await writeFileAtomic(
    join(results, "greedy.json"),
    `${JSON.stringify({ about, ...found }, undefined, 2)}\n`,
  );
  await writeFileAtomic(join(results, "greedy.md"), text);
  print(text);
}
