/**
 * @module Tries a device: a small graph is loaded, run and compared, so that what is said of a machine is what happens
 * on it.
 */
import process from "node:process";
import { CompileError, messageOf } from "../../core/errors.js";
import { given } from "../../core/given.js";
import { type NdArray, ndarray } from "../../core/ndarray.js";
import { type Tensor, tf } from "../../core/tf.js";
import { trace } from "../trace.js";
import { ADAMW_SOURCE } from "./capi/kernels/adamw.js";
import { findRuntime } from "./runtime.js";
import type { Device } from "./session.js";

/** Bytes of a card when it was asked. */
export interface CardMemory {
  /** As `NVIDIA H100 80GB HBM3`. */
  readonly name: string;
  readonly free: number;
  readonly total: number;
}

export interface Trial {
  readonly device: Device;
  /** What ran the graph. */
  readonly runtime?: string;
  /** Why the device does not work, as ONNX Runtime says it; on the CPU: why the C API does not. */
  readonly problem?: string;
  /** The card that ran the graph. */
  readonly card?: CardMemory;
  /** Libraries of CUDA and its driver that do not load here, by the loader's names. */
  readonly missing?: readonly string[];
}

/** What the CUDA provider is linked against (`readelf -d`), the driver first, and the compiler of our own kernels last. */
const CUDA_LIBRARIES = [
  ...["libcuda.so.1", "libcudart.so.13", "libcublas.so.13", "libcublasLt.so.13", "libcurand.so.10"],
  "libnvrtc.so.13",
];

/** Those that the loader does not find. */
async function missingLibraries(): Promise<string[]> {
  const { reason } = await findRuntime();
  if (reason !== undefined || process.platform !== "linux") return [];
  const { default: koffi } = await import("koffi");
  const loads = (name: string): boolean => {
    try {
      return Boolean(koffi.load(name));
    } catch {
      return false; // only a loader's refusal is thrown here
    }
  };
  return CUDA_LIBRARIES.filter((name) => !loads(name));
}

const SIDE = 32;

/** Σ x·xᵀ, which is `SIDE` to the third power for ones. */
async function sumOfProduct(device: Device) {
  const { runtime, ...reason } = await findRuntime();
  const x = ndarray(new Float32Array(SIDE * SIDE).fill(1), [SIDE, SIDE]);
  const product = (y: tf.Tensor2D): Tensor => tf.sum(tf.matMul(y, y, false, true));
  const graph = trace((y) => product(y as tf.Tensor2D), "trial", { structure: 0, leaves: [x] }, runtime);
  const session = await runtime.createSession(graph, { device });
  const [sum] = await session.run([x]);
  await session.release();
  // Training and sampling on a card run kernels of our own beside graphs.
  const card = device === "cuda" ? (await runtime.memory(device))?.card : undefined;
  card?.kernel(ADAMW_SOURCE, "squares");
  const found = (sum as NdArray).data[0];
  if (found !== SIDE ** 3) throw new CompileError(`${device}: wrong sum: ${found}, expected ${SIDE ** 3}`);
  return { name: runtime.name, ...reason, ...(card ? { card: { name: card.name, ...card.memory() } } : {}) };
}

/** Never throws; a device whose driver ends the process ends this one, too. */
export async function tryDevice(device: Device): Promise<Trial> {
  try {
    const { name, reason, card } = await sumOfProduct(device);
    return {
      device,
      runtime: name,
      ...given({ card }),
      ...(device === "cpu" && reason !== undefined ? { problem: reason } : {}),
    };
  } catch (error) {
    const missing = device === "cuda" ? await missingLibraries() : [];
    return { device, problem: messageOf(error), ...(missing.length > 0 ? { missing } : {}) };
  }
}
