import { describe, expect, it } from "vitest";
import { eager } from "../../src/compile/eager.js";
import { jit } from "../../src/compile/jit.js";
import type { OnnxNode } from "../../src/compile/onnxWriter.js";
import { turnThinProducts } from "../../src/compile/thinProducts.js";
import { type NdArray, zeros } from "../../src/core/ndarray.js";
import { Rng } from "../../src/core/rng.js";
import { type Tensor, type TensorParams, tf } from "../../src/core/tf.js";
import { linear, swiglu } from "../../src/model/transformer/layers.js";
import { largestGap } from "./compare.js";

/** `op(inputs…) → output`, as text: `"y = Add(x, x)"`; `Gemm01`: of a transposed right side. */
function parse(line: string): OnnxNode {
  const [, output = "", op = "", inputs = ""] = /^(\w+) = (\w+)\((.*)\)$/.exec(line) ?? [];
  const [, name = "", transA, transB] = /^([A-Za-z]+)(\d?)(\d?)$/.exec(op) ?? [];
  const attributes = transA ? { attributes: { transA: Number(transA), transB: Number(transB) } } : {};
  return { op: name, inputs: inputs.split(", "), outputs: [output], ...attributes };
}

function print({ op, inputs, outputs, attributes = {} }: OnnxNode): string {
  const { transA, transB } = attributes;
  return `${outputs} = ${op}${transA ?? ""}${transB ?? ""}(${inputs.join(", ")})`;
}

const MATRICES = { gate: [96, 16], up: [96, 16], down: [16, 96], small: [8, 16] } as const;

/** The lines of a program on `x`, whose output is `out`, once its thin products are turned. */
function turned(lines: readonly string[], rows = 16): string[] {
  const outputs = lines.map((line) => parse(line).outputs[0] as string);
  const widths = new Map(outputs.map((name) => [name, [rows, 96]] as const));
  const shapes = new Map<string, readonly number[]>([
    ...widths,
    ...([["x", [rows, 16]], ["bias", [96]], ...Object.entries(MATRICES)] as const),
  ]);
  const port = (name: string) => ({ name, type: "float32" as const, shape: shapes.get(name) ?? [] });
  const inputs = ["x", "bias", ...Object.keys(MATRICES)].map(port);
  const graph = { name: "f", nodes: lines.map(parse), constants: [], inputs, outputs: [port("out")] };
  return turnThinProducts(graph, shapes).nodes.map(print);
}

describe("turnThinProducts", () => {
  it("carries the turned result through what follows element by element into the next product", () => {
    const lines = ["g = Gemm01(x, gate)", "a = QuickGelu(g)", "u = Gemm01(x, up)", "h = Mul(a, u)"];
    expect(turned([...lines, "out = Gemm01(h, down)"])).toEqual([
      "g_turned = FusedMatMul01(gate, x)",
      "a_turned = QuickGelu(g_turned)",
      "u_turned = FusedMatMul01(up, x)",
      "h_turned = Mul(a_turned, u_turned)",
      "out_turned = FusedMatMul00(down, h_turned)",
      "out = Transpose(out_turned)",
    ]);
  });

  it("makes a bias a column", () => {
    expect(turned(["out = Gemm01(x, gate, bias)"])).toEqual([
      "bias_column = Reshape(bias, thin_column)",
      "out_turned = Gemm01(gate, x, bias_column)",
      "out = Transpose(out_turned)",
    ]);
  });

  it("turns a result back once, for whoever reads it as it is", () => {
    const lines = ["g = Gemm01(x, gate)", "s = Softmax(g)", "r = Add(g, s)", "out = Sub(r, g)"];
    expect(turned(lines)).toEqual([
      "g_turned = FusedMatMul01(gate, x)",
      "g = Transpose(g_turned)",
      ...lines.slice(1),
    ]);
  });

  it("leaves alone products of one row and of many, with small matrices, with computed ones, and of other forms", () => {
    const one = ["out = Gemm01(x, gate)"];
    expect(turned(one, 1)).toEqual(one);
    expect(turned(one, 65)).toEqual(one);
    const others = ["s = Gemm01(x, small)", "w = Exp(gate)", "c = Gemm01(x, w)", "out = Gemm00(c, gate)"];
    expect(turned(others)).toEqual(others);
  });

  it("leaves the numbers as they are, from 1 to 65 rows, on the processor", async () => {
    const rng = Rng.fromSeed(5);
    const random = (shape: readonly number[]): NdArray => {
      const array = zeros(shape);
      for (let at = 0; at < array.data.length; at++) array.data[at] = rng.normal() / 4;
      return array;
    };
    const weights = {
      ...{ "mlp.gate_proj.weight": random([96, 16]), "mlp.up_proj.weight": random([96, 16]) },
      ...{ "mlp.down_proj.weight": random([16, 96]), "mlp.down_proj.bias": random([16]) },
      ...{ "out.weight": random([80, 16]), "out.bias": random([80]) },
    };
    const layers = (params: TensorParams, x: Tensor) => {
      const seen = tf.add(x, swiglu(params, "mlp", x));
      return { seen, scores: tf.softmax(linear(params, "out", seen)) };
    };
    for (const rows of [1, 8, 16, 64, 65]) {
      const x = random([rows, 16]);
      const found = await jit(layers, { name: "layers" })(weights, x);
      expect(largestGap(found, await eager(layers)(weights, x)), `${rows} rows`).toBeLessThan(1e-5);
    }
  });
});
