/**
 * @module Runs a function on the tracing backend and returns the graph it writes.
 */
import { dirname, relative, sep } from "node:path";
import { CompileError } from "../core/errors.js";
import { bytesOf, type ExternalArray, sizeOf } from "../core/ndarray.js";
import { type Tensor, tf } from "../core/tf.js";
import { zip } from "../core/zip.js";
import { freeRows, TRIAL_ROWS } from "./freeRows.js";
import { ELEMENTWISE } from "./kernels/elementwise.js";
import { INDEXING } from "./kernels/indexing.js";
import type { Input, Kernel } from "./kernels/kernel.js";
import { MATMUL } from "./kernels/matmul.js";
import { OPERATORS } from "./kernels/operators.js";
import { QUANTIZED } from "./kernels/quantized.js";
import { REDUCE } from "./kernels/reduce.js";
import { SHAPE } from "./kernels/shape.js";
import { type OnnxGraph, writeModel } from "./onnxWriter.js";
import { overwrites } from "./overwrites.js";
import type { LoadableGraph, Port } from "./runtime/session.js";
import { callSite, type FinishOptions, TRACER_BACKEND, type Traced, Tracer, tracedType } from "./tracer.js";
import { flatten, leafPaths, type Structure, unflatten } from "./tree.js";

/** Every kernel that can be compiled. */
export const KERNELS: Readonly<Record<string, Kernel>> = {
  ...ELEMENTWISE,
  ...SHAPE,
  ...REDUCE,
  ...MATMUL,
  ...INDEXING,
  ...QUANTIZED,
  ...OPERATORS,
};

export interface Signature {
  readonly structure: Structure;
  readonly leaves: readonly Leaf[];
}

/** What of an argument counts for the graph. */
type Leaf = Pick<ExternalArray, "shape" | "dtype"> | ExternalArray;

export interface TracedGraph extends LoadableGraph {
  readonly outputStructure: Structure;
}

export interface TraceOptions extends FinishOptions {
  /** Whether bfloat16 arguments come as bits (uint16), for runtimes that do not take the type. Default: false. */
  readonly takesBits?: boolean;
  /** Whether nodes are of ONNX's own operators, for what lacks ONNX Runtime's. Default: false. */
  readonly isPlain?: boolean;
  /** Whether float32 results of two axes and more come as bfloat16. Default: false. */
  readonly narrows?: boolean;
  /** Leaves whose first axis may have any length, the same in all. Default: every length is fixed. */
  readonly isFree?: (leaf: number) => boolean;
}

export const isExternal = (leaf: object): leaf is ExternalArray => "file" in leaf;

/** The deepest folder that holds all files. */
function commonFolder(files: readonly string[]): string | undefined {
  const [first, ...rest] = files.map((file) => dirname(file).split(sep));
  if (!first) return undefined;
  const shared = first.findIndex((part, at) => rest.some((other) => other[at] !== part));
  return (shared < 0 ? first : first.slice(0, shared)).join(sep) || sep;
}

/** Makes the arguments' tensors, and says which are inputs of the graph. */
function declare(tracer: Tracer, { structure, leaves }: Signature, { takesBits = false }: TraceOptions) {
  const folder = commonFolder(leaves.filter(isExternal).map(({ file }) => file));
  const inputs: Port[] = [];
  const tensors = zip(leafPaths(structure), leaves).map(([{ path }, leaf]) => {
    const { shape, dtype } = leaf;
    const name = `in${path}`;
    if (folder !== undefined && isExternal(leaf)) {
      const location = relative(folder, leaf.file).replaceAll(sep, "/");
      const length = bytesOf(leaf);
      tracer.fileConstant({ name, type: dtype, shape, external: { location, offset: leaf.offset, length } });
      return tracer.argument(name, shape, dtype);
    }
    const isBits = takesBits && dtype === "bfloat16";
    inputs.push({ name, type: isBits ? "uint16" : dtype, shape });
    return tracer.argument(name, shape, dtype, isBits);
  });
  return { inputs, tensors, ...(folder === undefined ? {} : { folder }) };
}

