import { expect, it, vi } from "vitest";
import { npmLibrary } from "../../src/compile/runtime/capi/library.js";
import type { RuntimeOptions } from "../../src/compile/runtime/session.js";
import { largestGap } from "./compare.js";
import table from "./webgpuOperators.json" with { type: "json" };
import { work } from "./webgpuWork.js";

const { written } = vi.hoisted(() => ({
  written: [] as { op: string; domain?: string; attributes?: Record<string, unknown> }[],
}));
vi.mock("../../src/compile/onnxWriter.js", async (original) => {
  const actual = await original<typeof import("../../src/compile/onnxWriter.js")>();
  const writeModel: typeof actual.writeModel = (graph) => {
    written.push(...(graph.nodes as typeof written));
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

const INT64 = 7; // TensorProto.DataType

it.each(["qwen2_5_vl", "qwen3_vl"] as const)(
  "graphs for WebGPU are of operators that its provider has, and compute the same: %s",
  async (family) => {
    const expected = await work("cpu", family);
    written.length = 0;
    const found = await work("webgpu", family);
    expect(npmLibrary().version, "the table is of another version: make it anew").toBe(table.version);
    expect(written.length).toBeGreaterThan(500);
    const operators = new Set(table.operators);
    const unknown = written.filter(
      ({ op, domain, attributes }) =>
        !operators.has(op) || domain !== undefined || (op === "Cast" && attributes?.["to"] === INT64),
    );
    expect([...new Set(unknown.map(({ op }) => op))]).toEqual([]);
    expect(found.tokens).toEqual(expected.tokens);
    found.numbers.forEach((number, at) => {
      expect(number).toBeCloseTo(expected.numbers[at] as number, 4);
    });
    expect(largestGap(found.gradients, expected.gradients)).toBeLessThan(1e-5);
  },
);
