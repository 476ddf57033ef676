/**
 * @module ONNX Runtime through its npm binding: works wherever the package does, and copies every output.
 *
 * `run` blocks the thread it is called on. Programs that must stay responsive keep the policy in a process of its own
 * (engine/process/engineInProcess.ts).
 */
import { availableParallelism } from "node:os";
import * as ort from "onnxruntime-node";
import { zip } from "../../core/zip.js";
import { hostArray, hostOf } from "./hostArray.js";
import {
  type HostArray,
  isDeviceArray,
  type LoadableGraph,
  portsFor,
  type Runtime,
  type RuntimeOptions,
  type Session,
} from "./session.js";
import { sessionConfig } from "./sessionConfig.js";

/** The binding's names of dtypes; it has none for bfloat16, which it is given as bits. */
const TENSOR_TYPE = {
  float32: "float32",
  int32: "int32",
  float16: "float16",
  bfloat16: "uint16",
  uint8: "uint8",
} as const;

function tensorOf({ dtype, data, shape }: HostArray): ort.Tensor {
  return new ort.Tensor(TENSOR_TYPE[dtype], data as ort.Tensor.DataTypeMap[ort.Tensor.Type], shape);
}

/** Makes tensors once for memory that comes again, as parameters and caches do. */
function tensorCache(): (array: HostArray) => ort.Tensor {
  const made = new WeakMap<HostArray["data"], ort.Tensor>();
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

async function createSession(graph: LoadableGraph, options: RuntimeOptions = {}): Promise<Session> {
  const session = await ort.InferenceSession.create(graph.bytes, {
    executionProviders: [options.device ?? "cpu"],
    graphOptimizationLevel: options.device === "webgpu" ? "basic" : "all",
    enableCpuMemArena: options.keepsMemory ?? false,
    enableMemPattern: options.plansMemory ?? false,
    intraOpNumThreads: options.threads ?? availableParallelism(),
    interOpNumThreads: 1,
    executionMode: "sequential",
    logSeverityLevel: 3,
    extra: sessionConfig(graph, options),
  });
  const tensor = tensorCache();
  return {
    fillsOffers: false,
    async run(inputs, offers) {
      const feeds: Record<string, ort.Tensor> = {};
      for (const [{ name }, array] of zip(graph.inputs, inputs)) feeds[name] = tensor(hostOf(array));
      const results = await session.run(feeds);
      const outputs = portsFor(graph, inputs).outputs.map(({ name, type, shape }): HostArray => {
        const data = results[name]?.data as HostArray["data"];
        return { dtype: type, shape, data } as HostArray;
      });
      return Promise.all(
        outputs.map(async (output, at) => {
          const offer = offers?.get(at);
          if (!offer || !isDeviceArray(offer)) return output;
          await offer.write(output);
          return offer;
        }),
      );
    },
    release: () => session.release(),
  };
}

/** Keeps what stands for a device's memory on the host: the binding carries every array to the device and back. */
export const npmBinding: Runtime = {
  name: "npm binding",
  takesBits: true,
  createSession,
  place: async (array, device) => hostArray(array, device),
  memory: async () => undefined,
};
