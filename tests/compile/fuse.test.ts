import { describe, expect, it } from "vitest";
import { fuse } from "../../src/compile/fuse.js";
import { jit } from "../../src/compile/jit.js";
import type { OnnxNode } from "../../src/compile/onnxWriter.js";
import { trace } from "../../src/compile/trace.js";
import { ndarray } from "../../src/core/ndarray.js";
import { type Tensor, tf } from "../../src/core/tf.js";
import { rmsNorm } from "../../src/model/transformer/layers.js";

/** `op(inputs…) → output`, as text: `"y = Add(x, x)"`. */
function parse(line: string): OnnxNode {
  const [, output = "", op = "", inputs = ""] = /^(\w+) = (\w+)\((.*)\)$/.exec(line) ?? [];
  return { op, inputs: inputs.split(", "), outputs: [output] };
}

const SHAPES: Readonly<Record<string, readonly number[]>> = {
  x: [5, 3],
  w: [3, 4],
  product: [5, 4],
  bias: [4],
  rows: [5, 4],
  column: [5, 1],
};

function run(lines: readonly string[], outputs = ["out"]): string[] {
  const nodes = fuse({
    nodes: lines.map(parse),
    outputs: new Set(outputs),
    shapes: new Map(Object.entries(SHAPES)),
    scalars: new Map(),
  });
  return nodes.map(({ op, inputs, outputs: [output] }) => `${output} = ${op}(${inputs.join(", ")})`);
}

describe("fuse", () => {
  it("makes a bias on either side the third input of its product", () => {
    const fused = ["out = Gemm(x, w, bias)"];
    expect(run(["product = Gemm(x, w)", "out = Add(product, bias)"])).toEqual(fused);
    expect(run(["product = Gemm(x, w)", "out = Add(bias, product)"])).toEqual(fused);
  });

  it.each([
    ["a whole matrix is added", ["product = Gemm(x, w)", "out = Add(product, rows)"], ["out"]],
    ["a column is added", ["product = Gemm(x, w)", "out = Add(product, column)"], ["out"]],
    [
      "the product is read again",
      ["product = Gemm(x, w)", "sum = Add(product, bias)", "out = Mul(sum, product)"],
      ["out"],
    ],
    ["the product is returned", ["product = Gemm(x, w)", "out = Add(product, bias)"], ["out", "product"]],
    ["the product has a bias", ["product = Gemm(x, w, bias)", "out = Add(product, bias)"], ["out"]],
  ])("leaves a sum alone where %s", (_why, lines, outputs) => {
    expect(run(lines, outputs)).toEqual(lines);
  });

  const norm = (weight: Tensor, x: Tensor) => rmsNorm({ "n.weight": weight }, "n", x, 1e-6);
  const weight = ndarray([0.5, 2, -1], [3]);
  const x = ndarray([1, -2, 3, 0, 0, 0.001], [2, 3]);

  it("writes RMS normalisation as one node that computes the same", async () => {
    const compiled = jit(norm, { name: "norm" });
    const { data } = await compiled(weight, x);
    await compiled.dispose();
    const rms = (row: readonly number[]) =>
      Math.sqrt(row.reduce((sum, each) => sum + each ** 2, 0) / 3 + 1e-6);
    const [a, b] = [rms([1, -2, 3]), rms([0, 0, 0.001])];
    const expected = [0.5 / a, -4 / a, -3 / a, 0, 0, -0.001 / b];
    expected.forEach((value, at) => {
      expect(data[at]).toBeCloseTo(value, 6);
    });
    expect(operators(norm)).toEqual(["RMSNormalization"]);
  });

  it("keeps the parts of a normalisation whose gradient needs them", () => {
    const withGradient = (w: Tensor, input: Tensor) =>
      tf.grads((...given: Tensor[]) => tf.sum(tf.square(norm(given[0] as Tensor, given[1] as Tensor))))([
        w,
        input,
      ]);
    expect(operators(withGradient)).toContain("ReduceMean");
    expect(operators(withGradient)).not.toContain("RMSNormalization");
  });

  /** Operators of the compiled function, in order. */
  function operators(fn: (w: Tensor, input: Tensor) => unknown): string[] {
    const leaves = [weight, x].map(({ shape, dtype }) => ({ shape, dtype }));
    const { bytes } = trace((args) => fn(...(args as [Tensor, Tensor])), "operators", {
      structure: [0, 1],
      leaves,
    });
    const text = Buffer.from(bytes).toString("latin1");
    return ["RMSNormalization", "ReduceMean", "Sqrt"].filter((op) => text.includes(op));
  }
});
