/**
 * @module Replaces groups of nodes by single operators that compute the same: a matrix product with its bias, and RMS
 * normalisation. A group is replaced only where nothing else reads what stands in its middle.
 */
import type { OnnxNode } from "./onnxWriter.js";

type Shape = readonly number[];

export interface Fusible {
  /** In an order in which they can run; none is dead. */
  readonly nodes: readonly OnnxNode[];
  /** Values that the graph returns. */
  readonly outputs: ReadonlySet<string>;
  readonly shapes: ReadonlyMap<string, Shape>;
  /** Constants of one element. */
  readonly scalars: ReadonlyMap<string, number>;
}

/** What a rule may ask about the graph. */
interface Lookup extends Fusible {
  /** The node that made a value, if this is one of `op` and the value is read exactly once. */
  readonly onlyUse: (name: string, op: string) => OnnxNode | undefined;
}

/** A node in place of the last one of a group, and the others of that group. */
interface Fused {
  readonly node: OnnxNode;
  readonly replaced: readonly OnnxNode[];
}

type Rule = (last: OnnxNode, graph: Lookup) => Fused | undefined;

/** Both orders of a commutative node's inputs. */
function orders({ inputs }: OnnxNode): [string, string][] {
  const [a, b] = inputs as [string, string];
  return [
    [a, b],
    [b, a],
  ];
}

/**
 * Gemm(a, b) + bias = Gemm(a, b, bias). For a bias alone: a whole matrix as third input makes Gemm slower than the sum
 * it saves.
 */
const gemmBias: Rule = (last, { onlyUse, shapes }) => {
  if (last.op !== "Add") return undefined;
  for (const [product, bias] of orders(last)) {
    const gemm = onlyUse(product, "Gemm");
    const columns = shapes.get(product)?.[1];
    const biasShape = shapes.get(bias);
    if (gemm?.inputs.length !== 2 || biasShape?.length !== 1 || biasShape[0] !== columns) continue;
    return { node: { ...gemm, inputs: [...gemm.inputs, bias], outputs: last.outputs }, replaced: [gemm] };
  }
  return undefined;
};

/** If a value is 1/√(mean(x²) + ε) over the last axis: x, ε, and the nodes that compute it. */
function inverseRms(name: string, { onlyUse, shapes, scalars }: Lookup) {
  const nodes: OnnxNode[] = [];
  let value = name;
  for (const op of ["Reciprocal", "Sqrt", "Add", "ReduceMean", "Mul"]) {
    const node = onlyUse(value, op);
    if (!node) return undefined;
    nodes.push(node);
    value = node.inputs.find((input) => !scalars.has(input)) as string;
  }
  const [, , sum, mean, square] = nodes as [OnnxNode, OnnxNode, OnnxNode, OnnxNode, OnnxNode];
  const [x, again] = square.inputs as [string, string];
  const epsilon = sum.inputs.map((input) => scalars.get(input)).find((each) => each !== undefined);
  const meanShape = [...(shapes.get(x) ?? []).slice(0, -1), 1];
  const isOverLast = String(shapes.get(mean.outputs[0] as string)) === String(meanShape);
  return x === again && epsilon !== undefined && isOverLast ? { x, epsilon, nodes } : undefined;
}

/** x · 1/√(mean(x²) + ε) · weight. */
const rmsNormalization: Rule = (last, graph) => {
  if (last.op !== "Mul") return undefined;
  for (const [normed, weight] of orders(last)) {
    const product = graph.onlyUse(normed, "Mul");
    for (const [x, inverse] of product ? orders(product) : []) {
      const found = inverseRms(inverse, graph);
      const width = graph.shapes.get(x)?.at(-1);
      if (!product || found?.x !== x || String(graph.shapes.get(weight)) !== String([width])) continue;
      const attributes = { axis: -1, epsilon: { float: found.epsilon } };
      const node = { op: "RMSNormalization", inputs: [x, weight], outputs: last.outputs, attributes };
      return { node, replaced: [product, ...found.nodes] };
    }
  }
  return undefined;
};

const RULES: readonly Rule[] = [gemmBias, rmsNormalization];

/** The same graph in fewer nodes. */
export function fuse(graph: Fusible): OnnxNode[] {
  const uses = new Map<string, number>();
  for (const name of graph.nodes.flatMap(({ inputs }) => inputs)) uses.set(name, (uses.get(name) ?? 0) + 1);
  const makers = new Map<string, OnnxNode>();
  const replaced = new Set<OnnxNode>();
  const lookup: Lookup = {
    ...graph,
    onlyUse: (name, op) => {
      const maker = makers.get(name);
      return maker?.op === op && uses.get(name) === 1 && !graph.outputs.has(name) ? maker : undefined;
    },
  };
  const nodes = graph.nodes.map((node) => {
    const found = RULES.map((rule) => rule(node, lookup)).find((each) => each !== undefined);
    for (const each of found?.replaced ?? []) replaced.add(each);
    const written = found?.node ?? node;
    for (const output of written.outputs) makers.set(output, written);
    return written;
  });
  return nodes.filter((node) => !replaced.has(node));
}
