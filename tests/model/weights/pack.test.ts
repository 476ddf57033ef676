import { cp, mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eager } from "../../../src/compile/eager.js";
import { dequantize, type QuantizedMatrix } from "../../../src/compile/quantized.js";
import { CheckpointError, ModelError } from "../../../src/core/errors.js";
import type { NdArray } from "../../../src/core/ndarray.js";
import { loadNetwork, loadParams } from "../../../src/model/load.js";
import { readSafetensors, writeSafetensors } from "../../../src/model/safetensors.js";
import { jointQkv } from "../../../src/model/transformer/jointQkv.js";
import { openWeights } from "../../../src/model/weights/open.js";
import { packedWeights } from "../../../src/model/weights/pack.js";
import type { TensorStore } from "../../../src/model/weights/tensorStore.js";
import { untie, writeFakeModel } from "../../support/fakeModel.js";
import { goldenFolder } from "../parity.js";

let root: string;
let dir: string;
let cache: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "packed-"));
  [dir, cache] = [join(root, "model"), join(root, "cache")];
  await cp(goldenFolder("qwen25vl/tied"), dir, { recursive: true });
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()));
  await rm(root, { recursive: true, force: true });
});
const opened: TensorStore[] = [];

async function pack() {
  const network = await loadNetwork(dir);
  const store = await openWeights(dir, network);
  try {
    const packed = await packedWeights(store, network, { cache });
    opened.push(packed);
    return packed;
  } finally {
    await store.close();
  }
}

/** Changes a weight of the folder. */
async function edit(change: (data: NdArray["data"]) => void): Promise<void> {
  const path = join(dir, "model.safetensors");
  const params = await readSafetensors(path);
  change((params["model.layers.0.mlp.up_proj.weight"] as NdArray).data);
  await writeSafetensors(path, params);
}

describe("packedWeights", () => {
  it.each([
    ["qwen2_5_vl", true],
    ["qwen2_5_vl", false],
    ["qwen3_vl", true],
    ["qwen3_vl", false],
  ] as const)(
    "holds every matrix of the decoder within half a scale: %s, tied: %s",
    async (family, isTied) => {
      await writeFakeModel(dir, { family });
      if (!isTied) await untie(dir);
      const network = await loadNetwork(dir);
      const { config } = network;
      const params = await loadParams(dir, network);
      const store = await pack();
      const joint = await eager((given: Parameters<typeof jointQkv>[0]) => jointQkv(given, config))(params);
      const matrices = [...store.entries.keys()].filter((name) => name.endsWith(".packed"));
      expect(matrices).toHaveLength(5 * config.layers + 1);
      const headName = config.tieWordEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight";
      for (const name of matrices.map((each) => each.replace(/\.packed$/, ""))) {
        const packed = (await store.readArgument(`${name}.packed`)) as QuantizedMatrix<never>["packed"];
        const scales = await store.readWide(`${name}.scales`);
        const wide = await eager((given: QuantizedMatrix) => dequantize(given, { bits: 8 }))({
          packed,
          scales,
        });
        const weight = (
          name === "head" ? params[headName] : { ...params, ...joint }[`${name}.weight`]
        ) as NdArray;
        expect(wide.shape, name).toEqual(weight.shape);
        const block = weight.data.length / scales.data.length;
        weight.data.forEach((value, at) => {
          const scale = scales.data[Math.floor(at / block)] as number;
          expect(Math.abs((wide.data[at] as number) - value)).toBeLessThanOrEqual(0.5001 * scale);
        });
      }
      await store.close();
    },
  );

  it("is made once, and anew in its place when a weight file has changed", async () => {
    const place = async () => [...(await pack()).entries.values()][0]?.file;
    const first = await place();
    expect(await place()).toBe(first);
    await utimes(join(dir, "model.safetensors"), new Date(), new Date(1e9));
    expect(await place()).not.toBe(first);
    const left = await readdir(cache);
    expect(left).toEqual([expect.stringMatching(/^model(-[0-9a-f]{16}){2}$/)]);
  });

  it("stays beside that of another checkpoint of the same name", async () => {
    await pack();
    const elsewhere = join(root, "elsewhere", "model");
    await cp(dir, elsewhere, { recursive: true });
    dir = elsewhere;
    await pack();
    expect(await readdir(cache)).toHaveLength(2);
  });

  it("is made by one of two that need it at once", async () => {
    const [one, other] = await Promise.all(
      [pack(), pack()].map((store) => store.catch((error: Error) => error)),
    );
    const stores = [one, other].filter((each) => !(each instanceof Error));
    expect(stores.length).toBeGreaterThan(0);
    for (const each of [one, other])
      if (each instanceof Error) expect(each.message).toMatch(/in use: .*packing weights/);
    expect((await pack()).entries.size).toBe(2 * (5 * 2 + 1));
  });

  it("does not take what was left half made", async () => {
    const whole = await pack();
    const folder = join([...whole.entries.values()][0]?.file ?? "", "..");
    await rm(folder, { recursive: true });
    await mkdir(`${folder}.partial`, { recursive: true });
    await writeFile(join(`${folder}.partial`, "model.safetensors"), "half");
    expect([...(await pack()).entries]).toEqual([...whole.entries]);
  });

  it("says of damaged packed weights where they are", async () => {
    const [{ file } = { file: "" }] = [...(await pack()).entries.values()];
    await writeFile(file, "short");
    await expect(pack()).rejects.toThrow(CheckpointError);
    await expect(pack()).rejects.toThrow(file);
  });

  it("refuses numbers that are not finite, and leaves nothing", async () => {
    await edit((data) => {
      data[5] = Number.POSITIVE_INFINITY;
    });
    await expect(pack()).rejects.toThrow(/model\.layers\.0\.mlp\.up_proj\.weight: invalid numbers/);
    expect(await readdir(cache)).toEqual([]);
  });

  it("refuses widths that no block divides, naming them", async () => {
    const network = await loadNetwork(dir);
    const store = await openWeights(dir, network);
    const entries = new Map(store.entries);
    const name = "model.layers.1.mlp.down_proj.weight";
    const entry = entries.get(name);
    if (entry) entries.set(name, { ...entry, shape: [24, 40] });
    const packing = packedWeights({ ...store, entries }, network, { cache });
    await expect(packing).rejects.toThrow(ModelError);
    await expect(packing).rejects.toThrow(/model\.layers\.1\.mlp\.down_proj of 40 columns.*multiples of 16/);
    await store.close();
  });
});
