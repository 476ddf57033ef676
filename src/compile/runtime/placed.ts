/**
 * @module Arrays that many runs read, where the runs read them: as they are for the CPU, copies in its memory for a card.
 */
import type { Params } from "../../core/ndarray.js";
import { findRuntime } from "./runtime.js";
import type { DeviceMemory, GraphArray, RuntimeOptions } from "./session.js";

/** Named arguments of compiled functions. */
export type Arrays = Readonly<Record<string, GraphArray>>;

export interface Placed {
  readonly arrays: Arrays;
  /** Frees the copies. */
  dispose(): void;
}

/** Whether graphs of these options read arrays elsewhere than on the host. */
export function isKept({ device, keepsArrays = device === "cuda" }: RuntimeOptions = {}): boolean {
  return keepsArrays;
}

/** Where graphs of these options keep arrays; undefined where what they read is the host's. */
export async function memoryFor(options: RuntimeOptions = {}): Promise<DeviceMemory | undefined> {
  const { device = "cpu", binding } = options;
  return isKept(options) ? (await findRuntime(binding)).runtime.memory(device) : undefined;
}

/** Places parameters for graphs of these options. @throws CompileError when the device has no room for them */
export async function placeParams(params: Params, runtime?: RuntimeOptions): Promise<Placed> {
  const block = (await memoryFor(runtime))?.block(params);
  if (!block) return { arrays: params, dispose: () => undefined };
  block.write(params);
  return block;
}
