/**
 * @module Graphs that take any number of rows, where the function is the same for every number: it is traced for two
 * numbers, and what differs between the two graphs is what depends on the rows. A session then is made once, and its
 * constants are laid out once, however many rows come.
 */
import { CompileError } from "../core/errors.js";
import { zip } from "../core/zip.js";
import type { OnnxConstant, OnnxGraph, OnnxNode, OnnxValue } from "./onnxWriter.js";
import { FREE } from "./runtime/session.js";

/** Numbers of rows to trace with: unlike each other, 1, and any side of a real array. */
export const TRIAL_ROWS = [1009, 1013] as const;

/** The sides of `a` where `b` has the same, FREE where not. */
function freed(a: readonly number[], b: readonly number[]): number[] {
  return zip(a, b).map(([one, other]) => (one === other ? one : FREE));
}

/** A constant of the graph for any number of rows; undefined where there is none. */
function freeConstant(a: OnnxConstant, b: OnnxConstant, isShape: boolean): OnnxConstant | undefined {
  if (JSON.stringify([a.type, a.shape]) !== JSON.stringify([b.type, b.shape])) return undefined;
  if ("external" in a || "external" in b) {
    const [one, other] = [a, b].map((each) => JSON.stringify("external" in each && each.external));
    return one === other ? a : undefined;
  }
  if (Buffer.compare(a.bytes, b.bytes) === 0) return a;
  if (a.type !== "int64" || !isShape) return undefined;
  const sides = ({ bytes }: { readonly bytes: Uint8Array }) =>
    Array.from(new BigInt64Array(bytes.slice().buffer), Number);
  const shape = freed(sides(a), sides(b));
  // Reshape finds out one side by itself.
  if (shape.filter((side) => side === FREE).length > 1) return undefined;
  return { ...a, bytes: new Uint8Array(BigInt64Array.from(shape, BigInt).buffer) };
}

/** Says the same of a node whatever its values are called. */
function meaning({ op, domain, attributes, inputs, outputs }: OnnxNode): string {
  return JSON.stringify([op, domain ?? "", attributes ?? {}, inputs.length, outputs.length]);
}

/**
 * The graph for any number of rows, of graphs for two.
 * @throws CompileError naming the first operation that is another one for another number of rows
 */
export function freeRows(one: OnnxGraph, other: OnnxGraph): OnnxGraph {
  const refuse = (what: string): never => {
    throw new CompileError(`${one.name}: depends on the number of rows: ${what}: do not free them`);
  };
  const constants = [one, other].map((graph) => new Map(graph.constants.map((each) => [each.name, each])));
  const [ofOne, ofOther] = constants as [Map<string, OnnxConstant>, Map<string, OnnxConstant>];
  const names = new Map(zip(one.inputs, other.inputs).map(([a, b]) => [a.name, b.name]));
  const kept = new Map<string, OnnxConstant>();
  const nodes = [...one.nodes];
  if (nodes.length !== other.nodes.length) refuse(`${nodes.length} and ${other.nodes.length} operations`);
  for (const [at, [a, b]] of zip(one.nodes, other.nodes).entries()) {
    if (meaning(a) !== meaning(b)) refuse(`${a.op} and ${b.op}`);
    const inputs = zip(a.inputs, b.inputs).map(([name, theirs], place) => {
      const [mine, its] = [ofOne.get(name), ofOther.get(theirs)];
      if (!mine || !its) return names.get(name) === theirs ? name : refuse(`what ${a.op} reads`);
      const isShape = a.op === "Reshape" && place === 1;
      const constant = freeConstant(mine, its, isShape) ?? refuse(`a constant of ${a.op}`);
      kept.set(constant.name, constant);
      return name;
    });
    for (const [name, theirs] of zip(a.outputs, b.outputs)) names.set(name, theirs);
    nodes[at] = { ...a, inputs };
  }
  const ports = (of: "inputs" | "outputs"): OnnxValue[] =>
    zip(one[of], other[of]).map(([a, b]) => {
      const shape = freed(a.shape, b.shape);
      const isFree = shape[0] === FREE && a.shape[0] === TRIAL_ROWS[0] && b.shape[0] === TRIAL_ROWS[1];
      if (shape.slice(isFree ? 1 : 0).includes(FREE))
        refuse(`shape of ${a.name}: [${a.shape}] of ${TRIAL_ROWS[0]}`);
      return { ...a, shape };
    });
  return {
    name: one.name,
    nodes,
    constants: [...kept.values()],
    inputs: ports("inputs"),
    outputs: ports("outputs"),
  };
}
