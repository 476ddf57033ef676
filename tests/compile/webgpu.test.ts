import { expect, it, vi } from "vitest";
import { ONNX_TYPE_CODE, type OnnxGraph, type OnnxNode } from "../../src/compile/onnxWriter.js";
import { npmLibrary } from "../../src/compile/runtime/capi/library.js";
import type { RuntimeOptions } from "../../src/compile/runtime/session.js";
import { largestGap } from "./compare.js";
import table from "./webgpuOperators.json" with { type: "json" };
import { work } from "./webgpuWork.js";

const { written } = vi.hoisted(() => ({
  written: [] as OnnxGraph[],
}));
vi.mock("../../src/compile/onnxWriter.js", async (original) => {
  const actual = await original<typeof import("../../src/compile/onnxWriter.js")>();
  const writeModel: typeof actual.writeModel = (graph) => {
    written.push(graph);
    return actual.writeModel(graph);
  };
  return { ...actual, writeModel };
});
// Graphs that are traced for WebGPU run on the processor, which has their operators, too.
vi.mock("../../src/compile/runtime/runtime.js", async (original) => {
  const actual = await original<typeof import("../../src/compile/runtime/runtime.js")>();
  const findRuntime: typeof actual.findRuntime = async (binding) => {
    const { runtime, ...rest } = await actual.findRuntime(binding);
    const createSession: typeof runtime.createSession = (graph, options?: RuntimeOptions) =>
      runtime.createSession(graph, { ...options, device: "cpu" });
    return { ...rest, runtime: { ...runtime, createSession } };
  };
  return { ...actual, findRuntime };
});

/** Computed integers of 64 bits have no kernels but those that read them as places. */
const isWide = ({ op, attributes }: OnnxNode) => op === "Cast" && attributes?.["to"] === ONNX_TYPE_CODE.int64;
const TAKE_WIDE = new Set(["GatherND", "ScatterND"]);

/** Operators of a graph that WebGPU leaves to the processor. */
const unknownTo =
  (operators: readonly string[]) =>
  ({ nodes }: OnnxGraph): string[] => {
    const wide = new Set(nodes.filter(isWide).flatMap(({ outputs }) => outputs));
    const isUnknown = ({ op, domain, inputs }: OnnxNode) =>
      !operators.includes(op) ||
      domain !== undefined ||
      (!TAKE_WIDE.has(op) && inputs.some((name) => wide.has(name)));
    return nodes.filter(isUnknown).map(({ op }) => op);
  };

it.each(["qwen2_5_vl", "qwen3_vl"] as const)(
  "graphs for WebGPU are of operators that its provider has, and compute the same: %s",
  async (family) => {
    const expected = await work("cpu", family);
    written.length = 0;
    const found = await work("webgpu", family);
    expect(npmLibrary().version, "the table is of another version: make it anew").toBe(table.version);
    expect(written.flatMap(({ nodes }) => nodes).length).toBeGreaterThan(500);
    expect(written.flatMap(unknownTo(table.operators))).toEqual([]);
    expect(found.tokens).toEqual(expected.tokens);
    found.numbers.forEach((number, at) => {
      expect(number).toBeCloseTo(expected.numbers[at] as number, 4);
    });
    expect(largestGap(found.gradients, expected.gradients)).toBeLessThan(1e-5);
  },
);
