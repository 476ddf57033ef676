import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { eager } from "../../src/compile/eager.js";
import { vjp } from "../../src/compile/grad.js";
import { type JitOptions, jit } from "../../src/compile/jit.js";
import { dequantize, matMulQuantized, type QuantizedMatrix } from "../../src/compile/quantized.js";
import { toBfloat, toHalf } from "../../src/core/halves.js";
import { type ExternalArray, type NarrowArray, ndarray } from "../../src/core/ndarray.js";
import { Rng } from "../../src/core/rng.js";
import { type Tensor, tf } from "../../src/core/tf.js";
import { largestGap } from "./compare.js";

const runtime = { threads: 1 };
const folder = mkdtempSync(join(tmpdir(), "leaves-"));
afterAll(() => rmSync(folder, { recursive: true }));

const bitsOf = (values: readonly number[]) => new Uint32Array(Float32Array.from(values).buffer);
const bfloat = (values: readonly number[], shape: readonly number[]): NarrowArray => ({
  dtype: "bfloat16",
  shape,
  data: toBfloat(bitsOf(values)),
});
const half = (values: readonly number[], shape: readonly number[]): NarrowArray => ({
  dtype: "float16",
  shape,
  data: toHalf(bitsOf(values)),
});
const uint8 = (values: readonly number[], shape: readonly number[]): NarrowArray => ({
  dtype: "uint8",
  shape,
  data: Uint8Array.from(values),
});

/** Writes an array behind `before` bytes of something else, and says where it is. */
function inFile(name: string, { dtype, shape, data }: NarrowArray, before: number): ExternalArray {
  const file = join(folder, name);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, Buffer.concat([Buffer.alloc(before, 7), new Uint8Array(data.buffer)]));
  return { dtype, shape, file, offset: before };
}

describe("arguments of narrow types", () => {
  // 1.5, −2.25 and 3 · 2^20 are exact in bfloat16; 1.5, −2.25 and 1000 in half precision.
  it.each([
    ["bfloat16", bfloat([1.5, -2.25, 3 * 2 ** 20], [3]), [3, -4.5, 6 * 2 ** 20]],
    ["float16", half([1.5, -2.25, 1000], [3]), [3, -4.5, 2000]],
    ["uint8", uint8([0, 7, 255], [3]), [0, 14, 510]],
  ] as const)("are widened inside the graph: %s", async (_, array, doubled) => {
    const f = (x: Tensor) => tf.mul(x, tf.scalar(2, x.dtype as "float32"));
    const result = await jit(f, { name: "double", runtime })(array);
    expect([...result.data]).toEqual(doubled);
    expect(largestGap(result, await eager(f)(array))).toBe(0);
  });

  it("do not share a graph with others of their shape", async () => {
    const f = jit((x: Tensor) => tf.mul(x, 2), { name: "double", runtime });
    expect([...(await f(half([1.5], [1]))).data]).toEqual([3]);
    expect([...(await f(ndarray([4.5], [1]))).data]).toEqual([9]);
    expect([...(await f(bfloat([2.5], [1]))).data]).toEqual([5]);
  });
});

