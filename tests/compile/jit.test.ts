import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { eager } from "../../src/compile/eager.js";
import { exportOnnx } from "../../src/compile/exportOnnx.js";
import { type Compiled, jit } from "../../src/compile/jit.js";
import { silu } from "../../src/compile/operators.js";
import { CompileError } from "../../src/core/errors.js";
import { type NdArray, ndarray, scalar } from "../../src/core/ndarray.js";
import { type Tensor, tf } from "../../src/core/tf.js";

const runtime = { threads: 1 };
const vector = (...values: number[]) => ndarray(values, [values.length]);

/** The message of the error that a call rejects with. */
async function failure(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CompileError);
  return (error as CompileError).message;
}

describe("jit", () => {
  it("computes with trees of arrays and gives the tree the function returns", async () => {
    const f = jit(
      (a: { x: Tensor; rest: readonly Tensor[] }, y: Tensor) => ({
        sum: tf.add(a.x, y),
        parts: [tf.neg(y), { isBig: tf.greater(a.rest[0] as Tensor, y) }] as const,
      }),
      { name: "tree", runtime },
    );
    const result = await f({ x: vector(1, 2), rest: [vector(5, 6)] }, vector(10, 20));
    expect([...result.sum.data]).toEqual([11, 22]);
    expect([...result.parts[0].data]).toEqual([-10, -20]);
    expect(result.parts[1].isBig).toEqual({ dtype: "int32", shape: [2], data: Int32Array.of(0, 0) });
  });

  it("traces once for each shape, dtype and structure, and not for other numbers", async () => {
    let traces = 0;
    const f = jit(
      (x: Tensor | { y: Tensor }) => {
        traces++;
        return tf.add(x instanceof tf.Tensor ? x : x.y, 1);
      },
      { name: "counted", runtime },
    ) as Compiled<[Tensor], Tensor> & Compiled<[{ y: Tensor }], Tensor>;
    await f(vector(1, 2));
    expect([...(await f(vector(3, 4))).data]).toEqual([4, 5]);
    expect(traces).toBe(1);
    await f(vector(1, 2, 3));
    await f(ndarray([1, 2], [2], "int32"));
    await f({ y: vector(1, 2) });
    expect(traces).toBe(4);
    await f.dispose();
    await f(vector(1, 2));
    expect(traces).toBe(5);
  });

  it("runs calls made at once in order", async () => {
    const f = jit((x: Tensor) => tf.mul(x, 2), { name: "double", runtime });
    const results = await Promise.all([1, 2, 3].map((value) => f(vector(value))));
    expect(results.map(({ data }) => data[0])).toEqual([2, 4, 6]);
  });

  it("returns inputs, constants and one tensor twice as arrays of their own", async () => {
    const f = jit(
      (x: Tensor) => {
        const y = tf.exp(x);
        return { x, again: x, zeros: tf.zeros([100]), y, same: y, unused: tf.scalar(7) };
      },
      { name: "aliases", runtime },
    );
    const input = vector(0, 1);
    const { x, again, zeros, y, same, unused } = await f(input);
    expect([...x.data, ...again.data]).toEqual([0, 1, 0, 1]);
    expect([...same.data]).toEqual([...y.data]);
    expect(zeros.data).toEqual(new Float32Array(100));
    expect(unused.data[0]).toBe(7);
    expect(new Set([input, x, again, zeros, y, same].map(({ data }) => data.buffer)).size).toBe(6);
  });

  it("takes arguments that the function does not use, and empty ones", async () => {
    const f = jit((x: Tensor, _unused: Tensor) => tf.sum(x), { name: "unused", runtime });
    expect((await f(ndarray([], [0, 3]), vector(1))).data[0]).toBe(0);
  });
});

describe("donation", () => {
  const add = (state: { a: Tensor; b: Tensor }, x: Tensor) =>
    [{ b: tf.add(state.b, tf.sum(x)), a: tf.add(state.a, x) }, tf.sum(x)] as const;

  it("updates the argument in place, leaf by leaf of the same name", async () => {
    const f = jit(add, { name: "add", donate: { 0: 0 }, runtime });
    const state = { a: vector(1, 2), b: scalar(100) };
    const [first, total] = await f(state, vector(10, 20));
    expect(first.a).toBe(state.a);
    expect([...state.a.data, ...state.b.data, ...total.data]).toEqual([11, 22, 130, 30]);
    await f(state, vector(1, 1));
    expect([...state.a.data, ...state.b.data]).toEqual([12, 23, 132]);
  });

  it("leaves the argument as it was when the run fails", async () => {
    const f = jit((x: Tensor, at: Tensor) => [tf.gather(x, at)] as const, {
      name: "gather",
      donate: { 0: 0 },
      runtime,
    });
    const x = vector(1, 2);
    const message = await failure(f(x, ndarray([0, 9], [2], "int32")));
    expect(message).toMatch(/^gather\(float32\[2\], int32\[2\]\): .*indices/s);
    expect([...x.data]).toEqual([1, 2]);
  });

  it("refuses trees that do not match", async () => {
    const f = jit((x: { a: Tensor }, y: Tensor) => [{ b: tf.add(x.a, y) }] as const, {
      name: "other",
      donate: { 0: 0 },
      runtime,
    });
    expect(await failure(f({ a: vector(1) }, vector(2)))).toMatch(/other: donate 0 ← 0: expected trees/);
    const grows = jit((x: Tensor, y: Tensor) => [tf.add(x, y)] as const, { name: "grows", donate: { 0: 0 } });
    expect(await failure(grows(scalar(1), vector(2, 3)))).toBe(
      "grows: donate 0 ← 0: expected float32[] as the argument has it, got float32[2]",
    );
  });
});

