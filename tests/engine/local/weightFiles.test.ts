import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { CheckpointError } from "../../../src/core/errors.js";
import type { NdArray, Params } from "../../../src/core/ndarray.js";
import { readWeights, writeWeights } from "../../../src/engine/local/weightFiles.js";
import type { Model } from "../../../src/model/load.js";
import { fakeModel, temporaryFolder } from "../../support/fakeModel.js";

/** Numbers that only an exact copy keeps: the smallest, a negative zero, NaN, ±∞. */
const EXACT = [1.1754943508222875e-38, 1e-45, -0, Number.NaN, Number.POSITIVE_INFINITY, -1 / 3];
const NORM = "model.norm.weight";

let model: Model;
let folder: string;
const copies = (factor: number): Params =>
  Object.fromEntries(
    Object.entries(model.params).map(([name, array]) => [
      name,
      { ...array, data: array.data.map((value) => factor * value) },
    ]),
  );

beforeAll(async () => {
  model = await fakeModel();
  folder = join(await temporaryFolder(), "saved");
  await mkdir(folder);
  (model.params[NORM] as NdArray).data.set(EXACT);
  await writeFile(join(model.dir, "README.md"), "not a model file");
  await writeWeights(folder, { params: model.params, first: copies(2), second: copies(3) }, model);
});

describe("writeWeights and readWeights", () => {
  it("keep every bit of every number, and tell the moments apart", async () => {
    const read = await readWeights(folder, model);
    expect(read).toEqual({ params: model.params, first: copies(2), second: copies(3) });
    const bits = new Uint8Array((read.params[NORM] as NdArray).data.slice(0, EXACT.length).buffer);
    expect([...bits]).toEqual([...new Uint8Array(Float32Array.from(EXACT).buffer)]);
  });

  it("write a model folder: config and tokenizer files, weights, and nothing else of the source", async () => {
    const names = await readdir(folder);
    expect(names).toEqual(expect.arrayContaining(["config.json", "model.safetensors", "tokenizer.json"]));
    expect(names).toContain("optimizer.safetensors");
    expect(names).not.toContain("README.md");
    const [copy, source] = [folder, model.dir].map((each) => readFile(join(each, "config.json"), "utf8"));
    expect(await copy).toBe(await source);
  });

  it("name the file that is missing", async () => {
    const empty = await temporaryFolder();
    await expect(readWeights(empty, model)).rejects.toThrow(CheckpointError);
    await expect(readWeights(empty, model)).rejects.toThrow(join(empty, "optimizer.safetensors"));
  });
});
