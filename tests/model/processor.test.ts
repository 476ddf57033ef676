import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadProcessor } from "../../src/model/processor.js";
import { MODEL_DIR } from "./processorGolden.js";

let dir = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "sharegrpo-processor-"));
  await cp(MODEL_DIR, dir, { recursive: true });
});
afterEach(() => rm(dir, { recursive: true }));

describe("loadProcessor", () => {
  it("reads tokens and image settings", async () => {
    const processor = await loadProcessor(dir);
    const { specialTokens } = processor;
    expect(processor.imageToken).toBe(specialTokens.get("<|image_pad|>"));
    expect(processor.image).toMatchObject({ patchSize: 14, mergeSize: 2, minPixels: 3136, maxPixels: 50176 });
  });

  it("reads image settings from processor_config.json, where newer libraries save them", async () => {
    await rm(join(dir, "preprocessor_config.json"));
    await expect(loadProcessor(dir)).rejects.toThrow(`${dir}/preprocessor_config.json: missing file`);
    const settings = { image_processor: { size: { shortest_edge: 784, longest_edge: 7840 } } };
    await writeFile(join(dir, "processor_config.json"), JSON.stringify(settings));
    expect((await loadProcessor(dir)).image).toMatchObject({ minPixels: 784, maxPixels: 7840 });
  });

  it("names a file that is not JSON, and a tokenizer without image token", async () => {
    await writeFile(join(dir, "preprocessor_config.json"), "{");
    await expect(loadProcessor(dir)).rejects.toThrow(`${dir}/preprocessor_config.json: not JSON: `);
    const json = { added_tokens: [], normalizer: null, pre_tokenizer: { type: "ByteLevel" } };
    const bpe = { type: "BPE", vocab: { a: 0 }, merges: [] };
    const file = { ...json, post_processor: null, decoder: { type: "ByteLevel" }, model: bpe };
    await writeFile(join(dir, "tokenizer.json"), JSON.stringify(file));
    await expect(loadProcessor(dir)).rejects.toThrow("tokenizer.json: missing special token: <|image_pad|>");
  });

  it("refuses a folder that is not there", async () => {
    await expect(loadProcessor(join(dir, "nowhere"))).rejects.toThrow(
      `${dir}/nowhere: missing model folder: give a folder with config.json, or \`tiny\``,
    );
  });

  it("names the newest checkpoint when it is given a run folder or its checkpoints", async () => {
    const checkpoints = join(dir, "run", "checkpoints");
    for (const step of ["step-000009", "step-000012", "step-000024.partial"]) {
      await mkdir(join(checkpoints, step), { recursive: true });
    }
    const advice = `not a model folder: did you mean ${join(checkpoints, "step-000012")}?`;
    await expect(loadProcessor(join(dir, "run"))).rejects.toThrow(`${join(dir, "run")}: ${advice}`);
    await expect(loadProcessor(checkpoints)).rejects.toThrow(`${checkpoints}: ${advice}`);
  });
});
