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

const found = memoized(async (binding: "c" | "npm"): Promise<Found> => {
  if (binding === "npm") return { runtime: (await import("./npmBinding.js")).npmBinding };
  const [{ loadApi }, { capi }] = await Promise.all([import("./capi/api.js"), import("./capi/capi.js")]);
  return { runtime: capi(await loadApi()) };
});

/** Loads each once. @throws CompileError when the binding that is asked for does not load */
export async function findRuntime(binding?: RuntimeOptions["binding"]): Promise<Found> {
  if (binding) return found(binding);
  try {
    return await found("c");
  } catch (error) {
    return { ...(await found("npm")), reason: messageOf(error) };
  }
}
