/**
 * @module Rewrites a traced graph into a smaller one that computes the same numbers.
 *
 * A tape writes down much that a person would not: sums of zeros, products with ones, the same expression twice, and
 * above all small tensors expanded to big ones only to be added or multiplied. ONNX's element-wise operators broadcast
 * by themselves, so an Expand is pushed through them and seldom has to be carried out.
 */
import { sizeOf } from "../core/ndarray.js";
import { fuse } from "./fuse.js";
import type { OnnxConstant, OnnxNode } from "./onnxWriter.js";

type Shape = readonly number[];

export interface TracedNodes {
  readonly nodes: readonly OnnxNode[];
  readonly constants: readonly OnnxConstant[];
  readonly outputs: readonly { readonly name: string }[];
  /** Shapes of values by name, where known. */
  readonly shapes: ReadonlyMap<string, Shape>;
}

/** Operators that act on each element and broadcast all their inputs. */
export const BROADCASTING: ReadonlySet<string> = new Set(
  (
    "Add Sub Mul Div Max Min Pow Mod Equal Less LessOrEqual Greater GreaterOrEqual And Or Xor Where " +
    "Not Neg Abs Sign Exp Log Sqrt Reciprocal Sigmoid Tanh Erf Softplus Sin Cos Relu Elu Selu LeakyRelu Floor Ceil Round Cast IsNaN IsInf"
  ).split(" "),
);

/** `x op value = x`, with the value on the right, or on either side. */
const NEUTRAL: Readonly<Record<string, { readonly value: number; readonly isOnEitherSide: boolean }>> = {
  Add: { value: 0, isOnEitherSide: true },
  Sub: { value: 0, isOnEitherSide: false },
  Mul: { value: 1, isOnEitherSide: true },
  Div: { value: 1, isOnEitherSide: false },
};

const isSame = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((side, at) => side === b[at]);

/** The shape to which all broadcast. */
function broadcast(shapes: readonly Shape[]): number[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const sides = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1);
    return sides.find((side) => side !== 1) ?? 1;
  });
}

/** The number in a constant of one element. */
function scalarOf(constant: OnnxConstant): number | undefined {
  if (sizeOf(constant.shape) !== 1 || !("bytes" in constant)) return undefined;
  const { type, bytes } = constant;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (type === "float32") return view.getFloat32(0, true);
  if (type === "float64") return view.getFloat64(0, true);
  if (type === "int32") return view.getInt32(0, true);
  return type === "int64" ? Number(view.getBigInt64(0, true)) : view.getUint8(0);
}

/** The rewritten graph while it grows. */
interface Draft {
  readonly nodes: OnnxNode[];
  readonly constants: OnnxConstant[];
  readonly shapes: Map<string, Shape>;
  readonly scalars: Map<string, number>;
  /** Values that are other values under a new name. */
  readonly aliases: Map<string, string>;
  /** Values that are a smaller value, expanded. */
  readonly narrow: Map<string, string>;
  /** What made a value, for transposes and reshapes of each other. */
  readonly makers: Map<string, OnnxNode>;
  /** Outputs of nodes already written, by what the nodes say. */
  readonly known: Map<string, readonly string[]>;
}

function shapeConstant(draft: Draft, shape: Shape): string {
  const name = `shape_${shape.join("x")}`;
  if (!draft.shapes.has(name)) {
    const bytes = new Uint8Array(BigInt64Array.from(shape, BigInt).buffer);
    draft.constants.push({ name, type: "int64", shape: [shape.length], bytes });
    draft.shapes.set(name, [shape.length]);
  }
  return name;
}

/** The shape of a value; one that no value has where it is not known. */
function shapeOf(draft: Draft, name: string): Shape {
  return draft.shapes.get(name) ?? [-1];
}

/** Writes a node, unless one that says the same is there already. */
function write(draft: Draft, node: OnnxNode): void {
  const attributes = Object.entries(node.attributes ?? {});
  const key = JSON.stringify([node.op, node.domain ?? "", node.inputs, attributes, node.outputs.length]);
  const same = draft.known.get(key);
  if (same) {
    node.outputs.forEach((output, at) => {
      draft.aliases.set(output, same[at] as string);
    });
    return;
  }
  draft.known.set(key, node.outputs);
  draft.nodes.push(node);
  for (const output of node.outputs) draft.makers.set(output, node);
}

