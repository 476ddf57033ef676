/**
 * @module Model folders of a published size with random weights: what is measured where the published ones cannot be
 * had. Tokenizer, template and image settings are the bundled policy's; the rest of the vocabulary is never sampled.
 */
import { copyFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createFolder } from "../../../src/core/files/folder.js";
import { toBfloat } from "../../../src/core/halves.js";
import { sizeOf } from "../../../src/core/ndarray.js";
import type { OnProgress } from "../../../src/core/progress.js";
import { Rng } from "../../../src/core/rng.js";
import { parseNetwork } from "../../../src/model/families.js";
import type { Network } from "../../../src/model/family.js";
import { MODEL_FILES, modelFolder } from "../../../src/model/load.js";
import { initStd, paramShapes } from "../../../src/model/params.js";
import { loadProcessor } from "../../../src/model/processor.js";
import { type Cut, type PublishedSize, publishedConfig } from "../../../src/model/publishedSizes.js";
import { saveTensors, type TensorSource } from "../../../src/model/weights/save.js";

export interface RandomModelOptions extends Omit<Cut, "tokens"> {
  readonly size: PublishedSize;
  /** A folder that is not there yet. */
  readonly out: string;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

/** Limits of the published `preprocessor_config.json`; the rest is as everywhere. */
const PUBLISHED_IMAGES = {
  image_processor_type: "Qwen2VLImageProcessor",
  min_pixels: 3136,
  max_pixels: 12_845_056,
};

/** Draws that are repeated: a prime, so that no two rows of a matrix are alike. */
export const DRAWS = 1_048_573;

/** Standard normal draws. */
export function drawPool(rng: Rng): Float32Array {
  return Float32Array.from({ length: DRAWS }, () => rng.normal());
}

function normals(pool: Float32Array, count: number, std: number, begin: number): Uint8Array {
  const scaled = pool.map((value) => std * value);
  const halves = toBfloat(new Uint32Array(scaled.buffer));
  const all = new Uint16Array(count);
  for (let at = 0, from = begin % DRAWS; at < count; from = 0) {
    const some = halves.subarray(from, Math.min(DRAWS, from + count - at));
    all.set(some, at);
    at += some.length;
  }
  return new Uint8Array(all.buffer);
}

/** Distributed as `initParams` has them, in bfloat16. */
function sourcesOf(network: Network): TensorSource[] {
  const pool = drawPool(Rng.fromSeed(1).split("random model"));
  return Object.entries(paramShapes(network)).map(([name, shape], at) => ({
    name: network.family.publishedName(name),
    dtype: "BF16",
    shape,
    read: async ([begin, end] = [0, shape[0] ?? 1]) => {
      const [rows, ...rest] = shape;
      const columns = sizeOf(rest);
      const count = rows === undefined ? 1 : (end - begin) * columns;
      if (shape.length > 1) {
        return normals(pool, count, initStd(network, name, shape), 7919 * at + begin * columns);
      }
      const halves = new Uint16Array(count).fill(name.endsWith(".weight") ? 0x3f80 : 0); // 1 or 0
      return new Uint8Array(halves.buffer);
    },
  }));
}

/** Writes the folder, in shards as published ones. @throws CheckpointError when `out` is there or the disk is full */
export async function writeRandomModel(options: RandomModelOptions): Promise<void> {
  const { size, out, onProgress, signal, ...cut } = options;
  const tiny = modelFolder("tiny");
  const tokens = Object.fromEntries((await loadProcessor(tiny)).specialTokens);
  const json = publishedConfig(size, { ...cut, tokens });
  const network = parseNetwork(json, `Qwen2.5-VL-${size}`);
  await createFolder(out, async (partial) => {
    const present = new Set(await readdir(tiny));
    for (const file of MODEL_FILES.filter((name) => present.has(name))) {
      await copyFile(join(tiny, file), join(partial, file));
    }
    const write = (name: string, value: object) =>
      writeFile(join(partial, name), `${JSON.stringify(value, undefined, 2)}\n`);
    await write("config.json", json);
    await write("preprocessor_config.json", PUBLISHED_IMAGES);
    await saveTensors(partial, sourcesOf(network), {
      onTensor: (done, total) => onProgress?.({ phase: `random ${size}`, done, total }),
      ...(signal ? { signal } : {}),
    });
  });
}
