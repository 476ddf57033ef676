import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { valueAndGrad } from "../../../src/compile/grad.js";
import { DECODER_TARGETS } from "../../../src/config/engine.js";
import { ModelError } from "../../../src/core/errors.js";
import type { NdArray } from "../../../src/core/ndarray.js";
import { Rng } from "../../../src/core/rng.js";
import { loadNetwork } from "../../../src/model/load.js";
import { type Adapter, adapterScales, initAdapter, mergedWeight } from "../../../src/model/lora/adapter.js";
import { adapterBase, readAdapter, writeAdapter } from "../../../src/model/lora/peft.js";
import type { LoraSpec } from "../../../src/model/lora/spec.js";
import { readSafetensors, writeSafetensors } from "../../../src/model/safetensors.js";
import {
  CASES,
  type Golden,
  goldenFolder,
  goldenLoss,
  hostInputs,
  largestDifference,
  loadGolden,
  pick,
  tensorInputs,
  tokenLogProbs,
  toTensors,
} from "../parity.js";

const ADAPTERS: readonly (readonly [name: string, base: Golden])[] = [
  ["decoder", "qwen25vl/tied"],
  ["patterns", "qwen25vl/tied"],
  ["allLinear", "qwen3vl/tied"],
];
const adapterFolder = (name: string) => join(goldenFolder("qwen25vl/tied"), "../../lora", name);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "adapter-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The base, the adapter, and what peft computed with both. */
async function load(name: string, base: Golden) {
  const { model, expected: ofBase } = await loadGolden(base);
  const adapter = await readAdapter(adapterFolder(name), model);
  const expected = await readSafetensors(join(adapterFolder(name), "golden.safetensors"));
  return { model, adapter, ofBase, expected };
}

describe.each(ADAPTERS)("the adapter %s that peft wrote for %s", (name, base) => {
  it("gives peft's log-probabilities", async () => {
    const { model, adapter, ofBase, expected } = await load(name, base);
    const params = toTensors({ ...model.params, ...adapter.params, ...adapterScales(adapter) });
    for (const each of CASES) {
      const inputs = tensorInputs(hostInputs(ofBase, each, model));
      const found = tokenLogProbs(params, model, inputs).dataSync();
      const theirs = pick(expected, `${each}.logProbs`).data;
      expect(largestDifference(found, theirs), each).toBeLessThan(1e-4);
      // The adapter matters: without it they are others.
      expect(largestDifference(theirs, pick(ofBase, `${each}.logProbs`).data)).toBeGreaterThan(0.1);
    }
  });

  it("gives peft's gradient for every A and B", async () => {
    const { model, adapter, ofBase, expected } = await load(name, base);
    const fixed = toTensors({ ...model.params, ...adapterScales(adapter) });
    const inputs = CASES.map((each) => tensorInputs(hostInputs(ofBase, each, model)));
    const { grads } = valueAndGrad((trained: typeof fixed) => ({
      loss: goldenLoss({ ...fixed, ...trained }, model, inputs),
    }))(toTensors(adapter.params));
    const theirs = Object.entries(expected).filter(([key]) => key.startsWith("gradient."));
    expect(theirs).toHaveLength(Object.keys(grads).length);
    for (const [key, { data }] of theirs) {
      const ours = key
        .replace(/^gradient\.base_model\.model\./, "")
        .replace(/^model\.language_model\./, "model.")
        .replace(/^model\.visual\./, "visual.");
      const found = (grads[ours] as NonNullable<(typeof grads)[string]>).dataSync();
      const largest = Math.max(...Array.from(data, Math.abs));
      expect(largestDifference(found, data) / largest, ours).toBeLessThan(1e-3);
    }
  });

  it("is the same once merged into the weights", async () => {
    const { model, adapter, ofBase, expected } = await load(name, base);
    const merged = Object.fromEntries(
      adapter.modules.map((module) => {
        const weight = `${module.name}.weight`;
        return [weight, mergedWeight(model.params[weight] as NdArray, module, adapter.params)];
      }),
    );
    const params = toTensors({ ...model.params, ...merged });
    const found = tokenLogProbs(params, model, tensorInputs(hostInputs(ofBase, "oneImage", model)));
    expect(largestDifference(found.dataSync(), pick(expected, "oneImage.logProbs").data)).toBeLessThan(1e-4);
  });

  it("is written as peft writes it, tensor by tensor and bit by bit", async () => {
    const { model, adapter } = await load(name, base);
    await writeAdapter(folder, adapter, `tests/golden/${base}`);
    const written = await readSafetensors(join(folder, "adapter_model.safetensors"));
    expect(written).toEqual(await readSafetensors(join(adapterFolder(name), "adapter_model.safetensors")));
    expect(await readAdapter(folder, model)).toEqual(adapter);
    const theirs = JSON.parse(await readFile(join(adapterFolder(name), "adapter_config.json"), "utf8"));
    expect(theirs).toMatchObject(
      JSON.parse(await readFile(join(folder, "adapter_config.json"), "utf8")) as object,
    );
    expect(await adapterBase(folder)).toBe(`tests/golden/${base}`);
  });
});

