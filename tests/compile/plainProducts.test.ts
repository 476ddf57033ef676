import { describe, expect, it } from "vitest";
import { findRuntime } from "../../src/compile/runtime/runtime.js";
import { trace } from "../../src/compile/trace.js";
import { type NdArray, ndarray } from "../../src/core/ndarray.js";
import { tf } from "../../src/core/tf.js";

const { runtime } = await findRuntime();
const numbers = (shape: number[]) => {
  const size = shape.reduce((product, side) => product * side, 1);
  return ndarray(
    Array.from({ length: size }, (_, at) => Math.sin(at)),
    shape,
  );
};

describe("products for devices without FusedMatMul", () => {
  it.each([
    [false, true],
    [true, false],
    [true, true],
  ])(
    "are of ONNX's own operators and compute the same: transposed %s, %s",
    async (transposeA, transposeB) => {
      const x = numbers(transposeA ? [2, 4, 3] : [2, 3, 4]);
      const y = numbers(transposeB ? [2, 5, 4] : [2, 4, 5]);
      const product = (args: unknown) => {
        const [a, b] = args as [tf.Tensor3D, tf.Tensor3D];
        return tf.matMul(a, b, transposeA, transposeB);
      };
      const found = await Promise.all(
        [false, true].map(async (isPlain) => {
          const graph = trace(product, "product", { structure: [0, 1], leaves: [x, y] }, { isPlain });
          const session = await runtime.createSession(graph, { threads: 1 });
          const [result] = await session.run([x, y]);
          await session.release();
          return { result: result as NdArray, isFused: Buffer.from(graph.bytes).includes("FusedMatMul") };
        }),
      );
      expect(found.map(({ isFused }) => isFused)).toEqual([true, false]);
      const [fused, plain] = found.map(({ result }) => result.data) as [Float32Array, Float32Array];
      expect(plain).toHaveLength(2 * 3 * 5);
      plain.forEach((value, at) => {
        expect(value).toBeCloseTo(fused[at] as number, 5);
      });
    },
  );
});