/** Writes `output` as `source` expanded to `shape`. */
function writeExpand(draft: Draft, source: string, output: string, shape: Shape): void {
  const from = draft.narrow.get(source) ?? source;
  draft.shapes.set(output, shape);
  draft.narrow.set(output, from);
  write(draft, { op: "Expand", inputs: [from, shapeConstant(draft, shape)], outputs: [output] });
}

/** Writes `output` as `source` in another shape. */
function writeReshape(draft: Draft, source: string, output: string, shape: Shape): void {
  const maker = draft.makers.get(source);
  const from = maker?.op === "Reshape" ? (maker.inputs[0] as string) : source;
  const narrow = draft.narrow.get(from);
  draft.shapes.set(output, shape);
  if (isSame(shapeOf(draft, from), shape)) draft.aliases.set(output, from);
  else if (narrow !== undefined && isSame(shapeOf(draft, narrow), [])) {
    writeExpand(draft, narrow, output, shape);
  } else write(draft, { op: "Reshape", inputs: [from, shapeConstant(draft, shape)], outputs: [output] });
}

/** The input that an operation leaves as it is: x of x + 0, 1 · x, … */
function unchangedInput(
  draft: Draft,
  { op }: OnnxNode,
  inputs: readonly string[],
  shape: Shape,
): string | undefined {
  const neutral = NEUTRAL[op];
  if (!neutral) return undefined;
  const isNeutral = (name: string | undefined) =>
    name !== undefined && draft.scalars.get(draft.narrow.get(name) ?? name) === neutral.value;
  const [left, right] = inputs as [string, string];
  const fits = (name: string) => isSame(shapeOf(draft, name), shape);
  if (isNeutral(right) && fits(left)) return left;
  return neutral.isOnEitherSide && isNeutral(left) && fits(right) ? right : undefined;
}

/** An element-wise node: reads the small tensors behind expanded ones where the result is the same. */
function rewriteBroadcasting(draft: Draft, node: OnnxNode): void {
  const [output] = node.outputs as [string];
  if (!node.inputs.every((name) => draft.shapes.has(name))) {
    write(draft, node);
    return;
  }
  const shape = broadcast(node.inputs.map((name) => shapeOf(draft, name)));
  const inputs = node.inputs.map((name) => draft.narrow.get(name) ?? name);
  const narrowShape = broadcast(inputs.map((name) => shapeOf(draft, name)));
  const unchanged = unchangedInput(draft, node, node.inputs, shape);
  draft.shapes.set(output, shape);
  if (unchanged !== undefined) draft.aliases.set(output, unchanged);
  else if (isSame(narrowShape, shape)) write(draft, { ...node, inputs });
  else if (sizeOf(narrowShape) === sizeOf(shape)) write(draft, node);
  else {
    const small = `${output}_narrow`;
    write(draft, { ...node, inputs, outputs: [small] });
    const result = draft.aliases.get(small) ?? small;
    draft.shapes.set(result, narrowShape);
    writeExpand(draft, result, output, shape);
  }
}

/** A product of matrices broadcasts the axes before the last two. */
function rewriteMatMul(draft: Draft, node: OnnxNode): void {
  const inputs = node.inputs.map((name) => {
    const narrow = draft.narrow.get(name);
    const [full, small] = [draft.shapes.get(name), draft.shapes.get(narrow ?? name)];
    if (narrow === undefined || !full || !small || small.length !== full.length) return name;
    return isSame(full.slice(-2), small.slice(-2)) ? narrow : name;
  });
  const batch = (names: readonly string[]) =>
    broadcast(names.map((name) => (draft.shapes.get(name) ?? []).slice(0, -2)));
  write(draft, isSame(batch(inputs), batch(node.inputs)) ? { ...node, inputs } : node);
}

