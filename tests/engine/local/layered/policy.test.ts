import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eager } from "../../../../src/compile/eager.js";
import { dequantize, type QuantizedMatrix } from "../../../../src/compile/quantized.js";
import { DECODER_TARGETS } from "../../../../src/config/engine.js";
import { fileState } from "../../../../src/core/files/fileState.js";
import { type NdArray, ndarray, type Params, scalar } from "../../../../src/core/ndarray.js";
import { Rng, type RngKey } from "../../../../src/core/rng.js";
import type { Sampled } from "../../../../src/engine/engine.js";
import { type LayeredModel, layeredModel, openModel } from "../../../../src/engine/local/layered/model.js";
import { createLayeredPolicy } from "../../../../src/engine/local/layered/policy.js";
import { samplingWeights } from "../../../../src/engine/local/layered/samplingWeights.js";
import { createLocalPolicy } from "../../../../src/engine/local/localPolicy.js";
import { createPromptReader } from "../../../../src/engine/local/promptReader.js";
import { createSampler } from "../../../../src/engine/local/sampler.js";
import { loadModel, type Model } from "../../../../src/model/load.js";
import { initAdapter } from "../../../../src/model/lora/adapter.js";
import { packedWeights } from "../../../../src/model/weights/pack.js";
import { largestDifference } from "../../../model/parity.js";
import { fakePrompt, temporaryFolder, untie, writeFakeModel } from "../../../support/fakeModel.js";

const CASES = [
  ["qwen2_5_vl", true],
  ["qwen2_5_vl", false],
  ["qwen3_vl", true],
] as const;

interface Case {
  readonly model: Model;
  readonly layered: LayeredModel;
  readonly cache: string;
}
const cases = new Map<string, Case>();
const keyOf = (family: string, isTied: boolean) => `${family} ${isTied}`;
beforeAll(async () => {
  for (const [family, isTied] of CASES) {
    const [dir, cache] = [await temporaryFolder(), join(await temporaryFolder(), "packed")];
    await writeFakeModel(dir, { family, sharpness: 4 });
    if (!isTied) await untie(dir);
    const layered = layeredModel(await openModel(dir));
    cases.set(keyOf(family, isTied), { model: await loadModel(dir), layered, cache });
  }
}, 60_000);
afterAll(async () => {
  for (const { layered } of cases.values()) await layered.store.close();
});

async function requestOf(model: Model, isGreedy = false) {
  const prompts = await Promise.all([
    fakePrompt(model, { words: "How many red circles?", grids: [[4, 6]] }),
    fakePrompt(model, { words: "blue squares" }),
  ]);
  return {
    prompts,
    responses: 2,
    decoding: { temperature: 1, isGreedy, topP: 1, topK: 0, maxTokens: 40 },
    streams: prompts.map((_, u) => [0, 1].map((r) => Rng.fromSeed(u).split("response", r).key as RngKey)),
  };
}
const tokensOf = (rollouts: Sampled[][]) => rollouts.flat().map(({ tokens }) => [...tokens]);
const logProbsOf = (rollouts: Sampled[][]) => rollouts.flat().flatMap(({ logProbs }) => [...logProbs]);

/** The model with every packed matrix as its 8 bits say, for the network as one graph. */
async function dequantized({ model, layered, cache }: Case): Promise<Model> {
  const store = await packedWeights(layered.store, layered, { cache });
  const { heads: H, keyValueHeads: K, headSize: D, tieWordEmbeddings } = model.config;
  const params: Record<string, NdArray> = { ...model.params };
  const headName = "lm_head.weight";
  for (const packedName of store.entries.keys()) {
    if (!packedName.endsWith(".packed")) continue;
    const name = packedName.replace(/\.packed$/, "");
    const given = {
      packed: (await store.readArgument(packedName)) as QuantizedMatrix<never>["packed"],
      scales: await store.readWide(`${name}.scales`),
    };
    const wide = await eager((matrix: QuantizedMatrix) => dequantize(matrix, { bits: 8 }))(given);
    if (name === "head") params[headName] = wide;
    else if (!name.endsWith(".qkv")) params[`${name}.weight`] = wide;
    else {
      const attention = name.replace(/\.qkv$/, "");
      const isNormed = `${attention}.q_norm.weight` in params;
      const columns = wide.shape[1] as number;
      let row = 0;
      for (const [part, rows] of [
        ["q", H * D],
        ["k", K * D],
        ["v", K * D],
      ] as const) {
        const factor = part === "q" && !isNormed ? Math.sqrt(D) : 1;
        const data = wide.data.slice(row * columns, (row + rows) * columns).map((value) => value * factor);
        params[`${attention}.${part}_proj.weight`] = ndarray(data, [rows, columns]);
        row += rows;
      }
    }
  }
  await store.close();
  // Its head is not its embedding any more: only the head was packed.
  return {
    ...model,
    params,
    config: { ...model.config, tieWordEmbeddings: tieWordEmbeddings && !(headName in params) },
  };
}

