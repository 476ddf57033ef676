import { setImmediate as turn } from "node:timers/promises";
import v8 from "node:v8";
import vm from "node:vm";
import { describe, expect, it } from "vitest";
import { jit } from "../../src/compile/jit.js";
import { npmBinding } from "../../src/compile/runtime/npmBinding.js";
import { findRuntime } from "../../src/compile/runtime/runtime.js";
import {
  type DeviceArray,
  type DeviceMemory,
  type GraphArray,
  isDeviceArray,
} from "../../src/compile/runtime/session.js";
import { CompileError, ShapeError } from "../../src/core/errors.js";
import { ndarray, scalar, zeros } from "../../src/core/ndarray.js";
import { Rng } from "../../src/core/rng.js";
import { type Tensor, tf } from "../../src/core/tf.js";

v8.setFlagsFromString("--expose-gc");
const collect = vm.runInNewContext("gc") as () => void;
const runtime = { threads: 1 };
const { runtime: capi } = await findRuntime("c");
const memory = (await capi.memory("cpu")) as DeviceMemory;
const C = { runtime: { binding: "c", threads: 1 } } as const;

describe.each([
  ["the host's memory", npmBinding],
  ["the runtime's own memory", capi],
])("a device array in %s", (_, { place }) => {
  it("is a copy of the host's numbers and gives copies back", async () => {
    const host = ndarray([1, 2, 3], [3]);
    const array = await place(host, "cpu");
    host.data[0] = 9;
    const read = await array.read();
    expect(read).toEqual(ndarray([1, 2, 3], [3]));
    read.data[0] = 9;
    expect([...(await array.read()).data]).toEqual([1, 2, 3]);
  });

  it("takes new numbers of its own shape and dtype only", async () => {
    const array = await place(ndarray([1, 2], [2]), "cpu");
    await array.write(ndarray([5, 6], [2]));
    expect([...(await array.read()).data]).toEqual([5, 6]);
    await expect(array.write(ndarray([5], [1]))).rejects.toThrow(ShapeError);
    await expect(array.write(ndarray([5, 6], [2], "int32"))).rejects.toThrow(
      "device array: write: expected float32[2], got int32[2]",
    );
  });

  it("is an argument like any other, and changes in place where it is donated", async () => {
    const f = jit((state: { a: Tensor }, x: Tensor) => [{ a: tf.add(state.a, x) }, tf.sum(x)] as const, {
      name: "add",
      donate: { 0: 0 },
      runtime,
    });
    const a = await place(ndarray([1, 2], [2]), "cpu");
    const [, total] = await f({ a }, ndarray([10, 20], [2]));
    await f({ a }, ndarray([1, 1], [2]));
    expect([...(await a.read()).data]).toEqual([12, 23]);
    expect(total.data[0]).toBe(30);
  });

  it("is refused once it is disposed of", async () => {
    const f = jit((x: Tensor) => tf.exp(x), { name: "exp", runtime });
    const array = await place(scalar(0), "cpu");
    array.dispose();
    await expect(f(array)).rejects.toThrow(CompileError);
    await expect(f(array)).rejects.toThrow("exp(float32[]): device array: used after it was disposed of");
    await expect(array.read()).rejects.toThrow("disposed");
  });
});

const SHAPES = [[3], [1000, 2], [0, 4], []];

/** Arrays of zeros that lie apart, or in one piece. */
const STATES: Readonly<Record<string, () => Promise<DeviceArray[]>>> = {
  apart: () => Promise.all(SHAPES.map((shape) => capi.place(zeros(shape), "cpu"))),
  "in a block": async () =>
    Object.values(
      memory.block(Object.fromEntries(SHAPES.map((shape) => [`of ${shape}`, zeros(shape)]))).arrays,
    ),
};