function rewriteTranspose(draft: Draft, node: OnnxNode): void {
  const [source] = node.inputs as [string];
  const [output] = node.outputs as [string];
  const perm = node.attributes?.["perm"] as readonly number[];
  const maker = draft.makers.get(source);
  const inner = maker?.op === "Transpose" ? (maker.attributes?.["perm"] as readonly number[]) : undefined;
  const combined = inner ? perm.map((axis) => inner[axis] as number) : perm;
  const from = inner ? (maker?.inputs[0] as string) : source;
  const shape = draft.shapes.get(from);
  const moved = shape ? combined.filter((axis) => shape[axis] !== 1) : combined;
  const keepsOrder = moved.every((axis, at) => at === 0 || (moved[at - 1] as number) < axis);
  if (combined.every((axis, at) => axis === at)) draft.aliases.set(output, from);
  else if (shape && keepsOrder)
    writeReshape(
      draft,
      from,
      output,
      combined.map((axis) => shape[axis] as number),
    );
  else write(draft, { ...node, inputs: [from], attributes: { perm: combined } });
}

function rewrite(draft: Draft, node: OnnxNode): void {
  const [first] = node.inputs as [string];
  const [output] = node.outputs as [string];
  const shape = draft.shapes.get(output);
  const before = draft.shapes.get(first);
  if (node.op === "Identity") draft.aliases.set(output, first);
  else if (BROADCASTING.has(node.op)) rewriteBroadcasting(draft, node);
  else if (node.op === "MatMul" || node.op === "FusedMatMul") rewriteMatMul(draft, node);
  else if (node.op === "Transpose") rewriteTranspose(draft, node);
  else if (!shape || !before) write(draft, node);
  else if (node.op === "Reshape") writeReshape(draft, first, output, shape);
  else if (node.op === "Expand" && isSame(before, shape)) draft.aliases.set(output, first);
  else if (node.op === "Expand") writeExpand(draft, first, output, shape);
  else if (/^Reduce/.test(node.op) && sizeOf(before) === sizeOf(shape))
    writeReshape(draft, first, output, shape);
  else write(draft, node);
}

/** Nodes and constants that the outputs need, in the same order. */
export function alive(
  nodes: readonly OnnxNode[],
  constants: readonly OnnxConstant[],
  outputs: readonly string[],
) {
  const needed = new Set(outputs);
  const kept = nodes.toReversed().filter((node) => {
    if (!node.outputs.some((name) => needed.has(name))) return false;
    for (const name of node.inputs) needed.add(name);
    return true;
  });
  return { nodes: kept.reverse(), constants: constants.filter(({ name }) => needed.has(name)) };
}

/**
 * The smaller graph. Every graph output is written by a node of its own (an Identity where it would otherwise be an
 * input, a constant or another output).
 */
export function optimize({
  nodes,
  constants,
  outputs,
  shapes,
}: TracedNodes): Pick<TracedNodes, "nodes" | "constants"> {
  const draft: Draft = {
    nodes: [],
    constants: [...constants],
    shapes: new Map(shapes),
    scalars: new Map(
      constants.flatMap((each) => {
        const value = scalarOf(each);
        return value === undefined ? [] : [[each.name, value] as const];
      }),
    ),
    aliases: new Map(),
    narrow: new Map(),
    makers: new Map(),
    known: new Map(),
  };
  for (const { name, shape } of constants) draft.shapes.set(name, shape);
  const resolve = (name: string): string => draft.aliases.get(name) ?? name;
  for (const node of nodes) {
    const inputs = node.inputs.map(resolve);
    rewrite(draft, { ...node, inputs });
    // An alias always points at a value that is written: chains are cut as they form.
    for (const output of node.outputs) draft.aliases.set(output, resolve(resolve(output)));
  }
  const returned = outputs.map(({ name }) => resolve(name));
  const needed = alive(draft.nodes, draft.constants, returned);
  const fused = fuse({ ...draft, nodes: needed.nodes, outputs: new Set(returned) });
  const written = new Set(fused.flatMap((node) => node.outputs));
  const renamed = new Map<string, string>();
  const copies: OnnxNode[] = [];
  for (const { name } of outputs) {
    const source = resolve(name);
    if (written.has(source) && !renamed.has(source)) renamed.set(source, name);
    else copies.push({ op: "Identity", inputs: [source], outputs: [name] });
  }
  const rename = (name: string): string => renamed.get(name) ?? name;
  const named = [...fused, ...copies].map((node) => ({
    ...node,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
  }));
  return alive(
    named,
    needed.constants,
    outputs.map(({ name }) => name),
  );
}