describe("errors while compiling", () => {
  const here = /jit\.test\.ts:\d+/;

  it("name the kernel that has no mapping, its shapes and the call site", async () => {
    const f = jit((x: Tensor) => tf.conv2d(x as tf.Tensor4D, tf.ones([2, 2, 1, 1]), 1, "same"), {
      name: "conv",
    });
    const message = await failure(f(ndarray([1, 2, 3, 4], [1, 2, 2, 1])));
    expect(message).toMatch(/^conv: no ONNX mapping for the TensorFlow.js kernel Conv2D .*\[1,2,2,1\]/);
    expect(message).toMatch(here);
  });

  it.each([
    ["dataSync", (x: Tensor) => tf.mul(x, x.dataSync()[0] as number)],
    [
      "data",
      (x: Tensor) => {
        void x.data();
        return x;
      },
    ],
    ["arraySync", (x: Tensor) => tf.tensor(x.arraySync())],
  ])("name a read of values and the call site: %s", async (_, fn) => {
    const message = await failure(jit(fn, { name: "reads" })(vector(1, 2)));
    expect(message).toMatch(/^reads: a value was read while compiling/);
    expect(message).toMatch(here);
  });

  it("name a tensor made outside", async () => {
    const outside = tf.tensor1d([1, 2]);
    const message = await failure(jit((x: Tensor) => tf.add(x, outside), { name: "closure" })(vector(1, 2)));
    expect(message).toMatch(/^closure: a tensor made outside .*pass it as an argument/);
    outside.dispose();
  });

  it("name an async function", async () => {
    const message = await failure(jit(async (x: Tensor) => tf.exp(x), { name: "later" })(vector(1)));
    expect(message).toMatch(/^later: invalid result: a promise/);
  });

  it("restore the backend and leave no tensors", async () => {
    tf.backend();
    const before = [tf.getBackend(), tf.memory().numTensors];
    const reads = jit((x: Tensor) => tf.add(tf.exp(x), x.dataSync()[0] as number), { name: "reads" });
    await failure(reads(vector(1, 2)));
    await jit((x: Tensor) => tf.exp(tf.add(x, 1)), { name: "works", runtime })(vector(1, 2));
    expect([tf.getBackend(), tf.memory().numTensors]).toEqual(before);
  });
});

describe("eager", () => {
  it.each(["cpu", "wasm"] as const)("computes the same on %s and leaves no tensors", async (backend) => {
    const f = (x: { w: Tensor }, y: Tensor) => [tf.matMul(x.w, y), tf.greater(y, 2)] as const;
    tf.backend();
    const before = [tf.getBackend(), tf.memory().numTensors];
    const [product, isBig] = await eager(f, { backend })(
      { w: ndarray([1, 2, 3, 4], [2, 2]) },
      ndarray([1, 0, 1, 9], [2, 2]),
    );
    expect([...product.data]).toEqual([3, 18, 7, 36]); // 1·1 + 2·1, 2·9, 3·1 + 4·1, 4·9
    expect(isBig).toEqual({ dtype: "int32", shape: [2, 2], data: Int32Array.of(0, 0, 0, 1) });
    expect([tf.getBackend(), tf.memory().numTensors]).toEqual(before);
  });
});

describe("exportOnnx", () => {
  it("writes a model whose inputs and outputs are named by their place", async () => {
    const f = (weights: { w: Tensor; b: Tensor }, x: Tensor) => ({
      y: tf.add(tf.matMul(x, weights.w), weights.b),
    });
    const like = (...shape: number[]): NdArray =>
      ndarray(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);
    const bytes = exportOnnx(f, "affine", [{ w: like(2, 1), b: like(1) }, like(3, 2)]);
    const session = await InferenceSession.create(bytes);
    expect(session.inputNames).toEqual(["in/0/w", "in/0/b", "in/1"]);
    const feeds = {
      "in/0/w": new OrtTensor("float32", [1, 10], [2, 1]),
      "in/0/b": new OrtTensor("float32", [0.5], [1]),
      "in/1": new OrtTensor("float32", [1, 2, 3, 4, 5, 6], [3, 2]),
    };
    const results = await session.run(feeds);
    await session.release();
    expect(results["out/y"]?.data).toEqual(Float32Array.of(21.5, 43.5, 65.5));
  });

  it("writes ONNX's own operators alone, where jit would take ONNX Runtime's", () => {
    const x = ndarray(new Float32Array(24), [2, 3, 4]);
    const f = (a: Tensor) => tf.matMul(silu(a) as tf.Tensor3D, a as tf.Tensor3D, false, true);
    const text = Buffer.from(exportOnnx(f, "gram", [x])).toString("latin1");
    for (const operator of ["FusedMatMul", "QuickGelu"]) expect(text).not.toContain(operator);
    expect(text).toContain("Sigmoid");
  });
});