describe("arguments in files", () => {
  const weights = bfloat([1, 2, 3, 4, 5, 6], [2, 3]);
  const x = ndarray([1, 10, 100], [1, 3]);
  const product = (w: Tensor, rows: Tensor) => tf.matMul(rows as tf.Tensor2D, w as tf.Tensor2D, false, true);

  it.each([{}, { folds: true }, { prepacks: true, folds: true }] as const)(
    "are read where they stand: %o",
    async (options: JitOptions["runtime"]) => {
      const f = jit(product, { name: "product", runtime: { ...runtime, ...options } });
      const result = await f(inFile("model.safetensors", weights, 10), x);
      expect([...result.data]).toEqual([321, 654]); // 1·1 + 2·10 + 3·100, 4·1 + 5·10 + 6·100
    },
  );

  it("may be of several files in folders below one another", async () => {
    const scales = inFile("packed/scales.bin", half([0.5, 2], [2]), 6);
    const f = (w: Tensor, s: Tensor, rows: Tensor) => tf.mul(product(w, rows), s);
    const args = [inFile("model.safetensors", weights, 10), scales, x] as const;
    const result = await jit(f, { name: "scaled", runtime })(...args);
    expect([...result.data]).toEqual([160.5, 1308]);
    expect(largestGap(result, await eager(f)(...args))).toBe(0);
  });

  it("have a graph for each place", async () => {
    const f = jit(product, { name: "product", runtime });
    const file = inFile("two.bin", bfloat([1, 1, 1, 2, 2, 2], [2, 3]), 0);
    const first = { ...file, shape: [1, 3] };
    expect([...(await f(first, x)).data]).toEqual([111]);
    expect([...(await f({ ...first, offset: 6 }, x)).data]).toEqual([222]);
  });

  it("are named when they are missing", async () => {
    const f = jit(product, { name: "product", runtime });
    const missing = { ...inFile("gone.bin", weights, 0), file: join(folder, "none", "gone.bin") };
    await expect(f(missing, x)).rejects.toThrow(/^product\(.*gone\.bin/s);
  });
});

describe("quantized matrices", () => {
  const rng = Rng.fromSeed(5);
  const draw = (size: number, f: () => number) => Array.from({ length: size }, f);
  const [N, blocks, block] = [3, 2, 32];

  function matrix(bits: 4 | 8): QuantizedMatrix<NarrowArray | ReturnType<typeof ndarray>> {
    const bytes = (block * bits) / 8;
    const stream = rng.split("packed", bits);
    return {
      packed: uint8(
        draw(N * blocks * bytes, () => stream.integer(0, 256)),
        [N, blocks, bytes],
      ),
      scales: ndarray(
        draw(N * blocks, () => 0.01 + stream.uniform()),
        [N, blocks],
      ),
    };
  }

  it("are W[n, k] = (q[n, k] − 2^(bits−1)) · scale, low nibbles first", async () => {
    const packed = uint8([0x21, 0x80, ...Array(14).fill(0x88)], [1, 1, 16]);
    const scales = ndarray([0.5], [1, 1]);
    const wide = await jit((w: QuantizedMatrix) => dequantize(w, { bits: 4 }), { name: "wide", runtime })({
      packed,
      scales,
    });
    // (1 − 8)/2, (2 − 8)/2, (0 − 8)/2, (8 − 8)/2, 0 …
    expect([...wide.data]).toEqual([-3.5, -3, -4, 0, ...Array(28).fill(0)]);
  });

  it.each([4, 8] as const)("of %d bits are widened as eager mode widens them", async (bits) => {
    const f = (w: QuantizedMatrix) => dequantize(w, { bits });
    expect(
      largestGap(await jit(f, { name: "wide", runtime })(matrix(bits)), await eager(f)(matrix(bits))),
    ).toBeLessThan(1e-6);
  });

  it.each([
    [4, 0, 1e-5],
    [4, 4, 0.02],
    [8, 4, 0.02],
  ] as const)("multiply: %d bits, accuracy level %d", async (bits, accuracyLevel, tolerance) => {
    const f = (x: Tensor, w: QuantizedMatrix) => matMulQuantized(x, w, { bits, accuracyLevel });
    const stream = rng.split("x");
    const x = ndarray(
      draw(2 * blocks * block, () => stream.uniform() - 0.5),
      [2, 1, blocks * block],
    );
    const w = matrix(bits);
    const held = {
      packed: inFile(`packed${bits}`, w.packed as NarrowArray, 0),
      scales: w.scales,
    };
    const found = await jit(f, { name: "product", runtime })(x, held);
    const expected = await eager(f)(x, w);
    expect(found.shape).toEqual([2, 1, N]);
    const largest = Math.max(...expected.data.map(Math.abs));
    found.data.forEach((value, at) => {
      expect(Math.abs(value - (expected.data[at] as number))).toBeLessThan(tolerance * largest);
    });
  });

  it("give x the gradient of the widened product", async () => {
    const bits = 4;
    const grads = vjp((x: Tensor, w: QuantizedMatrix) => matMulQuantized(x, w, { bits, accuracyLevel: 0 }));
    const f = (x: Tensor, dy: Tensor, w: QuantizedMatrix) => grads(x, dy, w).grads;
    const oracle = (_: Tensor, dy: Tensor, w: QuantizedMatrix) =>
      tf.matMul(dy as tf.Tensor2D, dequantize(w, { bits }) as tf.Tensor2D);
    const args = [
      ndarray(
        draw(2 * blocks * block, () => 1),
        [2, blocks * block],
      ),
      ndarray([1, 2, 3, 4, 5, 6], [2, N]),
      matrix(bits),
    ] as const;
    const expected = await eager(oracle)(...args);
    expect(largestGap(await jit(f, { name: "vjp", runtime })(...args), expected)).toBeLessThan(1e-5);
  });

  it("that were computed are refused", async () => {
    const f = jit((w: QuantizedMatrix) => dequantize({ ...w, packed: tf.add(w.packed, 1) }, { bits: 8 }), {
      name: "computed",
      runtime,
    });
    await expect(f(matrix(8))).rejects.toThrow("computed: packed weights that were computed");
  });
});

describe("vjp", () => {
  const f = (args: { x: Tensor; w: Tensor; unused: Tensor }, scale: Tensor) =>
    tf.mul(tf.matMul(args.x as tf.Tensor2D, args.w as tf.Tensor2D), scale);

  it("gives the value and dyᵀ · Jacobian, as a tree like the argument", async () => {
    const args = {
      x: ndarray([1, 2], [1, 2]),
      w: ndarray([3, 4, 5, 6], [2, 2]),
      unused: ndarray([1, 1], [2]),
    };
    const { value, grads } = await jit(vjp(f), { name: "vjp", runtime })(
      args,
      ndarray([1, 10], [1, 2]),
      ndarray([2], []),
    );
    expect([...value.data]).toEqual([26, 32]); // 2 · (1·3 + 2·5), 2 · (1·4 + 2·6)
    expect([...grads.x.data]).toEqual([86, 130]); // 2 · (1·3 + 10·4), 2 · (1·5 + 10·6)
    expect([...grads.w.data]).toEqual([2, 20, 4, 40]); // 2 · xᵀ · dy
    expect([...grads.unused.data]).toEqual([0, 0]);
  });
});