describe.each(CASES)("a layered policy of %s, tied: %s", (family, isTied) => {
  const caseOf = () => cases.get(keyOf(family, isTied)) as Case;

  it("samples from mapped weights what the network as one graph samples", async () => {
    const { model, layered } = caseOf();
    const request = await requestOf(model);
    const policy = createLayeredPolicy(layered, createPromptReader(model.processor));
    const expected = await createSampler(createLocalPolicy(model)).sample(request);
    const found = await createSampler(policy).sample(request);
    expect(tokensOf(found)).toEqual(tokensOf(expected));
    expect(largestDifference(logProbsOf(found), logProbsOf(expected))).toBeLessThan(1e-4);
    await policy.close();
  });

  it("samples from 8 bits what a network of those weights samples, rounded activations apart", async () => {
    const one = caseOf();
    const { model, layered, cache } = one;
    const request = await requestOf(model, true);
    const precision = { weights: "int8", cache } as const;
    const policy = createLayeredPolicy(layered, createPromptReader(model.processor), { precision });
    const found = await createSampler(policy).sample(request);
    const oracle = await createSampler(createLocalPolicy(await dequantized(one))).sample(request);
    // As far as both take the same tokens: a near tie may fall the other way.
    for (const [at, { tokens, logProbs }] of found.flat().entries()) {
      const other = oracle.flat()[at] as Sampled;
      const end = [...tokens].findIndex((token, t) => token !== other.tokens[t]);
      const same = end < 0 ? tokens.length : end;
      expect(same).toBeGreaterThan(0);
      expect(
        largestDifference([...logProbs.subarray(0, same)], [...other.logProbs.subarray(0, same)]),
      ).toBeLessThan(0.1);
    }
    await policy.close();
  });

  it("gives logits of the head within what rounding allows", async () => {
    const { model, layered, cache } = caseOf();
    const { hiddenSize, vocabSize: V, rmsNormEps } = model.config;
    const draws = Rng.fromSeed(4);
    const x = ndarray(
      Float32Array.from({ length: 2 * hiddenSize }, () => draws.normal()),
      [2, hiddenSize],
    );
    const weights = await samplingWeights(layered, { weights: "int8", cache });
    const temperature = scalar(1);
    const noBias = { temperature, tokenBias: layered.tokenBias };
    const { data: probs } = await weights.probabilities(x, [0, 1], noBias);
    const { data: exact } = await layered.head.probabilities(x, ndarray([0, 1], [2], "int32"), temperature);
    const head = model.params[isTied ? "model.embed_tokens.weight" : "lm_head.weight"] as NdArray;
    const norm = model.params["model.norm.weight"] as NdArray;
    for (const row of [0, 1]) {
      const own = x.data.subarray(row * hiddenSize, (row + 1) * hiddenSize);
      const squares = Array.from(own, (value) => value * value).reduce((sum, each) => sum + each, 0);
      const rms = Math.sqrt(squares / hiddenSize + rmsNormEps);
      const h = Array.from(own, (value, c) => (value / rms) * (norm.data[c] as number));
      const bound = headBound(h, head);
      for (let v = 0; v < V; v++) {
        const [found, expected] = [probs[row * V + v] as number, exact[row * V + v] as number];
        if (expected < 1e-30) continue;
        expect(Math.abs(Math.log(found) - Math.log(expected))).toBeLessThanOrEqual(2 * bound + 1e-4);
      }
      expect(bound).toBeLessThan(0.5); // or the test says nothing
    }
    await weights.close();
  });
});

/** The most that a logit moves: every weight by half a scale, every activation by half of its own. */
function headBound(h: readonly number[], head: NdArray): number {
  const [V, K] = head.shape as [number, number];
  const block = [128, 64, 32, 16].find((size) => K % size === 0) as number;
  let worst = 0;
  for (let v = 0; v < V; v++) {
    let moved = 0;
    for (let b = 0; b < K; b += block) {
      const w = Array.from(head.data.subarray(v * K + b, v * K + b + block), Math.abs);
      const a = h.slice(b, b + block).map(Math.abs);
      const [ofWeights, ofActivations] = [Math.max(...w) / 254, Math.max(...a) / 254];
      w.forEach((weight, at) => {
        moved += (a[at] as number) * ofWeights + (weight + ofWeights) * ofActivations;
      });
    }
    worst = Math.max(worst, moved);
  }
  return worst;
}

describe("an adapter", () => {
  it("changes what 8 bits sample as soon as it is trained, and nothing that is packed", async () => {
    const { model, layered, cache } = cases.get(keyOf("qwen2_5_vl", true)) as Case;
    const spec = { rank: 2, alpha: 4, usesRslora: false, targets: DECODER_TARGETS };
    const adapter = initAdapter(model, spec, Rng.fromSeed(1));
    const precision = { weights: "int8", cache } as const;
    const readPrompts = createPromptReader(model.processor);
    const policy = createLayeredPolicy(layered, readPrompts, { adapter, precision });
    const plain = createLayeredPolicy(layered, readPrompts, { precision });
    const request = await requestOf(model);
    const sample = (from: typeof policy) => createSampler(from).sample(request);
    const before = await sample(policy);
    expect(tokensOf(before)).toEqual(tokensOf(await sample(plain)));
    const packed = await states(cache);
    for (const [name, { data }] of Object.entries(adapter.params as Params)) {
      if (name.includes("lora_B")) data.fill(0.3);
    }
    const after = await sample(policy);
    expect(tokensOf(after)).not.toEqual(tokensOf(before));
    expect(await states(cache)).toEqual(packed);
    await Promise.all([policy.close(), plain.close()]);
  });
});

/** Every file of a folder, with what changes when it is written. */
async function states(folder: string): Promise<(string | undefined)[]> {
  const names = await readdir(folder, { recursive: true });
  return Promise.all(names.sort().map((name) => fileState(join(folder, name))));
}
