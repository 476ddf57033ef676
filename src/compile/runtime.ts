/**
 * @module ONNX Runtime sessions, one per compiled graph.
 *
 * `run` blocks the thread it is called on. Programs that must stay responsive keep the policy in a process of its own
 * (engine/process/engineInProcess.ts); everything below that boundary calls this module directly, without copies.
 */
import { availableParallelism } from "node:os";
import * as ort from "onnxruntime-node";
import type { DType, NdArray } from "../core/ndarray.js";

export interface RuntimeOptions {
  /** In order of preference; default `["cpu"]`. `sharegrpo doctor` lists what this machine has. */
  readonly executionProviders?: readonly string[];
  /** Threads of one operation; default: all cores. */
  readonly threads?: number;
  /**
   * Keep the graph's working memory from run to run. Faster for one big graph that runs again and again; with many
   * signatures it adds up to gigabytes, because no two graphs share what they keep. Default: false.
   */
  readonly keepsMemory?: boolean;
  /**
   * Lay the graph's working memory out beforehand, in one block. A twentieth faster for small graphs that run often;
   * for big ones of many sizes memory grows, because one's block does not fit into what another's has left. Default:
   * false.
   */
  readonly plansMemory?: boolean;
}

/** A loaded graph. */
export interface GraphSession {
  /** Inputs and outputs by name. Inputs are read in place; outputs are fresh. */
  run(inputs: readonly NamedArray[], outputs: readonly OutputInfo[]): Promise<NdArray[]>;
  release(): Promise<void>;
}

export interface NamedArray {
  readonly name: string;
  readonly array: NdArray;
}

export interface OutputInfo {
  readonly name: string;
  readonly type: DType;
  readonly shape: readonly number[];
}

function tensorOf({ dtype, data, shape }: NdArray): ort.Tensor {
  return dtype === "int32"
    ? new ort.Tensor("int32", data as Int32Array, shape)
    : new ort.Tensor("float32", data as Float32Array, shape);
}

/** Makes tensors once for memory that comes again, as parameters and caches do. */
function tensorCache(): (array: NdArray) => ort.Tensor {
  const made = new WeakMap<NdArray["data"], ort.Tensor>();
  return (array) => {
    const known = made.get(array.data);
    if (known && isSameShape(known.dims, array.shape)) return known;
    const tensor = tensorOf(array);
    made.set(array.data, tensor);
    return tensor;
  };
}

function isSameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((side, at) => side === b[at]);
}

/**
 * Loads the bytes of an `.onnx` file. Every session has threads of its own, which spin while they wait: they are told
 * to stop between runs, or else they would take a core from the next session's for tens of milliseconds.
 */
export async function createSession(model: Uint8Array, options: RuntimeOptions = {}): Promise<GraphSession> {
  const session = await ort.InferenceSession.create(model, {
    executionProviders: [...(options.executionProviders ?? ["cpu"])],
    graphOptimizationLevel: "all",
    enableCpuMemArena: options.keepsMemory ?? false,
    enableMemPattern: options.plansMemory ?? false,
    intraOpNumThreads: options.threads ?? availableParallelism(),
    interOpNumThreads: 1,
    executionMode: "sequential",
    logSeverityLevel: 3,
    extra: { session: { set_denormal_as_zero: "1", force_spinning_stop: "1" } },
  });
  const tensor = tensorCache();
  return {
    async run(inputs, outputs) {
      const feeds: Record<string, ort.Tensor> = {};
      for (const { name, array } of inputs) feeds[name] = tensor(array);
      const results = await session.run(feeds);
      return outputs.map(({ name, type, shape }): NdArray => {
        const data = results[name]?.data as Float32Array | Int32Array;
        return { dtype: type, shape, data };
      });
    },
    release: () => session.release(),
  };
}
