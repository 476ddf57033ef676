/**
 * @module The tracing backend: TensorFlow.js kernels called on it are written down as ONNX nodes instead of computed.
 */
import { CompileError } from "../core/errors.js";
import { type DType, type NarrowType, sizeOf } from "../core/ndarray.js";
import { type Tensor, tf } from "../core/tf.js";
import {
  type Attribute,
  type FileConstant,
  ONNX_TYPE_CODE,
  type OnnxConstant,
  type OnnxGraph,
  type OnnxNode,
  type OnnxType,
} from "./onnxWriter.js";
import { optimize } from "./optimize.js";
import { inPrecision, type LowerOptions } from "./precision.js";
import { turnThinProducts } from "./thinProducts.js";

export type TracedType = "float32" | "int32" | "bool";
/** What an argument's numbers may be. */
export type LeafType = DType | NarrowType;
export const TRACER_BACKEND = "onnx-tracer";

/** What a kernel returns to TensorFlow.js: a handle with a shape, no numbers. */
export interface Traced {
  readonly dataId: object;
  readonly shape: number[];
  readonly dtype: TracedType;
}

interface Slot {
  readonly name: string;
  references: number;
}

/** The dtype of a TensorFlow.js tensor as one that graphs know. @throws CompileError for strings and complex numbers */
export function tracedType(dtype: string, where: string): TracedType {
  if (dtype === "float32" || dtype === "int32" || dtype === "bool") return dtype;
  throw new CompileError(`${where}: unsupported dtype: ${dtype}: use float32, int32 or bool`);
}

/** Whether a function is being traced for a runtime that has more than ONNX's own operators. */
export function hasFusedOperators(): boolean {
  return tf.getBackend() === TRACER_BACKEND && !(tf.backend() as Tracer).isPlain;
}

/** First stack frame outside TensorFlow.js and the compiler: where the person's code is. */
export function callSite(): string {
  const usual = Error.stackTraceLimit;
  Error.stackTraceLimit = 100;
  const frames = (new Error().stack ?? "").split("\n").slice(1);
  Error.stackTraceLimit = usual;
  const frame = frames.find(
    (line) => !/node_modules|[\\/]src[\\/]compile[\\/]|node:internal|<anonymous>/.test(line),
  );
  return (frame ?? "").trim().replace(/^at /, "");
}

const WIDENED: Readonly<Record<NarrowType, "float32" | "int32">> = {
  bfloat16: "float32",
  float16: "float32",
  uint8: "int32",
};

function bytesOf(values: ArrayLike<number>, type: OnnxType): Uint8Array {
  if (type === "int64") return new Uint8Array(BigInt64Array.from(Array.from(values), BigInt).buffer);
  if (type === "uint8") return Uint8Array.from(values);
  if (type === "bool") return Uint8Array.from(values, (value) => (value ? 1 : 0));
  if (type === "float64") return new Uint8Array(Float64Array.from(values).buffer);
  const numbers = type === "float32" ? Float32Array.from(values) : Int32Array.from(values);
  return new Uint8Array(numbers.buffer);
}

const UNIFORM_FROM = 64;

/** How what was traced is written. */
export interface FinishOptions {
  /** What products compute with. Default: float32. */
  readonly lower?: LowerOptions;
  /** Whether matrices from outside stand on the left of products of few rows, as suits a processor. Default: false. */
  readonly turnsThin?: boolean;
}

/** A graph under construction, posing as a TensorFlow.js backend. */
export class Tracer extends tf.KernelBackend {
  private readonly nodes: OnnxNode[] = [];
  private readonly constants: OnnxConstant[] = [];
  private readonly constantNames = new Map<string, string>();
  private readonly slots = new Map<object, Slot>();
  private readonly shapes = new Map<string, readonly number[]>();
  /** Values that are no floating-point numbers. */
  private readonly whole = new Set<string>();
  /** Arguments of narrow types as they are, by what they are widened to. */
  private readonly narrow = new Map<object, string>();
  private names = 0;
  /** What went wrong without stopping the function. */
  failure: CompileError | undefined;

  constructor(
    readonly functionName: string,
    /** Whether nodes are of ONNX's own operators alone. */
    readonly isPlain = false,
  ) {
    super();
  }

  private freshName(): string {
    return `v${this.names++}`;
  }

  /** Writes a node with one output and returns the output's name. */
  emit(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    domain?: string,
  ): string {
    const name = this.freshName();
    this.nodes.push({ op, inputs, outputs: [name], attributes, ...(domain ? { domain } : {}) });
    return name;
  }

  /** Writes a node with several outputs. */
  emitMany(
    op: string,
    inputs: readonly string[],
    count: number,
    attributes: Readonly<Record<string, Attribute>>,
  ): string[] {
    const outputs = Array.from({ length: count }, () => this.freshName());
    this.nodes.push({ op, inputs, outputs, attributes });
    return outputs;
  }

  /** The name of a constant; equal constants share one, long uniform ones are made inside the graph. */
  constant(values: ArrayLike<number>, shape: readonly number[], type: OnnxType): string {
    const first = values[0];
    if (
      values.length >= UNIFORM_FROM &&
      Array.prototype.every.call(values, (value) => Object.is(value, first))
    ) {
      return this.fill(first as number, shape, type);
    }
    const bytes = bytesOf(values, type);
    const key = bytes.length <= 256 ? `${type}[${shape}]${Buffer.from(bytes).toString("latin1")}` : undefined;
    const known = key === undefined ? undefined : this.constantNames.get(key);
    if (known !== undefined) return known;
    const name = this.freshName();
    this.constants.push({ name, type, shape, bytes });
    if (key !== undefined) this.constantNames.set(key, name);
    return name;
  }

