/**
 * @module Which runtime is in use: the C API where koffi and the library load, else the npm binding.
 */
import { messageOf } from "../../core/errors.js";
import { memoized } from "../../core/memoized.js";
import type { Runtime, RuntimeOptions } from "./session.js";

interface Found {
  readonly runtime: Runtime;
  /** Why it is not the C API. */
  readonly reason?: string;
}

async function load(binding: RuntimeOptions["binding"]): Promise<Found> {
  const npm = async (): Promise<Runtime> => (await import("./npmBinding.js")).npmBinding;
  if (binding === "npm") return { runtime: await npm() };
  try {
    const [{ loadApi }, { capi }] = await Promise.all([import("./capi/api.js"), import("./capi/capi.js")]);
    return { runtime: capi(await loadApi()) };
  } catch (error) {
    if (binding === "c") throw error;
    return { runtime: await npm(), reason: messageOf(error) };
  }
}

const found = memoized(load);

/** Loads each once. @throws CompileError when the binding that is asked for does not load */
export function findRuntime(binding?: RuntimeOptions["binding"]): Promise<Found> {
  return found(binding);
}
