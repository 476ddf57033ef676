/**
 * @module Writes an ONNX model: the subset of the protobuf format that a traced graph needs. Constants are raw bytes.
 */
import { FREE } from "./runtime/session.js";

export type OnnxType =
  | "float32"
  | "int32"
  | "int64"
  | "bool"
  | "float64"
  | "uint8"
  | "uint16"
  | "float16"
  | "bfloat16";

/** Integers are written as INT; wrap a float: `{ float: 0.5 }`. */
export type Attribute = number | { readonly float: number } | string | readonly number[];

export interface OnnxNode {
  readonly op: string;
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

export interface OnnxValue {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly number[];
}

/** Numbers written into the model. */
export interface InlineConstant extends OnnxValue {
  readonly bytes: Uint8Array;
}

/** Numbers in another file. */
export interface FileConstant extends OnnxValue {
  readonly external: {
    /** Path relative to the folder that the session is given. */
    readonly location: string;
    readonly offset: number;
    readonly length: number;
  };
}

export type OnnxConstant = InlineConstant | FileConstant;

export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly constants: readonly OnnxConstant[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

/** The usual version of the operators, and that of graphs that reinterpret bits, which older runtimes do not read. */
const USUAL = { ir: 10, opset: 23 } as const;
const WITH_BIT_CAST = { ir: 12, opset: 26 } as const;
/** ONNX's number for each type, as `Cast` takes it. */
export const ONNX_TYPE_CODE: Readonly<Record<OnnxType, number>> = {
  float32: 1,
  uint8: 2,
  uint16: 4,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  bfloat16: 16,
};
const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, ints: 7 } as const;

const encoder = new TextEncoder();

/** Pieces of a message, joined once at the end. */
type Bytes = readonly Uint8Array[];

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value < 0 ? BigInt.asUintN(64, BigInt(value)) : BigInt(value);
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 128 : low);
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}

const lengthOf = (bytes: Bytes): number => bytes.reduce((sum, piece) => sum + piece.length, 0);
const int = (field: number, value: number): Bytes => [varint(field * 8), varint(value)];
const message = (field: number, bytes: Bytes): Bytes => [
  varint(field * 8 + 2),
  varint(lengthOf(bytes)),
  ...bytes,
];
const text = (field: number, value: string): Bytes => message(field, [encoder.encode(value)]);

function float(field: number, value: number): Bytes {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return [varint(field * 8 + 5), bytes];
}

function attribute(name: string, value: Attribute): Bytes {
  if (typeof value === "number") return [...text(1, name), ...int(3, value), ...int(20, ATTRIBUTE_TYPE.int)];
  if (typeof value === "string")
    return [...text(1, name), ...text(4, value), ...int(20, ATTRIBUTE_TYPE.string)];
  if ("float" in value) return [...text(1, name), ...float(2, value.float), ...int(20, ATTRIBUTE_TYPE.float)];
  return [...text(1, name), ...value.flatMap((each) => int(8, each)), ...int(20, ATTRIBUTE_TYPE.ints)];
}

function node({ op, domain, inputs, outputs, attributes = {} }: OnnxNode): Bytes {
  return [
    ...inputs.flatMap((name) => text(1, name)),
    ...outputs.flatMap((name) => text(2, name)),
    ...text(4, op),
    ...Object.entries(attributes).flatMap(([name, value]) => message(5, attribute(name, value))),
    ...(domain ? text(7, domain) : []),
  ];
}

function valueInfo({ name, type, shape }: OnnxValue): Bytes {
  const dimensions = shape.flatMap((side) => message(1, side === FREE ? text(2, "rows") : int(1, side)));
  const tensorType = [...int(1, ONNX_TYPE_CODE[type]), ...message(2, dimensions)];
  return [...text(1, name), ...message(2, message(1, tensorType))];
}

/** Where the numbers of a constant stand: field 14 says "in another file", field 13 where there. */
function external({ location, offset, length }: FileConstant["external"]): Bytes {
  const entry = (key: string, value: string) => message(13, [...text(1, key), ...text(2, value)]);
  return [
    ...entry("location", location),
    ...entry("offset", String(offset)),
    ...entry("length", String(length)),
    ...int(14, 1),
  ];
}

function constant(each: OnnxConstant): Bytes {
  return [
    ...each.shape.flatMap((side) => int(1, side)),
    ...int(2, ONNX_TYPE_CODE[each.type]),
    ...text(8, each.name),
    ...("external" in each ? external(each.external) : message(9, [each.bytes])),
  ];
}

/** The model as the bytes of an `.onnx` file. */
export function writeModel(graph: OnnxGraph): Uint8Array {
  const graphBytes = [
    ...graph.nodes.flatMap((each) => message(1, node(each))),
    ...text(2, graph.name),
    ...graph.constants.flatMap((each) => message(5, constant(each))),
    ...graph.inputs.flatMap((each) => message(11, valueInfo(each))),
    ...graph.outputs.flatMap((each) => message(12, valueInfo(each))),
  ];
  const version = graph.nodes.some(({ op }) => op === "BitCast") ? WITH_BIT_CAST : USUAL;
  const opset = (domain: string, number: number) => message(8, [...text(1, domain), ...int(2, number)]);
  const model = [
    ...int(1, version.ir),
    ...text(2, "sharegrpo"),
    ...message(7, graphBytes),
    ...opset("", version.opset),
    ...opset("com.microsoft", 1),
  ];
  const bytes = new Uint8Array(lengthOf(model));
  let at = 0;
  for (const piece of model) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
