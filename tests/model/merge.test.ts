import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CheckpointError, ModelError } from "../../src/core/errors.js";
import { loadNetwork, loadParams } from "../../src/model/load.js";
import { mergeCheckpoint } from "../../src/model/merge.js";
import { readSafetensors, writeSafetensors } from "../../src/model/safetensors.js";
import { openTensors } from "../../src/model/weights/tensorStore.js";
import {
  goldenFolder,
  hostInputs,
  largestDifference,
  loadGolden,
  pick,
  tensorInputs,
  tokenLogProbs,
  toTensors,
} from "./parity.js";

const adapters = join(goldenFolder("qwen25vl/tied"), "../../lora");
let folder: string;
let out: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "merge-"));
  out = join(folder, "out");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Bytes of every tensor as they stand in a folder's files. */
async function storedBytes(dir: string): Promise<Record<string, unknown>> {
  const names = await readdir(dir);
  const file = names.includes("model.safetensors") ? "model.safetensors" : "model.safetensors.index.json";
  const store = await openTensors(join(dir, file));
  const read = await Promise.all(
    [...store.entries.keys()].sort().map(async (name) => [name, await store.read(name)] as const),
  );
  await store.close();
  return Object.fromEntries(read);
}

describe("mergeCheckpoint", () => {
  it.each(["qwen25vl/tied", "qwen25vl/untied", "qwen3vl/untied"] as const)(
    "gives %s back bit for bit, in shards of any size",
    async (golden) => {
      const before = await storedBytes(goldenFolder(golden));
      await mergeCheckpoint({ checkpoint: goldenFolder(golden), out, shardBytes: 20_000 });
      expect(
        (await readdir(out)).filter((name) => /-of-\d{5}\.safetensors$/.test(name)).length,
      ).toBeGreaterThan(1);
      expect(await storedBytes(out)).toEqual(before);
      await mergeCheckpoint({ checkpoint: out, out: join(folder, "again") });
      expect(await readdir(join(folder, "again"))).toContain("model.safetensors");
      expect(await storedBytes(join(folder, "again"))).toEqual(before);
    },
  );

  it("gives the log-probabilities that peft gives with the adapter", async () => {
    const base = goldenFolder("qwen25vl/tied");
    const found = await mergeCheckpoint({ checkpoint: join(adapters, "patterns"), base, out });
    expect(found).toEqual({ tensors: 68, adapted: 14 });
    const { model, expected } = await loadGolden("qwen25vl/tied");
    const params = toTensors(await loadParams(out, await loadNetwork(out)));
    const logProbs = tokenLogProbs(params, model, tensorInputs(hostInputs(expected, "oneImage", model)));
    const theirs = await readSafetensors(join(adapters, "patterns", "golden.safetensors"));
    expect(largestDifference(logProbs.dataSync(), pick(theirs, "oneImage.logProbs").data)).toBeLessThan(1e-4);
  });

  it("merges rows in pieces of any size to the same bits", async () => {
    const options = { checkpoint: join(adapters, "patterns"), base: goldenFolder("qwen25vl/tied") } as const;
    await mergeCheckpoint({ ...options, out, dtype: "BF16" });
    const inPieces = join(folder, "pieces");
    await mergeCheckpoint({ ...options, out: inPieces, dtype: "BF16", shardBytes: 1000 });
    expect(await storedBytes(inPieces)).toEqual(await storedBytes(out));
  });

  it("writes all weights in the format asked for", async () => {
    await mergeCheckpoint({ checkpoint: goldenFolder("qwen25vl/tied"), out, dtype: "BF16" });
    const formats = Object.values(await storedBytes(out)).map(
      (stored) => (stored as { dtype: string }).dtype,
    );
    expect(new Set(formats)).toEqual(new Set(["BF16"]));
  });

  it("leaves what is there untouched, and nothing behind when it fails", async () => {
    await mkdir(out);
    await writeFile(join(out, "precious"), "1");
    const merging = mergeCheckpoint({ checkpoint: goldenFolder("qwen25vl/tied"), out });
    await expect(merging).rejects.toThrow(CheckpointError);
    await expect(merging).rejects.toThrow(/out: is there already; choose another --out/);
    expect(await readFile(join(out, "precious"), "utf8")).toBe("1");
    const stop = new AbortController();
    const other = join(folder, "other");
    const onProgress = () => stop.abort(new Error("enough"));
    const stopped = mergeCheckpoint({
      checkpoint: goldenFolder("qwen25vl/tied"),
      out: other,
      onProgress,
      signal: stop.signal,
    });
    await expect(stopped).rejects.toThrow("enough");
    expect(await readdir(folder)).toEqual(["out"]);
  });

  it("refuses FSDP's shards with the command that converts them, and adapters without a base", async () => {
    const run = join(folder, "global_step_5");
    await mkdir(join(run, "actor"), { recursive: true });
    await writeFile(join(run, "actor", "model_world_size_2_rank_0.pt"), "");
    const merging = mergeCheckpoint({ checkpoint: run, out });
    await expect(merging).rejects.toThrow(ModelError);
    await expect(merging).rejects.toThrow(/Python pickles; .*model_merger\.py --local_dir .*actor/);
    const alone = join(folder, "alone");
    await cp(join(adapters, "decoder"), alone, { recursive: true });
    const config = JSON.parse(await readFile(join(alone, "adapter_config.json"), "utf8")) as object;
    await writeFile(
      join(alone, "adapter_config.json"),
      JSON.stringify({ ...config, base_model_name_or_path: null }),
    );
    await expect(mergeCheckpoint({ checkpoint: alone, out })).rejects.toThrow(
      /names no base; give one with --base/,
    );
    await writeSafetensors(join(alone, "adapter_model.safetensors"), {});
    const base = goldenFolder("qwen25vl/tied");
    await expect(mergeCheckpoint({ checkpoint: alone, out, base })).rejects.toThrow(
      /missing: .*\(28 tensors expected\)/,
    );
  });
});
