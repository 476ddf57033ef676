/**
 * @module Products of few rows with a matrix from outside, the matrix on the left: x·Wᵀ = (W·xᵀ)ᵀ.
 *
 * The processor's products lay out their right side anew each time, which for few rows takes as long as the product; the
 * left is read as it lies. What follows element by element, and the next product, take the turned result as it is.
 */
import type { OnnxConstant, OnnxGraph, OnnxNode } from "./onnxWriter.js";
import { BROADCASTING } from "./optimize.js";

/** With fewer rows products have a path of their own; with more, laying out the matrix no longer counts. */
const [FEWEST_ROWS, MOST_ROWS] = [8, 64];

/** Act on each element and keep its place. */
const isByElement = ({ op }: OnnxNode): boolean => BROADCASTING.has(op) || op === "QuickGelu";

/** Name of a value's transpose. */
const turnedName = (name: string): string => `${name}_turned`;

/** The graph while it is written anew. */
interface Draft {
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Inputs of the graph: the only matrices that are moved to the left. */
  readonly given: ReadonlySet<string>;
  readonly nodes: OnnxNode[];
  readonly constants: OnnxConstant[];
  /** Values that are there as their transposes, and whether as they are, too. */
  readonly turned: Map<string, boolean>;
}

const transposed = (from: string, to: string): OnnxNode => ({
  op: "Transpose",
  inputs: [from],
  outputs: [to],
  attributes: { perm: [1, 0] },
});

/** A value as it is. */
function straighten({ turned, nodes }: Draft, name: string): void {
  if (turned.get(name) !== false) return;
  nodes.push(transposed(turnedName(name), name));
  turned.set(name, true);
}

/** Whether a node is x·Wᵀ, perhaps with a bias, of few rows. */
function isThin({ shapes, given }: Draft, { op, inputs, attributes }: OnnxNode): boolean {
  const [x, matrix] = inputs as [string, string];
  const [rows, columns] = [shapes.get(x)?.[0], shapes.get(matrix)?.[0]];
  if (op !== "Gemm" || !given.has(matrix) || rows === undefined || columns === undefined) return false;
  const isPlain = attributes?.["transA"] === 0 && attributes["transB"] === 1;
  return isPlain && rows >= FEWEST_ROWS && rows <= Math.min(MOST_ROWS, columns);
}

/** A bias as a column. */
function column({ nodes, constants }: Draft, bias: string): string {
  const [shape, name] = ["thin_column", `${bias}_column`];
  if (!constants.some((each) => each.name === shape)) {
    const bytes = new Uint8Array(BigInt64Array.of(-1n, 1n).buffer);
    constants.push({ name: shape, type: "int64", shape: [2], bytes });
  }
  if (!nodes.some(({ outputs }) => outputs[0] === name)) {
    nodes.push({ op: "Reshape", inputs: [bias, shape], outputs: [name] });
  }
  return name;
}

function writeThin(draft: Draft, { inputs, outputs }: OnnxNode): void {
  const { nodes, turned } = draft;
  const [x, matrix, ...bias] = inputs as [string, string, ...string[]];
  const [output] = outputs as [string];
  const isTurned = turned.has(x);
  const rest = bias.map((each) => column(draft, each));
  const node = {
    inputs: [matrix, isTurned ? turnedName(x) : x, ...rest],
    outputs: [turnedName(output)],
    attributes: { transA: 0, transB: isTurned ? 0 : 1 },
  };
  // ONNX Runtime turns a Gemm that is transposed afterwards back into what it was, unless there is a bias.
  nodes.push(
    rest.length > 0 ? { ...node, op: "Gemm" } : { ...node, op: "FusedMatMul", domain: "com.microsoft" },
  );
  turned.set(output, false);
}

/** The same graph with matrices from outside on the left of products of few rows. */
export function turnThinProducts(graph: OnnxGraph, shapes: Draft["shapes"]): OnnxGraph {
  const draft: Draft = {
    shapes,
    given: new Set(graph.inputs.map(({ name }) => name)),
    nodes: [],
    constants: [...graph.constants],
    turned: new Map(),
  };
  const { nodes, turned } = draft;
  for (const node of graph.nodes) {
    const [output] = node.outputs as [string];
    if (isThin(draft, node)) writeThin(draft, node);
    else if (isByElement(node) && node.inputs.every((name) => turned.has(name))) {
      nodes.push({ ...node, inputs: node.inputs.map(turnedName), outputs: [turnedName(output)] });
      turned.set(output, false);
    } else {
      for (const name of node.inputs) straighten(draft, name);
      nodes.push(node);
    }
  }
  for (const { name } of graph.outputs) straighten(draft, name);
  return { ...graph, nodes, constants: draft.constants };
}
