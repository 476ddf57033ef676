import { cp, mkdtemp, open, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CheckpointError, ModelError } from "../../../src/core/errors.js";
import { loadNetwork } from "../../../src/model/load.js";
import { paramShapes } from "../../../src/model/params.js";
import { readSafetensors, writeSafetensors } from "../../../src/model/safetensors.js";
import { encodeHeader } from "../../../src/model/weights/header.js";
import { openWeights } from "../../../src/model/weights/open.js";
import { goldenFolder } from "../parity.js";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "weights-"));
  await cp(goldenFolder("qwen25vl/tied"), dir, { recursive: true });
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** Writes the folder's weights anew in two shards. @returns names by shard */
async function shard(): Promise<readonly [string[], string[]]> {
  const params = await readSafetensors(join(dir, "model.safetensors"));
  const names = Object.keys(params).sort();
  const halves = [names.slice(0, 30), names.slice(30)] as const;
  for (const [at, part] of halves.entries()) {
    const own = Object.fromEntries(Object.entries(params).filter(([name]) => part.includes(name)));
    await writeSafetensors(join(dir, `shard-${at}.safetensors`), own);
  }
  const weight_map = Object.fromEntries(
    halves.flatMap((part, at) => part.map((name) => [name, `shard-${at}.safetensors`])),
  );
  await writeFile(join(dir, "model.safetensors.index.json"), JSON.stringify({ weight_map }));
  await rm(join(dir, "model.safetensors"));
  return halves;
}

/** Replaces the header of a file, keeping its data. */
async function editHeader(
  path: string,
  edit: (header: Record<string, { shape: number[] }>) => unknown,
): Promise<void> {
  const bytes = await readFile(path);
  const length = Number(bytes.readBigUInt64LE());
  const header = edit(JSON.parse(bytes.subarray(8, 8 + length).toString()));
  await writeFile(path, [encodeHeader(header as Record<string, unknown>), bytes.subarray(8 + length)]);
}

const opening = async () => openWeights(dir, await loadNetwork(dir));