  /** A scalar or one-element vector of integers, as shapes and axes are given. */
  integers(values: readonly number[]): string {
    return this.constant(values, [values.length], "int64");
  }

  /** A uniform tensor, expanded from a scalar inside the graph. */
  fill(value: number, shape: readonly number[], type: OnnxType): string {
    if (sizeOf(shape) === 0) return this.constant([], shape, type);
    const scalar = this.constant([value], [], type);
    return shape.length === 0 ? scalar : this.emit("Expand", [scalar, this.integers(shape)]);
  }

  /** Hands a graph value to TensorFlow.js. */
  result(name: string, shape: readonly number[], dtype: TracedType): Traced {
    const dataId = {};
    this.slots.set(dataId, { name, references: 1 });
    this.shapes.set(name, shape);
    if (dtype !== "float32") this.whole.add(name);
    return { dataId, shape: [...shape], dtype };
  }

  /** The graph name of a tensor. */
  nameOf(tensor: { readonly dataId: object }): string {
    const slot = this.slots.get(tensor.dataId);
    if (!slot) {
      throw new CompileError(
        `${this.functionName}: a tensor made outside is used while compiling (${callSite()}): pass it as an argument`,
      );
    }
    return slot.name;
  }

  /** An argument as a tensor: a narrow one widened, from bits where the graph's input holds bits. */
  argument(name: string, shape: readonly number[], dtype: LeafType, isBits = false): Tensor {
    const wide = dtype === "float32" || dtype === "int32" ? dtype : WIDENED[dtype];
    const typed = isBits ? this.emit("BitCast", [name], { to: ONNX_TYPE_CODE[dtype] }) : name;
    const value = wide === dtype ? name : this.emit("Cast", [typed], { to: ONNX_TYPE_CODE[wide] });
    const handle = this.result(value, shape, wide);
    if (wide !== dtype) this.narrow.set(handle.dataId, typed);
    this.shapes.set(typed, shape);
    return tf.engine().makeTensorFromDataId(handle.dataId, handle.shape, wide, this);
  }

  /** A constant whose numbers are in a file. */
  fileConstant(constant: FileConstant): void {
    this.constants.push(constant);
  }

  /** Graph name of an argument's uint8 numbers. @throws CompileError when the tensor is no such argument */
  bytesOf(tensor: { readonly dataId: object }): string {
    const name = this.narrow.get(tensor.dataId);
    if (name !== undefined) return name;
    throw new CompileError(
      `${this.functionName}: packed weights that were computed (${callSite()}): pass them as uint8 arguments`,
    );
  }

  /** Gives a tensor the name of an output; truth values become 0 and 1. @param isNarrow a float32 one as bfloat16 */
  output(name: string, tensor: tf.TensorInfo, isNarrow = false): string {
    const inputs = [this.nameOf(tensor)];
    const to = tensor.dtype === "bool" ? "int32" : isNarrow ? "bfloat16" : undefined;
    this.nodes.push(
      to
        ? { op: "Cast", inputs, outputs: [name], attributes: { to: ONNX_TYPE_CODE[to] } }
        : { op: "Identity", inputs, outputs: [name] },
    );
    return name;
  }

  finish(
    inputs: OnnxGraph["inputs"],
    outputs: OnnxGraph["outputs"],
    { lower, turnsThin = false }: FinishOptions = {},
  ): OnnxGraph {
    const { nodes, constants, shapes, whole } = this;
    const small = optimize({ nodes, constants, outputs, shapes });
    const written = { name: this.functionName, ...small, inputs, outputs };
    const graph = turnsThin ? turnThinProducts(written, shapes) : written;
    return lower ? inPrecision(graph, { ...lower, isWhole: (name) => whole.has(name) }) : graph;
  }

  // --- what TensorFlow.js asks of a backend ---

  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): object {
    const type = tracedType(dtype, this.functionName);
    const dataId = {};
    this.slots.set(dataId, { name: this.constant(values as ArrayLike<number>, shape, type), references: 1 });
    return dataId;
  }

  override move(
    dataId: object,
    values: tf.BackendValues,
    shape: number[],
    dtype: tf.DataType,
    references: number,
  ): void {
    const name = this.constant(values as ArrayLike<number>, shape, tracedType(dtype, this.functionName));
    this.slots.set(dataId, { name, references });
  }

  override readSync(): never {
    throw this.readError();
  }

  /** The promise stays open: whoever waits for it is told by `failure`, and nobody by an unhandled rejection. */
  override read(): Promise<never> {
    this.failure ??= this.readError();
    return new Promise(() => undefined);
  }

  private readError(): CompileError {
    return new CompileError(
      `${this.functionName}: a value was read while compiling (${callSite()}): values exist only when the graph runs; compute with tensors`,
    );
  }

  override refCount(dataId: object): number {
    return this.slots.get(dataId)?.references ?? 0;
  }

  override incRef(dataId: object): void {
    const slot = this.slots.get(dataId);
    if (slot) slot.references++;
  }

  decRef(dataId: object): void {
    const slot = this.slots.get(dataId);
    if (slot) slot.references--;
  }

  override disposeData(dataId: object, force = false): boolean {
    const slot = this.slots.get(dataId);
    if (slot && !force && --slot.references > 0) return false;
    this.slots.delete(dataId);
    return true;
  }

  override numDataIds(): number {
    return this.slots.size;
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: true };
  }

  override dispose(): void {
    this.slots.clear();
  }
}
