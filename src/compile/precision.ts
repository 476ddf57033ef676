/**
 * @module Matrix products in less than float32, everything else as it was: operands are rounded on their way into a
 * product, and a bfloat16 product's result is read by the next product as it is. Where the device has no such products,
 * the same numbers come from float32 products of rounded operands.
 */
import { ONNX_TYPE_CODE, type OnnxGraph, type OnnxNode } from "./onnxWriter.js";
import { alive } from "./optimize.js";
import type { Precision } from "./runtime/session.js";

export interface LowerOptions {
  readonly precision: Exclude<Precision, "float32">;
  /** Whether products stay float32 and only their operands (bf16: results, too) are rounded. */
  readonly isEmulated: boolean;
  /** Values that are not floating-point, as far as they are known: their products are left alone. */
  readonly isWhole?: (name: string) => boolean;
}

const PRODUCTS: ReadonlySet<string> = new Set(["MatMul", "Gemm", "FusedMatMul"]);
/** Operators that only move numbers, and how many of their inputs are numbers that move; Concat: all. */
const MOVES: Readonly<Record<string, number>> = {
  ...{ Reshape: 1, Transpose: 1, Split: 1, Slice: 1, Gather: 1, Identity: 1, Squeeze: 1, Unsqueeze: 1 },
  Concat: Number.POSITIVE_INFINITY,
};

/** Keeps 11 of 24 significant bits: x·(2¹³ + 1) minus what that is more than x (Veltkamp's splitting). */
const SPLITTER = 2 ** 13 + 1;

interface Lowering {
  readonly nodes: OnnxNode[];
  /** Float32 values that are equal to a value in the lower form. */
  readonly twins: Map<string, string>;
  /** Float32 values that were rounded to one. */
  readonly rounded: Map<string, string>;
  /** Values whose type is bfloat16. */
  readonly bfloat: Set<string>;
}

const cast = (from: string, output: string, to: "bfloat16" | "float32"): OnnxNode => ({
  op: "Cast",
  inputs: [from],
  outputs: [output],
  attributes: { to: ONNX_TYPE_CODE[to] },
});

/** A value as products read it. */
function lowered({ nodes, twins, rounded }: Lowering, name: string, options: LowerOptions): string {
  const known = twins.get(name) ?? rounded.get(name);
  if (known !== undefined) return known;
  const low = `${name}_low`;
  rounded.set(name, low);
  if (options.precision === "tf32") {
    const [scaled, rest] = [`${name}_scaled`, `${name}_rest`];
    nodes.push(
      { op: "Mul", inputs: [name, SPLITTER_NAME], outputs: [scaled] },
      { op: "Sub", inputs: [scaled, name], outputs: [rest] },
      { op: "Sub", inputs: [scaled, rest], outputs: [low] },
    );
  } else if (options.isEmulated) {
    nodes.push(cast(name, `${name}_bits`, "bfloat16"), cast(`${name}_bits`, low, "float32"));
  } else nodes.push(cast(name, low, "bfloat16"));
  return low;
}

/** A node whose results are in the lower form; they are widened under the names that they have. */
function writeLow({ nodes, twins }: Lowering, node: OnnxNode, isEmulated: boolean): void {
  if (isEmulated) {
    nodes.push(node);
    for (const output of node.outputs) twins.set(output, output);
    return;
  }
  const outputs = node.outputs.map((output) => `${output}_low`);
  nodes.push({ ...node, outputs });
  node.outputs.forEach((output, at) => {
    const low = outputs[at] as string;
    twins.set(output, low);
    nodes.push(cast(low, output, "float32"));
  });
}

function writeProduct(state: Lowering, node: OnnxNode, options: LowerOptions): void {
  const low = { ...node, inputs: node.inputs.map((name) => lowered(state, name, options)) };
  if (options.precision === "tf32") {
    state.nodes.push(low);
  } else if (options.isEmulated) {
    const [output] = node.outputs as [string];
    const [exact, bits] = [`${output}_exact`, `${output}_bits`];
    state.nodes.push(
      { ...low, outputs: [exact] },
      cast(exact, bits, "bfloat16"),
      cast(bits, output, "float32"),
    );
    state.twins.set(output, output);
  } else writeLow(state, low, false);
}

const SPLITTER_NAME = "tf32_splitter";

function splitter(): OnnxGraph["constants"][number] {
  const bytes = new Uint8Array(Float32Array.of(SPLITTER).buffer);
  return { name: SPLITTER_NAME, type: "float32", shape: [], bytes };
}

/** The graph with its products in another precision. Inputs and outputs keep their types. */
export function inPrecision(graph: OnnxGraph, options: LowerOptions): OnnxGraph {
  const { isEmulated, isWhole = () => false } = options;
  const typed = [...graph.inputs, ...graph.constants].filter(({ type }) => type === "bfloat16");
  const state: Lowering = {
    nodes: [],
    twins: new Map(),
    rounded: new Map(),
    bfloat: new Set(typed.map(({ name }) => name)),
  };
  for (const node of graph.nodes) {
    const { op, inputs, outputs, attributes } = node;
    const moved = inputs.slice(0, MOVES[op] ?? 0);
    if (PRODUCTS.has(op) && !inputs.some(isWhole)) writeProduct(state, node, options);
    else if (moved.length > 0 && moved.every((name) => state.twins.has(name))) {
      const low = inputs.map((name, at) => (at < moved.length ? (state.twins.get(name) as string) : name));
      writeLow(state, { ...node, inputs: low }, isEmulated);
    } else {
      state.nodes.push(node);
      const [from, to] = [inputs[0] as string, outputs[0] as string];
      if (op === "BitCast" && attributes?.["to"] === ONNX_TYPE_CODE.bfloat16) state.bfloat.add(to);
      // A narrow value widened: products of bfloat16 read what it was widened from.
      if (op === "Cast" && state.bfloat.has(from)) state.twins.set(to, isEmulated ? to : from);
    }
  }
  const kept = alive(
    state.nodes,
    options.precision === "tf32" ? [...graph.constants, splitter()] : graph.constants,
    graph.outputs.map(({ name }) => name),
  );
  return { ...graph, ...kept };
}