/** State and what is added to it. The first reads the state after it has been written, were it written in place. */
const SUMS: Readonly<Record<string, (x: Tensor, y: Tensor) => readonly Tensor[]>> = {
  "in other memory": (x, y) => [tf.add(tf.add(x, y), tf.sub(x, x)), tf.sum(x)],
  "in place": (x, y) => [tf.add(x, y), tf.sum(y)],
};

/** Compiled functions on arrays of the runtime's own, run at once, refused, disposed of and collected in between. */
async function storm(seed: number, next: (x: Tensor, y: Tensor) => readonly Tensor[], states: DeviceArray[]) {
  const rng = Rng.fromSeed(seed).split("resident");
  const options = { name: "storm", donate: { 0: 0 }, ...C } as const;
  const [f, g] = [jit(next, options), jit(next, options)];
  const expected = states.map(() => 0);
  const calls: Promise<unknown>[] = [];
  for (let at = 0; at < 150; at++) {
    const which = rng.integer(0, states.length);
    const state = states[which] as DeviceArray;
    const y = zeros(state.shape);
    y.data.fill(at % 7);
    const dice = rng.uniform();
    if (dice < 0.1) calls.push(expect(f(state, zeros([7, 7, 7]))).rejects.toThrow());
    else if (dice < 0.2) {
      const doomed = await capi.place(y, "cpu");
      const run = g(doomed, y);
      if (dice < 0.15) doomed.dispose();
      calls.push(
        run.then(
          () => undefined,
          (error: unknown) => expect(String(error)).toContain("disposed of"),
        ),
      );
    } else {
      expected[which] = (expected[which] as number) + (at % 7);
      calls.push((which % 2 ? f : g)(state, y));
    }
    if (dice > 0.9) calls.push(state.read());
    if (at % 15 === 0) {
      collect();
      await turn();
    }
  }
  await Promise.all(calls);
  for (const [at, state] of states.entries()) {
    const { data } = await state.read();
    expect(data.every((value) => value === expected[at])).toBe(true);
    state.dispose();
    state.dispose();
    await expect(state.read()).rejects.toThrow("disposed of");
  }
  await Promise.all([f.dispose(), g.dispose()]);
}

describe("arrays of the runtime's own memory under pressure", () => {
  const kinds = Object.keys(STATES).flatMap((where) => Object.keys(SUMS).map((how) => [where, how] as const));
  it.each(kinds)("are right, or refused in words: %s, filled %s", async (where, how) => {
    for (const seed of [1, 2]) {
      await storm(seed, SUMS[how] as (typeof SUMS)[string], (await STATES[where]?.()) ?? []);
    }
  });

  it("stay as they were when a run that was to change them fails", async () => {
    const x = await capi.place(ndarray([1, 2], [2]), "cpu");
    const at = (index: number) => ndarray([index], [1], "int32");
    const f = jit((state: Tensor, i: Tensor) => [tf.add(state, tf.gather(state, i))] as const, {
      name: "gather",
      donate: { 0: 0 },
      ...C,
    });
    await expect(f(x, at(1 << 20))).rejects.toThrow();
    expect([...(await x.read()).data]).toEqual([1, 2]);
    await f(x, at(1));
    expect([...(await x.read()).data]).toEqual([3, 4]);
  });
});

