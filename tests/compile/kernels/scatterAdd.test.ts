import { expect, it } from "vitest";
import { jit } from "../../../src/compile/jit.js";
import { ndarray } from "../../../src/core/ndarray.js";
import { type Tensor, tf } from "../../../src/core/tf.js";

// Large enough that ONNX Runtime would use several threads; whole numbers, so that sums are exact in any order.
const [ROWS, COLUMNS, SEGMENTS] = [5000, 64, 3];
const rows = ndarray(
  Float32Array.from({ length: ROWS * COLUMNS }, (_, at) => at % 7),
  [ROWS, COLUMNS],
);
const ids = ndarray(
  Int32Array.from({ length: ROWS }, (_, row) => (row % 5 === 0 ? 1 : 0)),
  [ROWS],
  "int32",
);
const sums = new Float32Array(SEGMENTS * COLUMNS);
rows.data.forEach((value, at) => {
  const to = (ids.data[Math.floor(at / COLUMNS)] as number) * COLUMNS + (at % COLUMNS);
  sums[to] = (sums[to] as number) + value;
});

const functions = {
  unsortedSegmentSum: (x: Tensor, i: Tensor) => tf.unsortedSegmentSum(x, i as tf.Tensor1D, SEGMENTS),
  scatterND: (x: Tensor, i: Tensor) => tf.scatterND(tf.reshape(i, [-1, 1]), x, [SEGMENTS, COLUMNS]),
};

it.each(Object.entries(functions))("%s counts every one of many rows with one index", async (name, f) => {
  const compiled = jit(f, { name });
  for (let repeat = 0; repeat < 5; repeat++) {
    const sum = await compiled(rows, ids);
    expect(sum.data).toEqual(sums);
  }
  await compiled.dispose();
});

it("scatterND by two axes adds at the place that both give", async () => {
  const places = ndarray([0, 2, 1, 0, 0, 2], [3, 2], "int32");
  const compiled = jit((x: Tensor, i: Tensor) => tf.scatterND(i, x, [2, 3, 2]), { name: "scatterND" });
  const sum = await compiled(ndarray([1, 2, 3, 4, 5, 6], [3, 2]), places);
  // row 0 + row 2 at (0, 2), row 1 at (1, 0)
  expect([...sum.data]).toEqual([0, 0, 0, 0, 6, 8, 3, 4, 0, 0, 0, 0]);
  await compiled.dispose();
});
