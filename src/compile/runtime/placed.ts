/**
 * @module Arrays that many runs read, where the runs read them: as they are for the CPU, copies in its memory for a card.
 */
import type { NdArray, Params } from "../../core/ndarray.js";
import { findRuntime } from "./runtime.js";
import { type GraphArray, isDeviceArray, type RuntimeOptions } from "./session.js";

export interface Placed {
  /** Arguments of compiled functions; those that are donated change where they are. */
  readonly arrays: Readonly<Record<string, GraphArray>>;
  /** Copies what has changed into host arrays of the same names. */
  readInto(params: Params): Promise<void>;
  /** Frees the copies. */
  dispose(): void;
}

/** Places parameters for graphs of these options. @throws CompileError when the device has no room for them */
export async function placeParams(
  params: Params,
  { device = "cpu", binding, keepsArrays = device === "cuda" }: RuntimeOptions = {},
): Promise<Placed> {
  const arrays: Record<string, GraphArray> = keepsArrays ? {} : params;
  const dispose = () => {
    for (const array of Object.values(arrays)) if (isDeviceArray(array)) array.dispose();
  };
  if (keepsArrays) {
    try {
      const { runtime } = await findRuntime(binding);
      for (const [name, array] of Object.entries(params)) arrays[name] = await runtime.place(array, device);
    } catch (error) {
      dispose();
      throw error;
    }
  }
  return {
    arrays,
    async readInto(into) {
      for (const [name, array] of Object.entries(arrays)) {
        if (isDeviceArray(array)) (into[name] as NdArray).data.set((await array.read()).data);
      }
    },
    dispose,
  };
}
