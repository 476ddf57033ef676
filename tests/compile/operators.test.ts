import { describe, expect, it } from "vitest";
import { eager } from "../../src/compile/eager.js";
import { silu, turnHalves } from "../../src/compile/operators.js";
import { findRuntime } from "../../src/compile/runtime/runtime.js";
import { trace } from "../../src/compile/trace.js";
import { flatten } from "../../src/compile/tree.js";
import { type NdArray, ndarray } from "../../src/core/ndarray.js";
import type { Tensor } from "../../src/core/tf.js";
import { largestGap } from "./compare.js";

const { runtime } = await findRuntime();
const wave = (shape: number[], from: number) => {
  const size = shape.reduce((product, side) => product * side, 1);
  return ndarray(
    Array.from({ length: size }, (_, at) => 3 * Math.sin(from + at)),
    shape,
  );
};

/** Results of a function traced for a runtime with more operators than ONNX's own, traced for one without, and eagerly. */
async function threeWays(f: (...args: Tensor[]) => Tensor, args: readonly NdArray[]) {
  const compiled = [false, true].map(async (isPlain) => {
    const graph = trace((given) => f(...(given as Tensor[])), "f", flatten(args), { isPlain });
    const session = await runtime.createSession(graph, { threads: 1 });
    const [result] = await session.run(args);
    await session.release();
    return { result: result as NdArray, text: Buffer.from(graph.bytes).toString("latin1") };
  });
  const [fused, plain] = (await Promise.all(compiled)) as [Awaited<(typeof compiled)[0]>, never];
  return { fused, plain: plain as typeof fused, expected: await eager(f, { backend: "cpu" })(...args) };
}

describe("turnHalves", () => {
  it("turns pairs of halves by their angle", async () => {
    // One head of four: (1, 3) by (cos, sin) = (0, 1), (2, 4) by (1, 0).
    const x = ndarray([1, 2, 3, 4], [1, 1, 4]);
    const [cos, sin] = [ndarray([0, 1], [1, 2]), ndarray([1, 0], [1, 2])];
    const turned = eager((y: Tensor, c: Tensor, s: Tensor) => turnHalves(y, { cos: c, sin: s }), {
      backend: "cpu",
    });
    expect([...(await turned(x, cos, sin)).data]).toEqual([-3, 2, 1, 4]);
  });

  it.each([
    [5, 3, 8],
    [1, 2, 4],
    [2, 1, 32],
  ])(
    "is one operator where there is one, and the same elsewhere: %d tokens, %d heads of %d",
    async (T, H, D) => {
      const args = [wave([T, H, D], 1), wave([T, D / 2], 2), wave([T, D / 2], 3)];
      const { fused, plain, expected } = await threeWays(
        (x, cos, sin) => turnHalves(x as Tensor, { cos: cos as Tensor, sin: sin as Tensor }),
        args,
      );
      expect([fused, plain].map(({ text }) => text.includes("RotaryEmbedding"))).toEqual([true, false]);
      expect(largestGap(fused.result, expected)).toBeLessThan(1e-6);
      expect(largestGap(plain.result, expected)).toBeLessThan(1e-6);
    },
  );

  it("names the side of a table that does not fit", () => {
    const turned = () =>
      trace(
        (given) => {
          const [x, cos, sin] = given as [Tensor, Tensor, Tensor];
          return turnHalves(x, { cos, sin });
        },
        "turned",
        flatten([wave([2, 1, 8], 0), wave([2, 8], 0), wave([2, 4], 0)]),
      );
    expect(turned).toThrow(/turnHalves: cos: expected \[T, C\] with T=2, C=4, got \[2, 8\]/);
  });
});

describe("silu", () => {
  it("is one operator where there is one, and the same elsewhere, far from 0 too", async () => {
    const x = ndarray([0, 1, -1, 30, -30, 88, -88, 200, -200], [9]);
    const { fused, plain, expected } = await threeWays((given) => silu(given as Tensor), [x]);
    expect([fused, plain].map(({ text }) => text.includes("QuickGelu"))).toEqual([true, false]);
    expect(largestGap(fused.result, expected)).toBeLessThan(1e-6);
    expect(largestGap(plain.result, expected)).toBeLessThan(1e-6);
    expect(expected.data[1]).toBeCloseTo(1 / (1 + Math.exp(-1)), 6);
  });
});
