import { describe, expect, it } from "vitest";
import { eager } from "../../src/compile/eager.js";
import { type HostArgs, jit } from "../../src/compile/jit.js";
import { dequantize, matMulQuantized, type QuantizedMatrix } from "../../src/compile/quantized.js";
import { CompileError, ShapeError } from "../../src/core/errors.js";
import { ndarray } from "../../src/core/ndarray.js";
import { type Tensor, tf } from "../../src/core/tf.js";
import { largestGap } from "./compare.js";

const bytes = (shape: readonly number[], values: ArrayLike<number>) =>
  ({ dtype: "uint8", shape, data: Uint8Array.from(values) }) as const;

/** A matrix `[N, blocks·block]` of these widths: bytes that run through all values, scales of both signs. */
function matrix(bits: 4 | 8, N: number, blocks: number, block: number) {
  const width = (block * bits) / 8;
  const packed = bytes(
    [N, blocks, width],
    Array.from({ length: N * blocks * width }, (_, at) => (at * 89 + 7) % 256),
  );
  const scales = ndarray(
    Array.from({ length: N * blocks }, (_, at) => (at % 2 === 0 ? 1 : -1) * (0.25 + at / 16)),
    [N, blocks],
  );
  return { packed, scales };
}

/** W[n, k] = (q[n, k] − 2^(bits−1)) · scale[n, k/block], number by number. */
function widened({ packed, scales }: ReturnType<typeof matrix>, bits: 4 | 8): number[][] {
  const [N, blocks, width] = packed.shape as [number, number, number];
  const block = (width * 8) / bits;
  return Array.from({ length: N }, (_, n) =>
    Array.from({ length: blocks * block }, (_, k) => {
      const number = n * blocks * block + k;
      const byte = packed.data[bits === 8 ? number : number >> 1] as number;
      const q = bits === 8 ? byte : number % 2 === 0 ? byte & 15 : byte >> 4;
      return (q - 2 ** (bits - 1)) * (scales.data[n * blocks + Math.floor(k / block)] as number);
    }),
  );
}

type Weights = QuantizedMatrix;

/** What a function gives compiled, and eagerly. */
async function both<Args extends readonly unknown[], Out>(
  f: (...args: Args) => Out,
  ...args: HostArgs<Args>
) {
  const compiled = jit(f, { name: "quantized", runtime: { threads: 1 } });
  const results = [await compiled(...args), await eager(f)(...args)] as const;
  await compiled.dispose();
  return results;
}

const WIDTHS = [
  [8, 3, 2, 16],
  [8, 1, 1, 32],
  [4, 3, 2, 16],
  [4, 2, 1, 32],
  [4, 1, 3, 16],
] as const;

describe.each(WIDTHS)("%i bits, %i rows, %i blocks of %i", (bits, N, blocks, block) => {
  const weights = matrix(bits, N, blocks, block);
  const K = blocks * block;
  const W = widened(weights, bits);

  it("are widened to the numbers they stand for, compiled and eagerly, exactly", async () => {
    const expected = ndarray(W.flat(), [N, K]);
    for (const found of await both((w: Weights) => dequantize(w, { bits }), weights)) {
      expect(largestGap(found, expected)).toBe(0);
    }
  });

  it("multiply as the widened matrix does, for rows in any number of axes", async () => {
    for (const shape of [[K], [1, K], [5, K], [2, 3, K]]) {
      const size = shape.reduce((x, y) => x * y, 1);
      const x = ndarray(
        Array.from({ length: size }, (_, at) => ((at * 7) % 13) - 6),
        shape,
      );
      const rows = Array.from({ length: size / K }, (_, row) => x.data.subarray(row * K, (row + 1) * K));
      const expected = ndarray(
        rows.flatMap((row) => W.map((w) => w.reduce((sum, value, k) => sum + value * (row[k] as number), 0))),
        [...shape.slice(0, -1), N],
      );
      const f = (y: Tensor, w: Weights) => matMulQuantized(y, w, { bits, accuracyLevel: 0 });
      for (const found of await both(f, x, weights)) {
        expect(largestGap(found, expected)).toBeLessThan(1e-5);
      }
    }
  });

  it("have the gradient of that product by x", async () => {
    const x = ndarray(
      Array.from({ length: 2 * K }, (_, at) => Math.sin(at)),
      [2, K],
    );
    const slope = (y: Tensor, w: Weights) => {
      const loss = (z: Tensor) =>
        tf.sum(tf.mul(matMulQuantized(z, w, { bits }), tf.range(1, N + 1))) as tf.Scalar;
      return tf.grad(loss)(y);
    };
    // d/dx[m, k] Σ y[m, n]·(n + 1) = Σ W[n, k]·(n + 1)
    const row = Array.from({ length: K }, (_, k) =>
      W.reduce((sum, w, n) => sum + (w[k] as number) * (n + 1), 0),
    );
    const expected = ndarray([...row, ...row], [2, K]);
    for (const found of await both(slope, x, weights)) {
      expect(largestGap(found, expected)).toBeLessThan(1e-5);
    }
  });
});

describe("with 8 bits on both sides", () => {
  it("a product is within the rounding of x: half of a 127th of each block's largest number", async () => {
    const weights = matrix(8, 4, 2, 16);
    const x = ndarray(
      Array.from({ length: 3 * 32 }, (_, at) => Math.cos(3 * at)),
      [3, 32],
    );
    const f = (y: Tensor, w: Weights) => [
      matMulQuantized(y, w, { bits: 8 }),
      matMulQuantized(y, w, { bits: 8, accuracyLevel: 0 }),
    ];
    const [[quick, exact]] = await both(f, x, weights);
    if (!quick || !exact) throw new Error("no products");
    const W = widened(weights, 8);
    for (const [at, value] of quick.data.entries()) {
      const bound = (W[at % 4] as number[]).reduce((sum, w) => sum + Math.abs(w), 0) / 254;
      expect(Math.abs(value - (exact.data[at] as number))).toBeLessThan(bound);
    }
  });
});

describe("dequantize refuses", () => {
  const { packed, scales } = matrix(8, 3, 2, 16);
  it.each([
    [
      "scales of another number of blocks",
      packed,
      ndarray(Array(3).fill(1), [3, 1]),
      /scales: expected \[N, B\]/,
    ],
    [
      "packed rows without blocks",
      bytes([3, 32], new Uint8Array(96)),
      scales,
      /packed: expected \[N, B, Y\]/,
    ],
  ])("%s", async (_, wrong, given, message) => {
    const run = eager((w: Weights) => dequantize(w, { bits: 8 }));
    await expect(run({ packed: wrong, scales: given })).rejects.toThrow(ShapeError);
    await expect(run({ packed: wrong, scales: given })).rejects.toThrow(message);
  });

  it("numbers that were computed inside a compiled function", async () => {
    const f = (p: Tensor, s: Tensor) => dequantize({ packed: tf.add(p, p), scales: s }, { bits: 8 });
    const run = jit(f, { name: "computed" });
    const argument = ndarray(Array(96).fill(1), [3, 2, 16], "int32");
    await expect(run(argument, scales)).rejects.toThrow(CompileError);
    await expect(run(argument, scales)).rejects.toThrow(
      /packed weights that were computed .*: pass them as uint8/,
    );
    await run.dispose();
  });
});
