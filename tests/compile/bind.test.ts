import { describe, expect, it } from "vitest";
import { jit } from "../../src/compile/jit.js";
import { findRuntime } from "../../src/compile/runtime/runtime.js";
import type { DeviceMemory } from "../../src/compile/runtime/session.js";
import { ndarray } from "../../src/core/ndarray.js";
import { type Tensor, tf } from "../../src/core/tf.js";

const { runtime } = await findRuntime("c");
const memory = (await runtime.memory("cpu")) as DeviceMemory;

const sums = (binding: "c" | "npm") =>
  jit((x: Tensor, y: Tensor) => ({ sum: tf.add(x, y), product: tf.mul(x, y) }), {
    name: "sums",
    runtime: { binding, threads: 1 },
  });

function blockOf() {
  const kind = { dtype: "float32", shape: [2] } as const;
  const block = memory.block({ x: kind, sum: kind, product: kind });
  const { x, sum, product } = block.arrays as Record<"x" | "sum" | "product", (typeof block.arrays)[string]>;
  return { block, x, results: { sum, product } };
}

describe("a call bound to arrays", () => {
  it("reads what they hold at each run, and fills its results", async () => {
    const { block, x, results } = blockOf();
    const run = await sums("c").bind([x, ndarray([10, 20], [2])], results);
    const found: number[][] = [];
    for (const values of [
      [1, 2],
      [3, 4],
    ]) {
      await x.write(ndarray(values, [2]));
      await run.run();
      found.push([...(await results.sum.read()).data, ...(await results.product.read()).data]);
    }
    expect(found).toEqual([
      [11, 22, 10, 40],
      [13, 24, 30, 80],
    ]);
    run.release();
    block.dispose();
  });

  it("keeps the memory of arrays that are disposed of until it is released", async () => {
    const { block, x, results } = blockOf();
    const run = await sums("c").bind([x, ndarray([1, 1], [2])], results);
    block.dispose();
    await run.run();
    run.release();
    await expect(x.read()).rejects.toThrow("disposed of");
  });

  it("is refused with another tree of results, other shapes, and where the runtime cannot bind", async () => {
    const { block, x, results } = blockOf();
    const y = ndarray([1, 2], [2]);
    const { sum, product } = results;
    await expect(sums("c").bind([x, y], { product, sum })).rejects.toThrow(
      "sums(float32[2], float32[2]): results: expected /sum /product, got /product /sum",
    );
    await expect(sums("c").bind([ndarray([1], [1]), ndarray([1], [1])], results)).rejects.toThrow(
      "expected float32[1], got float32[2]",
    );
    await expect(sums("npm").bind([y, y], { sum: y, product: y })).rejects.toThrow("C API");
    block.dispose();
  });

  it("is not replayed but on a card, and says nothing of it elsewhere", async () => {
    const { block, x, results } = blockOf();
    const f = jit((a: Tensor) => ({ sum: tf.add(a, 1), product: tf.mul(a, 2) }), {
      name: "f",
      runtime: { binding: "c", threads: 1, replays: true },
    });
    const run = await f.bind([x], results);
    for (let at = 0; at < 5; at++) await run.run();
    expect([...(await results.sum.read()).data]).toEqual([1, 1]);
    expect(f.notReplayed()).toBeUndefined();
    run.release();
    block.dispose();
  });
});
