import { describe, expect, it } from "vitest";
import { jit } from "../../../src/compile/jit.js";
import { CompileError } from "../../../src/core/errors.js";
import { type NdArray, ndarray } from "../../../src/core/ndarray.js";
import { type Tensor, tf } from "../../../src/core/tf.js";

/** Beyond 2²⁴, where floats lose whole numbers, and up to the ends of the type. */
const INTS = ndarray(
  [0, 1, -1, 2, -3, 7, -8, 46_341, -65_536, 2 ** 31 - 1, -(2 ** 31), 1_000_003],
  [12],
  "int32",
);
const floats = (shape: readonly number[]) =>
  ndarray(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, at) => ((at * 7) % 11) - 5),
    shape,
  );

const truth = (x: Tensor) => tf.greater(x, 0);

/** What a compiled function makes of arrays. */
async function compiled(f: (...x: Tensor[]) => Tensor, ...inputs: NdArray[]): Promise<unknown[]> {
  const run = jit(f, { name: "corner", runtime: { threads: 1 } });
  const { data } = await run(...inputs);
  await run.dispose();
  return Array.from(data);
}

const whole = (...values: number[]) => ndarray(values, [values.length], "int32");

describe("what the cpu backend itself gets wrong, by hand", () => {
  it("matMul broadcasts both sides: every product of a [2, 1, 2, 1] and a [1, 3, 1, 2] of matrices", async () => {
    const [a, b] = [floats([2, 1, 2, 1, 3, 2]), floats([1, 3, 1, 2, 2, 4])];
    const expected: number[] = [];
    for (const index of indices([2, 3, 2, 2, 3, 4])) {
      const [i, j, k, l, m, n] = index as [number, number, number, number, number, number];
      // a[i, 0, k, 0, m, :] · b[0, j, 0, l, :, n]
      const rows = a.data.subarray(((i * 2 + k) * 3 + m) * 2);
      const column = [0, 1].map((row) => b.data[((j * 2 + l) * 2 + row) * 4 + n] as number) as [
        number,
        number,
      ];
      expected.push((rows[0] as number) * column[0] + (rows[1] as number) * column[1]);
    }
    expect(await compiled((x, y) => tf.matMul(x, y), a, b)).toEqual(expected);
    const turned = (x: Tensor, y: Tensor) => tf.matMul(x, tf.transpose(y, [0, 1, 2, 3, 5, 4]), false, true);
    expect(await compiled(turned, a, b)).toEqual(expected);
  });

  it("products of integers keep their low 32 bits, as Math.imul does", async () => {
    const values = Array.from(INTS.data);
    const expected = values.flatMap((x) => values.map((y) => Math.imul(x, y)));
    expect(await compiled((x) => tf.mul(tf.expandDims(x, 1), x), INTS)).toEqual(expected);
  });

  it("any of nothing is false, all of nothing true", async () => {
    const nothing = floats([3, 0]);
    const values = (f: (x: Tensor) => Tensor) => compiled((x) => tf.cast(f(x), "int32"), nothing);
    expect(await values((x) => tf.any(truth(x), 1))).toEqual([0, 0, 0]);
    expect(await values((x) => tf.all(truth(x), 1))).toEqual([1, 1, 1]);
    expect(await values((x) => tf.any(truth(x)))).toEqual([0]);
    expect(await values((x) => tf.all(truth(x)))).toEqual([1]);
  });

  it("einsum without kept letters is the sum of all", async () => {
    // (1 + 3)(1 + 2) + (2 + 4)(3 + 4) = 54
    const m = ndarray([1, 2, 3, 4], [2, 2]);
    expect(await compiled((a, b) => tf.einsum("ij,jk->", a, b), m, m)).toEqual([54]);
    expect(await compiled((a, b) => tf.einsum(" ij , jk -> ki ", a, b), m, m)).toEqual([7, 15, 10, 22]);
  });
});

describe("integer division", () => {
  const pairs = [-7, -1, 0, 1, 7, 2 ** 31 - 1, -(2 ** 31)].flatMap((a) =>
    [-2, -1, 1, 2, 3, -(2 ** 31)].map((b) => [a, b] as const),
  );
  const [a, b] = [0, 1].map((side) => whole(...pairs.map((pair) => pair[side as 0 | 1]))) as [
    NdArray,
    NdArray,
  ];

  it("rounds down, and the rest has the divisor's sign, up to the ends of the type", async () => {
    const quotients = pairs.map(([x, y]) => Math.floor(x / y) + 0);
    // −2³¹ / −1 is 2³¹, which no int32 is: whatever it becomes, the rest is 0.
    const found = await compiled((x, y) => tf.floorDiv(x, y), a, b);
    const inside = (_: unknown, at: number) => quotients[at] !== 2 ** 31;
    expect(found.filter(inside)).toEqual(quotients.filter(inside));
    const rests = pairs.map(([x, y]) => x - y * Math.floor(x / y) + 0);
    expect(await compiled((x, y) => tf.mod(x, y), a, b)).toEqual(rests);
  });

  it("by 0 is 0, as on the cpu backend, and no error", async () => {
    const [x, zero] = [whole(0, 1, -1, 7), whole(0, 0, 0, 0)];
    expect(await compiled((n, d) => tf.mod(n, d), x, zero)).toEqual([0, 0, 0, 0]);
    expect(await compiled((n, d) => tf.floorDiv(n, d), x, zero)).toEqual([0, 0, 0, 0]);
  });
});

describe("what cannot be compiled says so by name", () => {
  const x = floats([2, 2, 3]);
  it.each<[string, (x: Tensor) => Tensor, RegExp]>([
    [
      "gather",
      (y) => tf.gather(y, tf.zeros([2, 1], "int32"), 2, 1),
      /gather: unsupported batchDims that is not/,
    ],
    [
      "fused.matMul",
      (y) => tf.fused.matMul({ a: tf.reshape(y, [4, 3]), b: tf.ones([3, 2]), activation: "elu" }),
      /fused\.matMul: unsupported activation elu/,
    ],
    [
      "MirrorPad",
      (y) =>
        tf.mirrorPad(
          y,
          [
            [0, 0],
            [0, 0],
            [1, 1],
          ],
          "reflect",
        ),
      /MirrorPad \(x \[2,2,3\]\)/,
    ],
  ])("%s", async (_, f, message) => {
    const run = jit(f, { name: "refused" });
    await expect(run(x)).rejects.toThrow(CompileError);
    await expect(run(x)).rejects.toThrow(message);
    await run.dispose();
  });
});

/** All indices of a shape, row-major. */
function indices(shape: readonly [number, number, number, number, number, number]): number[][] {
  return shape.reduce<number[][]>(
    (all, side) => all.flatMap((index) => Array.from({ length: side }, (_, at) => [...index, at])),
    [[]],
  );
}
