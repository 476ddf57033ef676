/**
 * @module Log-probabilities and gradient of tokens over a vocabulary of real size, in chunks; and a merge.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DECODER_TARGETS } from "../../../src/config/engine.js";
import { ndarray, zeros } from "../../../src/core/ndarray.js";
import { Rng } from "../../../src/core/rng.js";
import { createHead } from "../../../src/engine/local/layered/head.js";
import { loadNetwork } from "../../../src/model/load.js";
import { initAdapter } from "../../../src/model/lora/adapter.js";
import { writeAdapter } from "../../../src/model/lora/peft.js";
import { mergeCheckpoint } from "../../../src/model/merge.js";
import { openWeights } from "../../../src/model/weights/open.js";
import { timed } from "./machine.js";
import { type MemoryPeak, withMemoryPeak } from "./memoryWatch.js";

export interface Measured {
  readonly seconds: number;
  readonly peak: MemoryPeak;
}

async function watched(work: () => Promise<unknown>): Promise<Measured> {
  const { result, seconds } = await timed(() => withMemoryPeak("own", work));
  return { seconds, peak: result.peak };
}

/** Tokens that the head is asked for. */
export const HEAD_TOKENS = 256;

/** Log-probabilities, entropies and gradient of `HEAD_TOKENS` tokens. */
export async function measureHead(model: string): Promise<Measured> {
  const network = await loadNetwork(model);
  const { hiddenSize, vocabSize } = network.config;
  const store = await openWeights(model, network);
  const draws = Rng.fromSeed(1).split("head");
  const x = zeros([HEAD_TOKENS, hiddenSize]);
  for (let at = 0; at < x.data.length; at++) x.data[at] = draws.normal();
  const rows = Int32Array.from({ length: HEAD_TOKENS }, (_, at) => at);
  const tokens = Int32Array.from(rows, () => draws.integer(0, vocabSize));
  const request = { x, at: ndarray(rows, [HEAD_TOKENS], "int32"), tokens, temperature: 1 };
  try {
    const head = createHead(network, store, zeros([vocabSize]));
    return await watched(async () => {
      const known = await head.distributions(request);
      await head.gradient(request, known, { logProbs: new Float32Array(HEAD_TOKENS).fill(1) });
    });
  } finally {
    await store.close();
  }
}

/** Merges a rank-16 adapter of every projection into the model. */
export async function measureMerge(model: string): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), "bench-merge-"));
  try {
    const network = await loadNetwork(model);
    const spec = { rank: 16, alpha: 32, usesRslora: false, targets: DECODER_TARGETS };
    const adapter = initAdapter(network, spec, Rng.fromSeed(1));
    const draws = Rng.fromSeed(2).split("merge");
    for (const { data } of Object.values(adapter.params)) data.fill(1e-3 * draws.normal()); // B begins as 0
    const checkpoint = join(folder, "adapter");
    await writeAdapter(checkpoint, adapter, model);
    return await watched(() => mergeCheckpoint({ checkpoint, out: join(folder, "merged") }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
