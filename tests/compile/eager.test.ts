import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { type EagerBackend, listBackends, loadBackend } from "../../src/compile/backends.js";
import { eager } from "../../src/compile/eager.js";
import { CompileError, DataError } from "../../src/core/errors.js";
import { ndarray, scalar } from "../../src/core/ndarray.js";
import { type Tensor, tf } from "../../src/core/tf.js";
import { temporaryFolder } from "../support/fakeModel.js";

let file: string;
beforeAll(async () => {
  file = join(await temporaryFolder(), "numbers");
  // 16 bytes: 1.0 and −2.0 as float32, then the same as halves and as bfloat16.
  const bytes = Buffer.alloc(16);
  bytes.writeFloatLE(1, 0);
  bytes.writeFloatLE(-2, 4);
  for (const [at, half] of [0x3c00, 0xc000, 0x3f80, 0xc000].entries()) bytes.writeUInt16LE(half, 8 + 2 * at);
  await writeFile(file, bytes);
});

describe("eager", () => {
  it.each([
    ["float32", 0, [1, -2]],
    ["float16", 8, [1, -2]],
    ["bfloat16", 12, [1, -2]],
    ["int32", 0, [0x3f800000, 0xc0000000 | 0]],
    ["uint8", 9, [0x3c, 0]],
  ] as const)("reads %s from byte %i of a file", async (dtype, offset, values) => {
    const found = await eager((x: Tensor) => tf.clone(x))({ dtype, shape: [2], file, offset });
    expect(Array.from(found.data)).toEqual(values);
    expect(found.dtype).toBe(dtype === "int32" || dtype === "uint8" ? "int32" : "float32");
  });

  it("does not make up numbers that a file does not have", async () => {
    const beyond = { dtype: "float32", shape: [3], file, offset: 8 } as const;
    const reading = eager((x: Tensor) => x)(beyond);
    await expect(reading).rejects.toThrow(DataError);
    await expect(reading).rejects.toThrow(`${file}: ends after 8 of 12 bytes`);
  });

  it("leaves arguments, backend and memory as they were", async () => {
    const x = ndarray([1, 2], [2]);
    const [backend, tensors] = [tf.getBackend(), tf.memory().numTensors];
    const run = eager((y: Tensor) => ({ twice: [tf.mul(y, 2), tf.cast(tf.greater(y, 1), "bool")] }), {
      backend: "wasm",
    });
    const found = await run(x);
    expect(found).toEqual({ twice: [ndarray([2, 4], [2]), ndarray([0, 1], [2], "int32")] });
    found.twice[0]?.data.fill(9);
    expect(x).toEqual(ndarray([1, 2], [2]));
    expect([tf.getBackend(), tf.memory().numTensors]).toEqual([backend, tensors]);
  });

  it("does so, too, when the function throws", async () => {
    const [backend, tensors] = [tf.getBackend(), tf.memory().numTensors];
    const failing = eager((x: Tensor) => {
      tf.add(x, 1);
      throw new Error("mine");
    });
    await expect(failing(scalar(1))).rejects.toThrow("mine");
    expect([tf.getBackend(), tf.memory().numTensors]).toEqual([backend, tensors]);
  });
});

describe("loadBackend and listBackends", () => {
  it("agree on what is there, and say what to do about what is not", async () => {
    const previous = tf.getBackend();
    for (const { name, isAvailable, note } of listBackends()) {
      const loading = loadBackend(name as EagerBackend);
      if (isAvailable) await loading;
      else {
        expect(note).toContain("`npx sharegrpo install-tensorflow");
        await expect(loading).rejects.toThrow(CompileError);
        await expect(loading).rejects.toThrow(
          /^backend tensorflow: not installed: run `npx sharegrpo install-tensorflow/,
        );
      }
    }
    expect(tf.getBackend()).toBe(previous);
  });
});
