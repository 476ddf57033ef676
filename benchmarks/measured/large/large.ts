/**
 * @module Models of real size on this machine: an update of an adapter, a whole step, the head, a merge. Weights are random; a model
 * is made, measured and removed, unless a folder is given.
 */
import { access, mkdtemp, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BenchmarkError } from "../../../src/core/errors.js";
import { writeFileAtomic } from "../../../src/core/files/atomic.js";
import { given } from "../../../src/core/given.js";
import type { OnProgress } from "../../../src/core/progress.js";
import { loadNetwork } from "../../../src/model/load.js";
import { countParams } from "../../../src/model/params.js";
import { type PublishedSize, publishedNetwork } from "../../../src/model/publishedSizes.js";
import { formatBytes, formatMarkdownTable } from "../../../src/report/table.js";
import { HEAD_TOKENS, type Measured, measureHead, measureMerge } from "./head.js";
import { load, machineName } from "./machine.js";
import { writeRandomModel } from "./randomModel.js";
import {
  measureStep,
  measureUpdate,
  UPDATE_SIZES,
  type UpdateResult,
  type UpdateSizes,
  type WholeStepResult,
} from "./update.js";

export const LARGE_PARTS = ["head", "merge", "update", "step"] as const;
export type LargePart = (typeof LARGE_PARTS)[number];

export interface LargeOptions {
  readonly size: PublishedSize;
  readonly layers?: number;
  readonly parts: readonly LargePart[];
  /** A model folder to measure; default: a random one that is removed afterwards. */
  readonly model?: string;
  readonly update?: UpdateSizes;
  readonly results: string;
  readonly print: (text: string) => void;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

export interface LargeResult {
  readonly size: PublishedSize;
  /** Layers measured, and those of the published model. */
  readonly layers: number;
  readonly allLayers: number;
  readonly parameters: number;
  readonly machine: string;
  /** Load averages over one minute, before and after. */
  readonly load: readonly [number, number];
  readonly sizes: UpdateSizes;
  readonly head?: Measured;
  readonly merge?: Measured;
  readonly update?: UpdateResult;
  readonly step?: WholeStepResult;
}

/** @throws BenchmarkError when the disk has no room for a random model and its merged or packed copy */
async function requireRoom(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= bytes) return;
  throw new BenchmarkError(
    `${folder}: too little room: ${formatBytes(bytes)} are needed, ${formatBytes(bavail * bsize)} are free: measure fewer layers with --layers`,
  );
}

/** Uses the folder given, or makes a model and removes it. */
async function withModel<T>(options: LargeOptions, use: (model: string) => Promise<T>): Promise<T> {
  if (options.model !== undefined) {
    await access(options.model);
    return use(options.model);
  }
  const { size, layers, parts, onProgress, signal } = options;
  const folder = await mkdtemp(join(tmpdir(), "bench-large-"));
  try {
    const cut = given({ layers });
    const bytes = 2 * countParams(publishedNetwork(size, cut));
    await requireRoom(folder, bytes * (parts.includes("merge") ? 2 : parts.includes("step") ? 1.6 : 1));
    const model = join(folder, "model");
    await writeRandomModel({
      ...{ size, ...cut, out: model },
      ...given({ onProgress, signal }),
    });
    return await use(model);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Measures the parts asked for, and writes `large-SIZE.json` and `large-SIZE.md`. */
export async function benchLarge(options: LargeOptions): Promise<LargeResult> {
  const { size, parts, results, print, onProgress, update: sizes = UPDATE_SIZES } = options;
  const result = await withModel(options, async (model): Promise<LargeResult> => {
    const network = await loadNetwork(model);
    const before = load();
    const measured = {
      ...(parts.includes("head") ? { head: await measureHead(model) } : {}),
      ...(parts.includes("merge") ? { merge: await measureMerge(model) } : {}),
      ...(parts.includes("update") ? { update: await measureUpdate(model, sizes, onProgress) } : {}),
      ...(parts.includes("step") ? { step: await measureStep(model, sizes, onProgress) } : {}),
    };
    return {
      ...{ size, layers: network.config.layers, sizes },
      allLayers: publishedNetwork(size).config.layers,
      parameters: countParams(network),
      machine: machineName(),
      load: [before, load()],
      ...measured,
    };
  });
  const text = markdown(result);
  await writeFileAtomic(join(results, `large-${size}.json`), `${JSON.stringify(result, undefined, 2)}\n`);
  await writeFileAtomic(join(results, `large-${size}.md`), text);
  print(text);
  return result;
}

const seconds = (value: number) => `${value.toFixed(1)} s`;

function markdown(result: LargeResult): string {
  const {
    size,
    layers,
    allLayers,
    parameters,
    machine,
    load: loads,
    sizes,
    head,
    merge,
    update,
    step,
  } = result;
  const row = (name: string, one: Measured) => [name, seconds(one.seconds), formatBytes(one.peak.anonymous)];
  const rows = [
    ...(head ? [row(`head and its gradient, ${HEAD_TOKENS} tokens`, head)] : []),
    ...(merge ? [row("merge of a rank-16 adapter", merge)] : []),
    ...(update
      ? [
          row("the whole update", { seconds: update.whole, peak: update.peak }),
          ["… vision tower, first layer", seconds(update.phases.vision), ""],
          ["… other layers", seconds(update.phases.forward), ""],
          ["… head, loss, last layer's gradient", seconds(update.phases.head), ""],
          ["… other layers' gradients", seconds(update.phases.backward), ""],
          ["… AdamW", seconds(update.phases.adamw), ""],
        ]
      : []),
    ...(step
      ? [
          row("the whole step, responses drawn from 8 bits", { seconds: step.whole, peak: step.peak }),
          [`… ${step.responseTokens} response tokens`, seconds(step.rollout), ""],
          ["… their update", seconds(step.update), ""],
          ["a first token before, weights packed for it once", seconds(step.firstToken), ""],
        ]
      : []),
  ];
  const { variants, responses, tokens, side, rank } = sizes;
  const parts = LARGE_PARTS.filter((part) => result[part] !== undefined);
  const flags = [
    layers === allLayers ? "" : ` --layers ${layers}`,
    parts.length === LARGE_PARTS.length ? "" : ` --parts ${parts.join(",")}`,
  ].join("");
  return [
    `# Qwen2.5-VL-${size} on this machine`,
    "",
    `${layers} of ${allLayers} layers, ${(parameters / 1e9).toFixed(2)} billion random weights in bfloat16. Update: one question of ${side} × ${side}`,
    `pixels, m = ${variants}, n = ${responses}, ${tokens} tokens, rank ${rank}. ${machine}, load ${loads[0]} before and ${loads[1]} after.`,
    "",
    `Command: \`npm run bench -- large --size ${size}${flags}\``,
    "",
    formatMarkdownTable({ head: ["", "time", "memory at most, without file pages"], rows }),
    "",
  ].join("\n");
}
