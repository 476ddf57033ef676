import { describe, expect, it } from "vitest";
import { jit } from "../../src/compile/jit.js";
import { npmBinding } from "../../src/compile/runtime/npmBinding.js";
import { CompileError, ShapeError } from "../../src/core/errors.js";
import { ndarray, scalar } from "../../src/core/ndarray.js";
import { type Tensor, tf } from "../../src/core/tf.js";

const runtime = { threads: 1 };

describe("a device array", () => {
  it("is a copy of the host's numbers and gives copies back", async () => {
    const host = ndarray([1, 2, 3], [3]);
    const array = await npmBinding.place(host, "cpu");
    host.data[0] = 9;
    const read = await array.read();
    expect(read).toEqual(ndarray([1, 2, 3], [3]));
    read.data[0] = 9;
    expect([...(await array.read()).data]).toEqual([1, 2, 3]);
  });

  it("takes new numbers of its own shape and dtype only", async () => {
    const array = await npmBinding.place(ndarray([1, 2], [2]), "cpu");
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
    const a = await npmBinding.place(ndarray([1, 2], [2]), "cpu");
    const [, total] = await f({ a }, ndarray([10, 20], [2]));
    await f({ a }, ndarray([1, 1], [2]));
    expect([...(await a.read()).data]).toEqual([12, 23]);
    expect(total.data[0]).toBe(30);
  });

  it("is refused once it is disposed of", async () => {
    const f = jit((x: Tensor) => tf.exp(x), { name: "exp", runtime });
    const array = await npmBinding.place(scalar(0), "cpu");
    array.dispose();
    await expect(f(array)).rejects.toThrow(CompileError);
    await expect(f(array)).rejects.toThrow("exp(float32[]): device array: used after it was disposed of");
    await expect(array.read()).rejects.toThrow("disposed");
  });
});