describe("openWeights", () => {
  it("gives rows of a tensor as they stand in the file, into memory that is lent", async () => {
    const whole = (await readSafetensors(join(dir, "model.safetensors")))["model.embed_tokens.weight"];
    const store = await opening();
    const memory = new Uint8Array(1000);
    const rows = await store.read("model.embed_tokens.weight", { rows: [3, 5], into: memory });
    expect(rows).toMatchObject({ dtype: "F32", shape: [2, 32] });
    expect(rows.bytes.buffer).toBe(memory.buffer);
    expect([...new Float32Array(memory.buffer, 0, 64)]).toEqual([...(whole?.data.slice(96, 160) ?? [])]);
    expect((await store.read("model.embed_tokens.weight", { rows: [2, 2] })).bytes).toHaveLength(0);
    await expect(store.read("model.embed_tokens.weight", { rows: [0, 1001] })).rejects.toThrow(
      /rows 0 to 1001/,
    );
    await store.close();
  });

  it("names what is damaged, missing and misshapen in all shards, in one error", async () => {
    const [first] = await shard();
    await truncate(join(dir, "shard-0.safetensors"), 5000);
    await editHeader(join(dir, "shard-1.safetensors"), (header) => {
      const norm = header["visual.merger.ln_q.weight"];
      if (norm) norm.shape = [4, 4];
      return header;
    });
    const failing = opening();
    await expect(failing).rejects.toThrow(CheckpointError);
    await expect(failing).rejects.toThrow(/shard-0\.safetensors: .*copy or download it again/);
    await expect(failing).rejects.toThrow(
      /wrong shape: visual\.merger\.ln_q\.weight: expected \[16\], got \[4,4\]/,
    );
    // What the damaged shard should have held is not reported once more, name by name.
    await expect(failing).rejects.not.toThrow(new RegExp(`missing: ${first[0]}`));
  });

  it("knows an interrupted download by the file it left", async () => {
    await shard();
    await rename(join(dir, "shard-1.safetensors"), join(dir, "shard-1.safetensors.partial"));
    await expect(opening()).rejects.toThrow(
      /shard-1\.safetensors: .*its download was interrupted: download it again/,
    );
  });

  it.each([
    [
      "a header of 2⁶³ bytes",
      async (path: string) => {
        const file = await open(path, "r+");
        await file.write(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0x80), 0, 8, 0);
        await file.close();
      },
      /header of 9223372036854776000 bytes/,
    ],
    [
      "a tensor called __proto__",
      (path: string) =>
        editHeader(path, (header) =>
          JSON.parse(JSON.stringify(header).replace('"model.norm.weight"', '"__proto__"')),
        ),
      /begins at \d+, expected \d+: tensors overlap or leave a gap/,
    ],
    [
      "sides whose product is beyond counting",
      (path: string) =>
        editHeader(path, (header) => ({
          ...header,
          "model.norm.weight": { ...header["model.norm.weight"], shape: [2 ** 52, 2 ** 52] },
        })),
      /model\.norm\.weight: F32 \[4503599627370496,4503599627370496\] takes/,
    ],
  ])("refuses %s by name", async (_what, damage, message) => {
    await damage(join(dir, "model.safetensors"));
    await expect(opening()).rejects.toThrow(message);
    await expect(opening()).rejects.toThrow(join(dir, "model.safetensors"));
  });

  it("refuses shards outside the folder", async () => {
    const names = Object.keys(paramShapes(await loadNetwork(dir)));
    await rm(join(dir, "model.safetensors"));
    for (const shardName of ["../x.safetensors", "/etc/x.safetensors", "a\\x.safetensors", "passwd"]) {
      const weight_map = Object.fromEntries(names.map((name) => [name, shardName]));
      await writeFile(join(dir, "model.safetensors.index.json"), JSON.stringify({ weight_map }));
      await expect(opening()).rejects.toThrow(/invalid shard name/);
    }
  });

  it("says that a folder has no weights", async () => {
    await rm(join(dir, "model.safetensors"));
    await expect(opening()).rejects.toThrow(ModelError);
  });

  it("opens 7.5 GB in shards by their headers alone", async () => {
    const config = JSON.parse(await readFile(join(dir, "config.json"), "utf8"));
    const size = {
      hidden_size: 2048,
      num_attention_heads: 16,
      num_key_value_heads: 2,
      intermediate_size: 11_008,
      num_hidden_layers: 36,
      vocab_size: 151_936,
    };
    const vision = {
      ...config.vision_config,
      depth: 32,
      hidden_size: 1280,
      num_heads: 16,
      intermediate_size: 3420,
      out_hidden_size: 2048,
    };
    const rope_scaling = { type: "mrope", mrope_section: [16, 24, 24] };
    await writeFile(
      join(dir, "config.json"),
      JSON.stringify({ ...config, ...size, rope_scaling, vision_config: vision }),
    );
    await rm(join(dir, "model.safetensors"));
    const network = await loadNetwork(dir);
    const shapes = Object.entries(paramShapes(network));
    const weight_map: Record<string, string> = {};
    for (let at = 0; at < 4; at++) {
      const part = shapes.filter((_, index) => index % 4 === at);
      let offset = 0;
      const header = Object.fromEntries(
        part.map(([name, shape]) => {
          weight_map[name] = `part-${at}.safetensors`;
          const bytes = 2 * shape.reduce((product, side) => product * side, 1);
          offset += bytes;
          return [name, { dtype: "BF16", shape, data_offsets: [offset - bytes, offset] }];
        }),
      );
      const path = join(dir, `part-${at}.safetensors`);
      const start = encodeHeader(header);
      await writeFile(path, start);
      await truncate(path, start.length + offset); // holes: the numbers take no room on the disk
    }
    await writeFile(join(dir, "model.safetensors.index.json"), JSON.stringify({ weight_map }));
    const before = process.memoryUsage.rss();
    const store = await openWeights(dir, network);
    expect(store.entries.size).toBe(shapes.length);
    expect([...store.entries.values()].reduce((sum, { bytes }) => sum + bytes, 0)).toBeGreaterThan(7.4e9);
    expect(process.memoryUsage.rss() - before).toBeLessThan(200e6);
    await store.close();
  });
});
