import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CheckpointError } from "../../src/core/errors.js";
import { ndarray, type Params, sizeOf } from "../../src/core/ndarray.js";
import { readSafetensors, readSafetensorsMetadata, writeSafetensors } from "../../src/model/safetensors.js";
import { goldenFolder } from "./parity.js";

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "safetensors-"));
  path = join(folder, "x.safetensors");
});
afterEach(() => rm(folder, { recursive: true }));

/** A file with this header and this many bytes of data. */
function fileOf(header: unknown, data: Uint8Array): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

async function readOf(header: unknown, data: Uint8Array): Promise<Params> {
  await writeFile(path, fileOf(header, data));
  return readSafetensors(path);
}

const entry = (dtype: string, shape: number[], begin: number, end: number) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

describe("readSafetensors", () => {
  it("reads the dtypes of published checkpoints", async () => {
    // 1.5 = 0x3FC00000 in F32, 0x3FC0 in BF16, 0x3E00 in F16; smallest half 2⁻²⁴ = 0x0001; −∞ = 0xFC00.
    const data = new Uint8Array([
      ...[0x00, 0x00, 0xc0, 0x3f],
      ...[0xc0, 0x3f],
      ...[0x00, 0x3e, 0x01, 0x00, 0x00, 0xfc, 0x01, 0x7c],
      ...[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
      ...[0x02, 0x00, 0x00, 0x00],
      ...[0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xf8, 0x3f],
    ]);
    const read = await readOf(
      {
        f32: entry("F32", [], 0, 4),
        bf16: entry("BF16", [1], 4, 6),
        f16: entry("F16", [2, 2], 6, 14),
        i64: entry("I64", [1], 14, 22),
        i32: entry("I32", [1], 22, 26),
        f64: entry("F64", [1], 26, 34),
      },
      data,
    );
    const values = Object.fromEntries(
      Object.entries(read).map(([name, { dtype, data }]) => [name, [dtype, ...data]]),
    );
    expect(values).toEqual({
      f32: ["float32", 1.5],
      bf16: ["float32", 1.5],
      f16: ["float32", 1.5, 2 ** -24, Number.NEGATIVE_INFINITY, Number.NaN],
      i64: ["int32", -1],
      i32: ["int32", 2],
      f64: ["float32", 1.5],
    });
    expect(read["f16"]?.shape).toEqual([2, 2]);
  });

  it("reads an empty file of no tensors, and a tensor of no elements", async () => {
    expect(await readOf({}, new Uint8Array(0))).toEqual({});
    const read = await readOf({ a: entry("F32", [0, 3], 0, 0) }, new Uint8Array(0));
    expect(read["a"]).toMatchObject({ shape: [0, 3] });
  });

  it.each([
    [
      "an int64 that does not fit",
      { a: entry("I64", [1], 0, 8) },
      [0, 0, 0, 0, 1, 0, 0, 0],
      /does not fit 32 bits/,
    ],
    ["a dtype it does not know", { a: entry("F8_E4M3", [1], 0, 1) }, [0], /unsupported dtype of a: F8_E4M3/],
    [
      "overlapping tensors",
      { a: entry("F32", [1], 0, 4), b: entry("F32", [1], 2, 6) },
      [0, 0, 0, 0, 0, 0],
      /overlap/,
    ],
    ["a gap", { a: entry("F32", [1], 4, 8) }, [0, 0, 0, 0, 0, 0, 0, 0], /a begins at 4, expected 0/],
    [
      "a size that is not the shape's",
      { a: entry("F32", [2], 0, 4) },
      [0, 0, 0, 0],
      /\[2\] takes 8 bytes, got 4/,
    ],
    ["missing data", { a: entry("F32", [2], 0, 8) }, [0, 0, 0, 0], /expected 8 bytes of data, got 4/],
    [
      "bytes after the data",
      { a: entry("F32", [1], 0, 4) },
      [0, 0, 0, 0, 0],
      /expected 4 bytes of data, got 5/,
    ],
    ["a header that is not JSON", "{", [], /invalid JSON/],
    ["a header without offsets", { a: { dtype: "F32", shape: [1] } }, [], /invalid header: a/],
    ["a negative side", { a: entry("F32", [-1], 0, 4) }, [0, 0, 0, 0], /invalid header: a.shape.0/],
  ])("refuses %s, naming the file", async (_what, header, data, message) => {
    const reading = readOf(header, new Uint8Array(data));
    await expect(reading).rejects.toThrow(CheckpointError);
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.toThrow(path);
  });

  it("refuses every truncation of a whole file", async () => {
    const whole = fileOf({ a: entry("F32", [2], 0, 8) }, new Uint8Array(8));
    for (let length = 0; length < whole.length; length++) {
      await writeFile(path, whole.subarray(0, length));
      await expect(readSafetensors(path), `${length} bytes`).rejects.toThrow(CheckpointError);
    }
  });

  it("says so when there is no such file", async () => {
    await expect(readSafetensors(path)).rejects.toThrow(/x\.safetensors: cannot be opened: ENOENT/);
  });

  it("refuses an index whose shard lacks a tensor, is missing, or lies elsewhere", async () => {
    const index = join(folder, "model.safetensors.index.json");
    const write = (weights: Record<string, string>) =>
      writeFile(index, JSON.stringify({ metadata: {}, weight_map: weights }));
    await writeSafetensors(path, { a: ndarray([1], [1]) });
    await write({ a: "x.safetensors", b: "x.safetensors" });
    await expect(readSafetensors(index)).rejects.toThrow(/b is not in x\.safetensors/);
    await write({ a: "y.safetensors" });
    await expect(readSafetensors(index)).rejects.toThrow(/y\.safetensors: cannot be opened/);
    await write({ a: "../x.safetensors" });
    await expect(readSafetensors(index)).rejects.toThrow(/invalid shard name/);
  });
});

describe("writeSafetensors", () => {
  const arrays = fc
    .array(fc.nat(3), { maxLength: 3 })
    .chain((shape) =>
      fc.tuple(
        fc.constant(shape),
        fc.array(fc.float(), { minLength: sizeOf(shape), maxLength: sizeOf(shape) }),
      ),
    );

  it("gives back what was written, bit for bit", async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.stringMatching(/^[a-z.]+$/), arrays), async (named) => {
        const params = Object.fromEntries(
          Object.entries(named).map(([name, [shape, values]]) => [name, ndarray(values, shape)]),
        );
        await writeSafetensors(path, params);
        expect(await readSafetensors(path)).toEqual(params);
      }),
      { seed: 1, numRuns: 30 },
    );
  });

  it("writes the bytes that Python's safetensors writes", async () => {
    const original = `${goldenFolder("qwen25vl/tied")}/model.safetensors`;
    await writeSafetensors(path, await readSafetensors(original));
    expect(Buffer.compare(await readFile(path), await readFile(original))).toBe(0);
  });

  it("rounds to bfloat16 to nearest, ties to even, and keeps int32", async () => {
    // bfloat16 has 8 significant bits: at 1 its steps are 2⁻⁷.
    const step = 2 ** -7;
    const values = [1 + 0.4 * step, 1 + 0.6 * step, 1 + 0.5 * step, 1 + 1.5 * step, -3, Number.NaN];
    const params = { a: ndarray(values, [6]), n: ndarray([7], [1], "int32") };
    await writeSafetensors(path, params, { dtype: "BF16" });
    const read = await readSafetensors(path);
    expect(Array.from(read["a"]?.data ?? [])).toEqual([1, 1 + step, 1, 1 + 2 * step, -3, Number.NaN]);
    expect(read["n"]).toEqual(params.n);
  });

  it("keeps metadata", async () => {
    await writeSafetensors(path, {}, { metadata: { step: "7" } });
    expect(await readSafetensorsMetadata(path)).toEqual({ format: "pt", step: "7" });
  });

  it("says what to do when the folder is missing", async () => {
    const missing = join(folder, "no such folder", "x.safetensors");
    await expect(writeSafetensors(missing, {})).rejects.toThrow(
      /cannot write x\.safetensors: ENOENT.*create the folder/,
    );
  });

  it("leaves the old file untouched when a new one cannot be begun", async () => {
    await writeSafetensors(path, { a: ndarray([1], [1]) });
    await mkdir(`${path}.partial`);
    await expect(writeSafetensors(path, { a: ndarray([2], [1]) })).rejects.toThrow(CheckpointError);
    expect((await readSafetensors(path))["a"]?.data[0]).toBe(1);
  });

  it("leaves no partial file when the last step fails", async () => {
    await mkdir(join(path, "occupied"), { recursive: true });
    await expect(writeSafetensors(path, { a: ndarray([2], [1]) })).rejects.toThrow(CheckpointError);
    expect(await readdir(folder)).toEqual(["x.safetensors"]);
  });
});