describe("a block of memory", () => {
  const kinds = { a: zeros([3]), b: zeros([2, 2], "int32"), none: zeros([0]), c: zeros([]) };

  it("holds arrays of zeros, each at a multiple of 256 bytes", async () => {
    const block = memory.block(kinds);
    expect(block.parts.map(({ name, start }) => [name, start])).toEqual([
      ["a", 0],
      ["b", 256],
      ["none", 512],
      ["c", 512],
    ]);
    expect(block.bytes).toBe(768);
    for (const [name, array] of Object.entries(block.arrays))
      expect(await array.read()).toEqual(kinds[name as "a"]);
  });

  it("takes and gives parts by name, all of another block, and zeros", async () => {
    const [block, other] = [memory.block(kinds), memory.block(kinds)];
    block.write({ a: ndarray([1, 2, 3], [3]), d: zeros([9]) });
    other.copyFrom(block);
    block.clear();
    const [a, b] = [zeros([3]), zeros([3])];
    other.readInto({ a });
    block.readInto({ a: b });
    expect([a.data, b.data]).toEqual([Float32Array.of(1, 2, 3), new Float32Array(3)]);
    expect(() => block.write({ a: zeros([4]) })).toThrow("block: a: expected float32[3], got float32[4]");
  });

  it("keeps its place where a run fills a part in other memory", async () => {
    const block = memory.block(kinds);
    block.write({ a: ndarray([1, 2, 3], [3]) });
    const turned = jit((x: Tensor) => [tf.reverse(x)] as const, { name: "turn", donate: { 0: 0 }, ...C });
    await turned(block.arrays["a"] as DeviceArray);
    const a = zeros([3]);
    block.readInto({ a });
    expect([...a.data]).toEqual([3, 2, 1]);
    expect([...new Float32Array(memory.view?.(block.address(), 3) ?? [])]).toEqual([3, 2, 1]);
  });

  it("is freed with its arrays", async () => {
    const block = memory.block(kinds);
    block.dispose();
    block.dispose();
    expect(() => block.address()).toThrow("block of 768 B: used after it was disposed of");
    await expect((block.arrays["a"] as DeviceArray).read()).rejects.toThrow("disposed of");
  });

  it("is gone with the last of its arrays", () => {
    const block = memory.block(kinds);
    const arrays = Object.values(block.arrays);
    for (const array of arrays.slice(1)) array.dispose();
    expect(block.address()).toBeGreaterThan(0n);
    arrays[0]?.dispose();
    expect(() => block.address()).toThrow("disposed of");
  });

  it("is refused where there is no room, with what was wanted", () => {
    const huge = { dtype: "float32", shape: [1e6, 1e6, 250] } as const;
    expect(() => memory.block({ huge })).toThrow(CompileError);
    expect(() => memory.block({ huge })).toThrow("cpu: no room for arrays of 1000 TB: ONNX Runtime:");
  });
});

describe("results that stay where the graph runs", () => {
  it("are device arrays in memory of the runtime's own, and host arrays elsewhere", async () => {
    const parts = (x: Tensor) => [tf.mul(x, 2), tf.sum(x)];
    const expected = [ndarray([2, 4], [2]), scalar(3)];
    const options = { name: "parts", keeps: true, ...C };
    const kept = jit(parts, { ...options, runtime: { ...C.runtime, keepsArrays: true } });
    const x = ndarray([1, 2], [2]);
    const found: GraphArray[] = await kept(x);
    const arrays = found.filter(isDeviceArray);
    expect(await Promise.all(arrays.map((array) => array.read()))).toEqual(expected);
    expect(await jit(parts, options)(x)).toEqual(expected);
  });

  it("are rounded to bfloat16 where that is asked for, but for vectors, and read as they are", async () => {
    const kept = { ...C.runtime, keepsArrays: true };
    const f = jit((x: Tensor) => [x, tf.sum(x, 0)], { name: "narrow", keeps: "bfloat16", runtime: kept });
    const found: GraphArray[] = await f(ndarray([1 + 2 ** -9, 3, -0.1, 0], [2, 2]));
    const [matrix, vector] = found as [DeviceArray, DeviceArray];
    expect([matrix.dtype, vector.dtype]).toEqual(["bfloat16", "float32"]);
    expect([...(await matrix.read()).data]).toEqual([0x3f80, 0x4040, 0xbdcd, 0]);
    const twice = jit((x: Tensor) => tf.mul(x, 2), { name: "twice", runtime: kept });
    expect((await twice(matrix)).data).toEqual(Float32Array.of(2, 6, -0.2001953125, 0));
  });
});
