/**
 * @module TensorFlow.js backends on this machine, for eager mode, each with the cure where it is missing.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { CompileError, messageOf } from "../core/errors.js";
import { type Tensor, tf } from "../core/tf.js";
import {
  BINDING,
  builtBinding,
  registerBuilt,
  restoreRemovedUtilities,
  TENSORFLOW_COMMAND,
} from "./nativeTensorflow.js";

/** TensorFlow.js backends on which functions run eagerly. */
export type EagerBackend = "cpu" | "wasm" | "tensorflow";

export interface BackendInfo {
  readonly name: string;
  readonly isAvailable: boolean;
  /** One line: what it is, and if it is missing, what to do. */
  readonly note: string;
}

const NATIVE_PACKAGES = ["@tensorflow/tfjs-node-gpu", "@tensorflow/tfjs-node"] as const;

const find = createRequire(import.meta.url);

/** Folder of an installed package, if it is installed. */
function packageFolder(name: string): string | undefined {
  try {
    return dirname(find.resolve(`${name}/package.json`));
  } catch {
    return undefined;
  }
}

/**
 * The native TensorFlow package that can be loaded. Its binary is looked for first: importing the package without it
 * fails only after warnings by the hundred.
 */
export function nativePackage(): string | undefined {
  return NATIVE_PACKAGES.find((name) => {
    const folder = packageFolder(name);
    return folder !== undefined && existsSync(join(folder, BINDING));
  });
}

/** A gather's gradient, which the wasm backend has no kernel for, as a scatter, which adds. */
function registerSegmentSum(): void {
  tf.registerKernel({
    kernelName: tf.UnsortedSegmentSum,
    backendName: "wasm",
    kernelFunc: ({ inputs, attrs }) => {
      const [x, ids] = [inputs["x"], inputs["segmentIds"]] as [Tensor, Tensor];
      const shape = [attrs?.["numSegments"] as number, ...x.shape.slice(ids.rank)];
      return tf.scatterND(tf.expandDims(ids, -1), x, shape);
    },
  });
}

/**
 * Loads a backend so that `tf.setBackend` switches to it at once.
 * @throws CompileError when it is not installed or does not start
 */
export async function loadBackend(name: EagerBackend): Promise<void> {
  if (tf.findBackend(name)) return;
  const previous = tf.getBackend();
  try {
    if (name === "wasm") {
      const { setWasmPaths } = await import("@tensorflow/tfjs-backend-wasm");
      setWasmPaths(`${join(packageFolder("@tensorflow/tfjs-backend-wasm") as string, "dist")}/`);
      registerSegmentSum();
    } else if (name === "tensorflow") {
      const native = nativePackage();
      if (builtBinding()) registerBuilt();
      else if (native) {
        restoreRemovedUtilities();
        await import(native);
      } else throw new Error(`not installed: run \`${TENSORFLOW_COMMAND}\``);
    }
    if (!(await tf.setBackend(name))) throw new Error("did not start");
  } catch (cause) {
    throw new CompileError(`backend ${name}: ${messageOf(cause)}`, { cause });
  } finally {
    if (previous) await tf.setBackend(previous);
  }
}

/** Native TensorFlow for eager mode: whether it is here, and when it pays. */
function tensorflowInfo(): BackendInfo {
  const [built, native] = [builtBinding(), nativePackage()];
  const isAvailable = built !== undefined || native !== undefined;
  const from = built ? `TensorFlow ${built.version} in ${built.tensorflow}` : `TensorFlow 2.9 of ${native}`;
  const note = isAvailable
    ? `${from}: the fastest eager mode; compiled graphs are faster`
    : `for exploring eagerly, several times as fast as wasm; commands compile graphs and need none: \`${TENSORFLOW_COMMAND}\``;
  return { name: "tensorflow", isAvailable, note };
}

/** What eager mode has here. What runs compiled graphs is tried, not listed: `runtime/devices.ts`. */
export function listBackends(): readonly BackendInfo[] {
  return [
    { name: "cpu", isAvailable: true, note: "plain JavaScript: for exploring small things" },
    {
      name: "wasm",
      isAvailable: packageFolder("@tensorflow/tfjs-backend-wasm") !== undefined,
      note: "WebAssembly with SIMD: the eager mode to prefer without native TensorFlow",
    },
    tensorflowInfo(),
  ];
}
