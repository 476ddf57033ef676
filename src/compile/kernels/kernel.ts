/**
 * @module What a kernel entry is, and the helpers entries share.
 */
import { CompileError } from "../../core/errors.js";
import { tf } from "../../core/tf.js";
import { ONNX_TYPE_CODE, type OnnxType } from "../onnxWriter.js";
import { type Traced, type TracedType, type Tracer, tracedType } from "../tracer.js";

export type Input = tf.TensorInfo;
export type Attrs = Readonly<Record<string, unknown>>;

/** One call of a kernel, seen from the graph. */
export interface Call {
  readonly tracer: Tracer;
  /** The named input. @throws CompileError when it is missing */
  input(name: string): Input;
  /** All inputs in order, for kernels that take a list. */
  readonly inputs: readonly Input[];
  /** Graph name of the named input. */
  name(name: string): string;
  readonly attrs: Attrs;
}

export type Kernel = (call: Call) => Traced | Traced[];
export type KernelTable = Readonly<Record<string, Kernel>>;

export const typeOf = (input: Input): TracedType => tracedType(input.dtype, "kernel input");

/** Attribute as a number. */
export const number = (call: Call, name: string): number => call.attrs[name] as number;
/** Attribute as a list of numbers; a single number becomes a list. */
export const numbers = (call: Call, name: string): number[] => [call.attrs[name] as number | number[]].flat();

/** Axis counted from the front. */
export const positiveAxis = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** The shape both inputs broadcast to. */
export function broadcastShape(a: Input, b: Input): number[] {
  return tf.backend_util.assertAndGetBroadcastShape(a.shape, b.shape);
}

/** A value cast to another type. */
export function cast(call: Call, name: string, type: OnnxType): string {
  return call.tracer.emit("Cast", [name], { to: ONNX_TYPE_CODE[type] });
}

/** Graph name of an input cast to another type where needed. */
export function castTo(call: Call, input: Input, type: OnnxType): string {
  const name = call.tracer.nameOf(input);
  return input.dtype === type ? name : cast(call, name, type);
}

/** @throws CompileError saying what of a kernel cannot be compiled */
export function unsupported(kernel: string, what: string): never {
  throw new CompileError(`${kernel}: unsupported ${what} in a compiled function`);
}
