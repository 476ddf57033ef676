import { describe, expect, it } from "vitest";
import { eager } from "../../src/compile/eager.js";
import { jit } from "../../src/compile/jit.js";
import { matMulQuantized, type QuantizedMatrix } from "../../src/compile/quantized.js";
import { findRuntime } from "../../src/compile/runtime/runtime.js";
import { type NdArray, ndarray, zeros } from "../../src/core/ndarray.js";
import { Rng } from "../../src/core/rng.js";
import { type Tensor, tf } from "../../src/core/tf.js";
import { rmsNorm, swiglu } from "../../src/model/transformer/layers.js";
import { largestGap } from "./compare.js";

const runtime = { threads: 1 };
const normal = (seed: number, shape: readonly number[]): NdArray => {
  const draws = Rng.fromSeed(seed);
  return ndarray(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => draws.normal()),
    shape,
  );
};

const weights = {
  "norm.weight": normal(1, [8]),
  "mlp.gate_proj.weight": normal(2, [6, 8]),
  "mlp.up_proj.weight": normal(3, [6, 8]),
  "mlp.down_proj.weight": normal(4, [8, 6]),
  "mlp.down_proj.bias": normal(5, [8]),
};
type Pair = { readonly x: Tensor; readonly y: Tensor };
const layer = ({ x, y }: Pair, params: Record<string, Tensor>) => {
  const made = tf.add(x, swiglu(params, "mlp", rmsNorm(params, "norm", tf.mul(x, y), 1e-6)));
  return { made, heads: tf.reshape(made, [-1, 2, 4]), parts: tf.split(made, [3, 5], 1) };
};

describe("jit with free rows", () => {
  it.each(["c", "npm"] as const)("makes one session for any number of rows: %s", async (binding) => {
    const { runtime: made } = await findRuntime(binding);
    let sessions = 0;
    const { createSession } = made;
    made.createSession = (...args: Parameters<typeof createSession>) => {
      sessions++;
      return createSession(...args);
    };
    try {
      const f = jit(layer, { name: "layer", rows: [0], runtime: { ...runtime, binding } });
      for (const rows of [1, 2, 7, 1, 1009]) {
        const given = { x: normal(rows, [rows, 8]), y: normal(rows + 1, [rows, 8]) };
        const [found, expected] = [await f(given, weights), await eager(layer)(given, weights)];
        expect(found.heads.shape).toEqual([rows, 2, 4]);
        expect(largestGap(found.made, expected.made)).toBeLessThan(1e-5);
        expect(largestGap(found.heads, expected.heads)).toBeLessThan(1e-5);
        expect(largestGap(found.parts[1] as NdArray, expected.parts[1] as NdArray)).toBeLessThan(1e-5);
      }
      expect(sessions).toBe(1);
      await f.dispose();
    } finally {
      made.createSession = createSession;
    }
  });

  it("multiplies with packed weights", async () => {
    const matrix = {
      packed: {
        dtype: "uint8",
        shape: [3, 2, 16],
        data: Uint8Array.from({ length: 96 }, (_, at) => (at * 37) % 256),
      },
      scales: normal(9, [3, 2]),
    } as const;
    const product = (x: Tensor, given: QuantizedMatrix) =>
      matMulQuantized(x, given, { bits: 8, accuracyLevel: 0 });
    const f = jit(product, { name: "product", rows: [0], runtime });
    for (const rows of [1, 5]) {
      const x = normal(rows, [rows, 32]);
      expect(largestGap(await f(x, matrix), await eager(product)(x, matrix))).toBeLessThan(1e-2);
    }
  });

  it.each<[string, (x: Tensor) => Tensor, RegExp]>([
    [
      "zeros beside the rows",
      (x) => tf.concat([x, tf.zeros([x.shape[0] as number, 2])], 1),
      /constant of Expand/,
    ],
    ["the last row", (x) => tf.slice(x, [(x.shape[0] as number) - 1, 0], [1, 8]), /constant of Slice/],
    ["their number", (x) => tf.mul(x, x.shape[0] as number), /constant of Mul/],
    ["two more rows", (x) => tf.concat([x, tf.slice(x, 0, 2)], 0), /shape of out: \[1011,8\] of 1009/],
    ["rows turned into columns", (x) => tf.transpose(x), /shape of out: \[8,1009\] of 1009/],
  ])("refuses a function of the number of rows: %s", async (_, f, message) => {
    await expect(jit(f, { name: "f", rows: [0], runtime })(zeros([9, 8]))).rejects.toThrow(message);
  });
});
