import { describe, expect, it } from "vitest";
import type { OnnxConstant, OnnxNode } from "../../src/compile/onnxWriter.js";
import { optimize } from "../../src/compile/optimize.js";

const number = (name: string, value: number, shape: readonly number[] = []): OnnxConstant => ({
  name,
  type: "float32",
  shape,
  bytes: new Uint8Array(Float32Array.of(value).buffer),
});
const sides = (name: string, shape: readonly number[]): OnnxConstant => ({
  name,
  type: "int64",
  shape: [shape.length],
  bytes: new Uint8Array(BigInt64Array.from(shape, BigInt).buffer),
});

/** `op(inputs…) → output`, as text: `"y = Add(x, x)"`. */
function parse(line: string): OnnxNode {
  const [, output = "", op = "", inputs = ""] = /^(\w+) = (\w+)\((.*)\)$/.exec(line) ?? [];
  const perm = op.startsWith("Transpose") ? { attributes: { perm: [...op.slice(9)].map(Number) } } : {};
  return { op: op.replace(/\d+$/, ""), inputs: inputs.split(", "), outputs: [output], ...perm };
}

function print({ op, inputs, outputs, attributes }: OnnxNode): string {
  const perm = attributes?.["perm"];
  return `${outputs} = ${op}${Array.isArray(perm) ? perm.join("") : ""}(${inputs.join(", ")})`;
}

/** The optimised lines of a program whose output is `out`. */
function run(
  lines: readonly string[],
  shapes: Readonly<Record<string, readonly number[]>>,
  constants: OnnxConstant[] = [],
) {
  const { nodes } = optimize({
    nodes: lines.map(parse),
    constants,
    outputs: [{ name: "out" }],
    shapes: new Map(Object.entries(shapes)),
  });
  return nodes.map(print);
}

describe("optimize", () => {
  it("drops what the outputs do not need", () => {
    expect(run(["a = Exp(x)", "b = Log(x)", "out = Identity(a)"], { x: [2] })).toEqual(["out = Exp(x)"]);
  });

  it("writes an expression once", () => {
    const lines = ["a = Exp(x)", "b = Exp(x)", "c = Add(a, b)", "out = Identity(c)"];
    expect(run(lines, { x: [2] })).toEqual(["a = Exp(x)", "out = Add(a, a)"]);
  });

  it("copies an input that is an output", () => {
    expect(run(["out = Identity(x)"], { x: [2] })).toEqual(["out = Identity(x)"]);
  });

  it("drops x + 0, x − 0, 1 · x and x / 1, but not 0 − x or 1 / x", () => {
    const constants = [number("zero", 0), number("one", 1)];
    const kept = (line: string) =>
      run([line, "e = Exp(a)", "out = Identity(e)"], { x: [2] }, constants).length === 2;
    const dropped = [
      "a = Add(x, zero)",
      "a = Add(zero, x)",
      "a = Sub(x, zero)",
      "a = Mul(one, x)",
      "a = Div(x, one)",
    ];
    expect(dropped.filter(kept)).toEqual([]);
    expect(["a = Sub(zero, x)", "a = Div(one, x)", "a = Mul(x, zero)"].filter(kept)).toHaveLength(3);
  });

  it("keeps 1 · x when the 1 makes x bigger", () => {
    const lines = ["a = Mul(ones, x)", "out = Identity(a)"];
    expect(run(lines, { x: [3] }, [number("ones", 1, [1, 1])])).toEqual(["out = Mul(ones, x)"]);
  });

  it("adds a small tensor instead of its expansion", () => {
    const lines = ["e = Expand(x, s)", "a = Add(e, y)", "out = Identity(a)"];
    expect(run(lines, { x: [3], e: [2, 3], y: [2, 3] }, [sides("s", [2, 3])])).toEqual(["out = Add(x, y)"]);
  });

  it("computes on small tensors first and expands last", () => {
    const lines = ["e = Expand(x, s)", "f = Exp(e)", "a = Mul(f, two)", "b = Add(a, y)", "out = Identity(b)"];
    const shapes = { x: [1, 3], e: [2, 3], y: [2, 3] };
    expect(run(lines, shapes, [sides("s", [2, 3]), number("two", 2)])).toEqual([
      "f_narrow = Exp(x)",
      "a_narrow = Mul(f_narrow, two)",
      "out = Add(a_narrow, y)",
    ]);
  });

  it("expands where the size of the result depends on it", () => {
    const lines = ["e = Expand(x, s)", "a = Add(e, y)", "out = Identity(a)"];
    expect(run(lines, { x: [], e: [2, 3], y: [3] }, [sides("s", [2, 3])])).toEqual([
      "a_narrow = Add(x, y)",
      "out = Expand(a_narrow, shape_2x3)",
    ]);
  });

  it("joins transposes, and makes those that move no number a reshape", () => {
    const lines = ["a = Transpose201(x)", "b = Transpose120(a)", "c = Exp(b)", "out = Identity(c)"];
    expect(run(lines, { x: [2, 3, 4] })).toEqual(["out = Exp(x)"]);
    const thin = ["a = Transpose102(x)", "b = Softmax(a)", "out = Identity(b)"];
    expect(run(thin, { x: [1, 3, 4], a: [3, 1, 4] })).toEqual([
      "a = Reshape(x, shape_3x1x4)",
      "out = Softmax(a)",
    ]);
  });

  it("sums over axes of size 1 by reshaping", () => {
    const lines = ["a = ReduceSum(x, axes)", "b = Softmax(a)", "out = Identity(b)"];
    const shapes = { x: [3, 1], a: [3] };
    expect(run(lines, shapes, [sides("axes", [1])])).toEqual(["a = Reshape(x, shape_3)", "out = Softmax(a)"]);
  });
});
