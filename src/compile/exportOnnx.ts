/**
 * @module Writes a function as an `.onnx` file that any runtime can load.
 */
import type { HostArgs } from "./jit.js";
import { type Signature, trace } from "./trace.js";
import { flatten } from "./tree.js";

/**
 * The model that `jit` would run for arguments of these shapes, of ONNX's own operators (quantized products are ONNX
 * Runtime's). Inputs are named by their place in the arguments,
 * `in/0/weights/bias`, outputs by theirs in the result, `out/loss`.
 * @param example arguments whose shapes and dtypes count, not their numbers
 */
export function exportOnnx<Args extends readonly unknown[]>(
  fn: (...args: Args) => unknown,
  name: string,
  example: HostArgs<Args>,
): Uint8Array {
  const signature: Signature = flatten(example);
  return trace((args) => fn(...(args as Args)), name, signature, { isPlain: true }).bytes;
}