/** Makes the kernels known to TensorFlow.js; those without a mapping throw by name. Does nothing the second time. */
function registerKernels(): void {
  if (tf.getKernel("Add", TRACER_BACKEND)) return;
  for (const [kernelName, kernel] of Object.entries(KERNELS)) {
    tf.registerKernel({
      kernelName,
      backendName: TRACER_BACKEND,
      kernelFunc: ({ inputs, attrs, backend }) => {
        const tracer = backend as Tracer;
        const named = inputs as Readonly<Record<string, Input>>;
        const input = (name: string): Input => {
          const found = named[name];
          if (!found) throw new CompileError(`${kernelName}: missing input: ${name}`);
          return found;
        };
        const inputList = Object.values(named).filter((each) => each !== undefined && each !== null);
        const results = kernel({
          tracer,
          input,
          inputs: inputList,
          name: (name) => tracer.nameOf(input(name)),
          attrs: attrs ?? {},
        });
        // What is empty needs no computing, and some ONNX operators refuse to.
        const filled = [results].flat().map((result) => {
          const { shape, dtype } = result;
          return sizeOf(shape) > 0 ? result : tracer.result(tracer.fill(0, shape, dtype), shape, dtype);
        });
        return Array.isArray(results) ? filled : (filled[0] as Traced);
      },
    });
  }
  const kernelNames = Object.values(tf).filter(
    (value) => typeof value === "string" && /^_?[A-Z]/.test(value),
  ) as string[];
  for (const kernelName of new Set(kernelNames)) {
    if (kernelName in KERNELS) continue;
    tf.registerKernel({
      kernelName,
      backendName: TRACER_BACKEND,
      kernelFunc: ({ inputs, backend }) => {
        const shapes = Object.entries(inputs).map(([name, each]) => `${name} [${(each as Input).shape}]`);
        throw new CompileError(
          `${(backend as Tracer).functionName}: no ONNX mapping for the TensorFlow.js kernel ${kernelName} ` +
            `(${shapes.join(", ")}) called at ${callSite()}: use other operations or add it to src/compile/kernels`,
        );
      },
    });
  }
}

/** A graph before it is written. */
interface Draft extends Omit<TracedGraph, "bytes"> {
  readonly graph: OnnxGraph;
}

type Traceable = (args: unknown) => unknown;

/**
 * Traces `fn`, which takes one tree, for arrays of these shapes.
 * @throws CompileError for a kernel without a mapping, a value read while tracing, an outside tensor, or a function that
 *   is another one for another number of rows where these are free
 */
export function trace(
  fn: Traceable,
  name: string,
  signature: Signature,
  options: TraceOptions = {},
): TracedGraph {
  const { isFree } = options;
  if (!isFree) {
    const { graph, ...rest } = draft(fn, name, signature, options);
    return { ...rest, overwrites: overwrites(graph), bytes: writeModel(graph) };
  }
  const [one, other] = TRIAL_ROWS.map((rows) => {
    const leaves = signature.leaves.map((leaf, at) =>
      isFree(at) ? { ...leaf, shape: [rows, ...leaf.shape.slice(1)] } : leaf,
    );
    return draft(fn, name, { ...signature, leaves }, options);
  }) as [Draft, Draft];
  const { graph: _, ...rest } = one;
  const graph = freeRows(one.graph, other.graph);
  const [inputs, outputs] = [zip(rest.inputs, graph.inputs), zip(rest.outputs, graph.outputs)];
  return {
    ...rest,
    inputs: inputs.map(([port, { shape }]) => ({ ...port, shape })),
    outputs: outputs.map(([port, { shape }]) => ({ ...port, shape })),
    overwrites: overwrites(graph),
    bytes: writeModel(graph),
  };
}

function draft(fn: Traceable, name: string, signature: Signature, options: TraceOptions): Draft {
  registerKernels();
  tf.backend(); // starts one if none has been used yet
  const previous = tf.getBackend();
  const tracer = new Tracer(name, options.isPlain);
  tf.registerBackend(TRACER_BACKEND, () => tracer);
  void tf.setBackend(TRACER_BACKEND);
  tf.engine().startScope(name);
  try {
    const { inputs, tensors, ...files } = declare(tracer, signature, options);
    const result = fn(unflatten(signature.structure, tensors));
    if (tracer.failure) throw tracer.failure;
    if (result instanceof Promise) {
      throw new CompileError(`${name}: invalid result: a promise: the function must not be async`);
    }
    const { leaves, structure: outputStructure } = flatten<Tensor>(result);
    const outputs = zip(leafPaths(outputStructure), leaves).map(([{ path }, tensor]) => {
      const dtype = tracedType(tensor.dtype, `${name}: output ${path}`);
      const { shape } = tensor;
      const isNarrow = options.narrows === true && dtype === "float32" && shape.length > 1;
      const type = isNarrow ? ("bfloat16" as const) : dtype === "bool" ? ("int32" as const) : dtype;
      return { name: tracer.output(`out${path}`, tensor, isNarrow), type, shape };
    });
    return {
      graph: tracer.finish(inputs, outputs, options),
      inputs,
      outputs,
      ...files,
      outputStructure,
    };
  } finally {
    tf.engine().endScope();
    void tf.setBackend(previous);
    tf.removeBackend(TRACER_BACKEND);
  }
}
