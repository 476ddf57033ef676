import { cp, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CheckpointError, ModelError } from "../../src/core/errors.js";
import { loadModel, loadNetwork, loadParams } from "../../src/model/load.js";
import { readSafetensors, writeSafetensors } from "../../src/model/safetensors.js";
import { writeFakeModel } from "../support/fakeModel.js";
import { goldenFolder } from "./parity.js";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "model-"));
  await cp(goldenFolder("qwen25vl/tied"), dir, { recursive: true });
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function editJson(name: string, edit: (json: Record<string, unknown>) => object): Promise<void> {
  const path = join(dir, name);
  await writeFile(path, JSON.stringify(edit(JSON.parse(await readFile(path, "utf8")))));
}

/** Network and weights of a folder. */
async function load(from: string) {
  const network = await loadNetwork(from);
  return { ...network, params: await loadParams(from, network) };
}

describe("loadNetwork and loadParams", () => {
  it("loads a folder that transformers saved, whole or in shards", async () => {
    const tied = await load(dir);
    expect(Object.keys(tied.params)).toHaveLength(68);
    const untied = await load(goldenFolder("qwen25vl/untied"));
    expect(untied.params["lm_head.weight"]?.shape).toEqual([200, 16]);
  });

  it("takes end and padding tokens from generation_config.json", async () => {
    await editJson("generation_config.json", (json) => ({ ...json, eos_token_id: [2, 5], pad_token_id: 7 }));
    expect((await load(dir)).config.tokens).toMatchObject({ eos: [2, 5], pad: 7 });
    await rm(join(dir, "generation_config.json"));
    expect((await load(dir)).config.tokens).toMatchObject({ eos: [2], pad: 1 });
  });

  it("refuses a folder in which no token ends a response", async () => {
    await rm(join(dir, "generation_config.json"));
    await editJson("config.json", ({ eos_token_id: _, ...json }) => json);
    await expect(loadNetwork(dir)).rejects.toThrow(
      `${dir}/generation_config.json: missing end token: eos_token_id; add it there or to config.json`,
    );
  });

  it("names the families it knows when config.json is of another", async () => {
    await editJson("config.json", (json) => ({ ...json, model_type: "llava" }));
    await expect(loadNetwork(dir)).rejects.toThrow(
      `${dir}/config.json: unsupported model_type: "llava"; known: qwen2_5_vl`,
    );
  });

  it("loads parameters saved under the names of transformers' modules, and a tied head saved as well", async () => {
    const path = join(dir, "model.safetensors");
    const published = await readSafetensors(path);
    const renamed = Object.fromEntries(
      Object.entries(published).map(([name, array]) => [
        name.replace(/^model\./, "model.language_model.").replace(/^visual\./, "model.visual."),
        array,
      ]),
    );
    const head = published["model.embed_tokens.weight"];
    if (!head) throw new Error("no embedding");
    await writeSafetensors(path, { ...renamed, "lm_head.weight": head });
    expect((await load(dir)).params).toEqual(published);
  });

  it.each([
    ["the folder is missing", () => rm(dir, { recursive: true }), /missing model folder: give a folder/],
    ["config.json is missing", () => rm(join(dir, "config.json")), /missing config\.json; copy the whole/],
    ["config.json is cut off", () => truncate(join(dir, "config.json"), 40), /config\.json: not JSON/],
    ["the weights are missing", () => rm(join(dir, "model.safetensors")), /missing model\.safetensors/],
    [
      "the weights are another model's",
      () => editJson("config.json", (json) => ({ ...json, num_hidden_layers: 3 })),
      /missing: model\.layers\.2\./,
    ],
    [
      "the shapes are another model's",
      () => editJson("config.json", (json) => ({ ...json, intermediate_size: 64 })),
      /wrong shape: .*mlp\.gate_proj\.weight: expected \[64,32\], got \[48,32\]/,
    ],
  ])("says so when %s", async (_what, damage, message) => {
    await damage();
    const loading = load(dir);
    await expect(loading).rejects.toThrow(ModelError);
    await expect(loading).rejects.toThrow(message);
  });

  it("refuses truncated weights, naming the file and the cure", async () => {
    await truncate(join(dir, "model.safetensors"), 100_000);
    const loading = load(dir);
    await expect(loading).rejects.toThrow(CheckpointError);
    await expect(loading).rejects.toThrow(/model\.safetensors: .*copy or download it again/);
  });
});

describe("loadModel", () => {
  it.each(["qwen2_5_vl", "qwen3_vl"] as const)(
    "refuses a processor that is another model's, saying in what: %s",
    async (family) => {
      await writeFakeModel(dir, { family });
      const model = await loadModel(dir);
      expect(model.family.modelType).toBe(family);
      const wrong = model.config.vision.patchSize === 14 ? 16 : 14;
      await editJson("preprocessor_config.json", (json) => ({ ...json, patch_size: wrong, merge_size: 3 }));
      const rows = model.processor.size - 1;
      await editJson("config.json", (json) =>
        family === "qwen3_vl"
          ? { ...json, text_config: { ...(json["text_config"] as object), vocab_size: rows } }
          : { ...json, vocab_size: rows },
      );
      await expect(loadModel(dir)).rejects.toThrow(
        `${dir}: tokenizer and picture settings are another model's: patch_size ${wrong}, config.json expects ` +
          `${30 - wrong}; merge_size 3, config.json expects 2; ${rows + 1} tokens, config.json has room for ${rows}; copy all`,
      );
    },
  );
});
