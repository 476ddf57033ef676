import { setImmediate as turn } from "node:timers/promises";
import v8 from "node:v8";
import vm from "node:vm";
import { describe, expect, it } from "vitest";
import { jit } from "../../src/compile/jit.js";
import { npmBinding } from "../../src/compile/runtime/npmBinding.js";
import { findRuntime } from "../../src/compile/runtime/runtime.js";
import type { DeviceArray } from "../../src/compile/runtime/session.js";
import { CompileError, ShapeError } from "../../src/core/errors.js";
import { ndarray, scalar, zeros } from "../../src/core/ndarray.js";
import { Rng } from "../../src/core/rng.js";
import { type Tensor, tf } from "../../src/core/tf.js";

v8.setFlagsFromString("--expose-gc");
const collect = vm.runInNewContext("gc") as () => void;
const runtime = { threads: 1 };
const { runtime: capi } = await findRuntime("c");

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

/** Compiled functions on arrays of the runtime's own, run at once, refused, disposed of and collected in between. */
async function storm(seed: number): Promise<void> {
  const rng = Rng.fromSeed(seed).split("resident");
  const options = { name: "storm", donate: { 0: 0 }, runtime: { binding: "c", threads: 1 } } as const;
  // The state is read after it has been written where a run may write into what it reads.
  const next = (x: Tensor, y: Tensor) => [tf.add(tf.add(x, y), tf.sub(x, x)), tf.sum(x)] as const;
  const [f, g] = [jit(next, options), jit(next, options)];
  const shapes = [[3], [1000, 2], [0, 4], []];
  const states = await Promise.all(shapes.map((shape) => capi.place(zeros(shape), "cpu")));
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
  it.each([1, 2, 3])("are right, or refused in words: seed %d", (seed) => storm(seed));

  it("stay as they were when a run that was to change them fails", async () => {
    const x = await capi.place(ndarray([1, 2], [2]), "cpu");
    const at = (index: number) => ndarray([index], [1], "int32");
    const f = jit((state: Tensor, i: Tensor) => [tf.add(state, tf.gather(state, i))] as const, {
      name: "gather",
      donate: { 0: 0 },
      runtime: { binding: "c", threads: 1 },
    });
    await expect(f(x, at(1 << 20))).rejects.toThrow();
    expect([...(await x.read()).data]).toEqual([1, 2]);
    await f(x, at(1));
    expect([...(await x.read()).data]).toEqual([3, 4]);
  });
});