describe("readAdapter", () => {
  /** A copy of a golden adapter with another config. */
  async function edited(
    edit: (config: Record<string, unknown>) => object,
    name = "decoder",
  ): Promise<Adapter> {
    await cp(adapterFolder(name), folder, { recursive: true });
    const path = join(folder, "adapter_config.json");
    await writeFile(path, JSON.stringify(edit(JSON.parse(await readFile(path, "utf8")))));
    return readAdapter(folder, await loadNetwork(goldenFolder("qwen25vl/tied")));
  }

  it.each([
    ["DoRA", { use_dora: true }, /unsupported settings: use_dora: true/],
    ["biases", { bias: "all" }, /bias: "all"/],
    ["layers to transform", { layers_to_transform: [0] }, /layers_to_transform: \[0\]/],
    ["modules saved whole", { modules_to_save: ["lm_head"] }, /modules_to_save: \["lm_head"\]/],
    ["another initialisation of the base", { init_lora_weights: "pissa" }, /init_lora_weights: "pissa"/],
    ["a field of the future", { use_marvels: true }, /use_marvels: true/],
    ["a field under an inherited name", { constructor: 1 }, /unsupported settings: constructor: 1/],
    ["another method", { peft_type: "IA3" }, /peft_type/],
    ["another rank", { r: 5 }, /wrong shape: .*lora_A\.weight: expected \[5,32\], got \[4,32\]/],
    [
      "fewer targets",
      { target_modules: ["q_proj"] },
      /unexpected: .*down_proj\.lora_A\.weight.* and \d+ more/,
    ],
    ["more targets", { target_modules: "all-linear" }, /missing: .*visual/],
    ["the head", { target_modules: ["lm_head", "q_proj"] }, /unsupported module: lm_head/],
    [
      "an embedding",
      { target_modules: ["embed_tokens"] },
      /unsupported module: model\.language_model\.embed_tokens/,
    ],
    ["nothing", { target_modules: ["c_attn"] }, /no linear layer matches/],
    ["a pattern of Python's alone", { target_modules: "(?P<x>.*)q_proj" }, /unsupported pattern/],
    ["a pattern that is none", { target_modules: "(q_proj" }, /invalid pattern: \(q_proj/],
  ])("refuses %s by name", async (_what, change, message) => {
    const reading = edited((config) => ({ ...config, ...change }));
    await expect(reading).rejects.toThrow(ModelError);
    await expect(reading).rejects.toThrow(message);
  });

  it("reads names of transformers before 4.52", async () => {
    const network = await loadNetwork(goldenFolder("qwen25vl/tied"));
    const long = await readAdapter(adapterFolder("patterns"), network);
    await cp(adapterFolder("patterns"), folder, { recursive: true });
    const path = join(folder, "adapter_model.safetensors");
    const renamed = Object.entries(await readSafetensors(path)).map(([name, array]) => [
      name
        .replace("model.model.language_model.", "model.model.")
        .replace("model.model.visual.", "model.visual."),
      array,
    ]);
    await writeSafetensors(path, Object.fromEntries(renamed));
    expect(await readAdapter(folder, network)).toEqual(long);
  });

  it("says what a folder lacks", async () => {
    const network = await loadNetwork(goldenFolder("qwen25vl/tied"));
    await expect(readAdapter(folder, network)).rejects.toThrow(
      /missing adapter_config\.json: not an adapter/,
    );
    await cp(adapterFolder("decoder"), folder, { recursive: true });
    await writeFile(join(folder, "adapter_model.bin"), "");
    await expect(readAdapter(folder, network)).rejects.toThrow(/adapter_model\.bin is a Python pickle/);
  });
});

describe("initAdapter", () => {
  const spec: LoraSpec = { rank: 2, alpha: 4, usesRslora: false, targets: DECODER_TARGETS };

  it("changes no weight, and is the same for the same seed", async () => {
    const { model } = await loadGolden("qwen25vl/tied");
    const adapter = initAdapter(model, spec, Rng.fromSeed(1));
    expect(adapter.modules).toHaveLength(14); // 7 projections of 2 layers
    for (const module of adapter.modules) {
      const weight = model.params[`${module.name}.weight`] as NdArray;
      expect(mergedWeight(weight, module, adapter.params)).toEqual(weight);
    }
    expect(initAdapter(model, spec, Rng.fromSeed(1))).toEqual(adapter);
    expect(initAdapter(model, spec, Rng.fromSeed(2))).not.toEqual(adapter);
  });

  it("draws A within ±1/√in", async () => {
    const { model } = await loadGolden("qwen25vl/tied");
    const { params } = initAdapter(model, spec, Rng.fromSeed(1));
    const values = Array.from(params["model.layers.0.mlp.up_proj.lora_A.weight"]?.data ?? []);
    const bound = 1 / Math.sqrt(32);
    expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(bound);
    expect(Math.max(...values)).toBeGreaterThan(0.8 * bound);
    expect(Math.min(...values)).toBeLessThan(-0.8 * bound);
  });
});
