/**
 * @module ONNX Runtime through its C API: outputs are written where they are wanted, and nothing is copied on the way.
 */
import { availableParallelism } from "node:os";
import { CompileError } from "../../../core/errors.js";
import { type DType, type NdArray, zeros } from "../../../core/ndarray.js";
import { type Tensor, tf } from "../../../core/tf.js";
import { zip } from "../../../core/zip.js";
import { trace } from "../../trace.js";
import { checkSame, hostArray, hostOf } from "../hostArray.js";
import {
  type Device,
  type GraphArray,
  type HostArray,
  type LoadableGraph,
  portsFor,
  type Runtime,
  type RuntimeOptions,
  type Session,
} from "../session.js";
import { sessionConfig } from "../sessionConfig.js";
import { type Api, pointers } from "./api.js";
import { isResident, type Pinned, residence, residentArrays } from "./resident.js";
import { hostValues } from "./values.js";

const ALL_OPTIMIZATIONS = 99;
/** Higher levels fuse products into operators that WebGPU lacks. */
const BASIC = 1;
const ERRORS_ONLY = 3;

/** Memory is taken as it is needed: the default doubles what it has each time. */
const CUDA_OPTIONS = { arena_extend_strategy: "kSameAsRequested" };

/** Puts the device's operators before the processor's. @throws CompileError with the loader's message */
function appendDevice(api: Api, settings: bigint, device: Device): void {
  if (device === "webgpu") api.SessionOptionsAppendExecutionProvider(settings, "WebGPU", [], [], 0);
  if (device !== "cuda") return;
  const cuda = api.made((out) => api.CreateCUDAProviderOptions(out));
  try {
    const [keys, values] = [Object.keys(CUDA_OPTIONS), Object.values(CUDA_OPTIONS)];
    api.UpdateCUDAProviderOptions(cuda, keys, values, keys.length);
    api.SessionOptionsAppendExecutionProvider_CUDA_V2(settings, cuda);
  } finally {
    api.free.ReleaseCUDAProviderOptions(cuda);
  }
}

/** Settings of a session; the caller frees them. */
function sessionOptions(api: Api, graph: LoadableGraph, options: RuntimeOptions): bigint {
  const made = api.made((out) => api.CreateSessionOptions(out));
  api.SetSessionGraphOptimizationLevel(made, options.device === "webgpu" ? BASIC : ALL_OPTIMIZATIONS);
  api.SetSessionLogSeverityLevel(made, ERRORS_ONLY);
  api.SetIntraOpNumThreads(made, options.threads ?? availableParallelism());
  api.SetInterOpNumThreads(made, 1);
  if (options.keepsMemory !== true) api.DisableCpuMemArena(made);
  if (options.plansMemory !== true) api.DisableMemPattern(made);
  for (const [key, value] of Object.entries(sessionConfig(graph, options))) {
    api.AddSessionConfigEntry(made, key, value);
  }
  return made;
}

/** Names as C takes them: addresses of zero-terminated texts. The texts must be kept, too. */
function names(api: Api, ports: readonly { readonly name: string }[]) {
  const texts = Buffer.from(ports.map(({ name }) => `${name}\0`).join(""), "utf8");
  const kept = new Uint8Array(new ArrayBuffer(Math.max(1, texts.length)));
  kept.set(texts);
  const start = api.koffi.address(kept);
  const addresses = pointers(Math.max(1, ports.length));
  let at = 0;
  ports.forEach(({ name }, port) => {
    addresses[port] = start + BigInt(at);
    at += Buffer.byteLength(name) + 1;
  });
  return { kept, addresses };
}

type Values = ReturnType<typeof hostValues>;

/** A session with its address. */
interface CSession extends Session {
  readonly handle: bigint;
}

/** Tensors of what a run reads and fills, those of the runtime's own memory kept until it is over. */
function pinsOf(tensorOf: Values, given: readonly GraphArray[], filled: readonly GraphArray[]) {
  const pins: Pinned[] = [];
  // So that nothing is collected before the run is over, whatever is disposed of meanwhile.
  const kept: HostArray[] = [];
  const release = (isFilled: boolean) => {
    for (const pin of pins) pin.done(isFilled);
    kept.length = 0;
  };
  const tensorFor = (array: GraphArray, isFilled: boolean): bigint => {
    if (!isResident(array)) {
      const host = hostOf(array);
      kept.push(host);
      return tensorOf(host);
    }
    const pin = isFilled && given.includes(array) ? array.pinSpare() : array.pin();
    pins.push(pin);
    return pin.value;
  };
  try {
    const values = [
      ...given.map((each) => tensorFor(each, false)),
      ...filled.map((each) => tensorFor(each, true)),
    ];
    return { values, release };
  } catch (error) {
    release(false);
    throw error;
  }
}

function createSession(api: Api, tensorOf: Values, graph: LoadableGraph, options: RuntimeOptions): CSession {
  const settings = sessionOptions(api, graph, options);
  let session: bigint | undefined;
  try {
    appendDevice(api, settings, options.device ?? "cpu");
    session = api.made((out) =>
      api.CreateSessionFromArray(api.env, graph.bytes, graph.bytes.length, settings, out),
    );
  } finally {
    api.free.ReleaseSessionOptions(settings);
  }
  const [inputNames, outputNames] = [names(api, graph.inputs), names(api, graph.outputs)];
  let last: Promise<unknown> = Promise.resolve();

  const runNow = async (inputs: readonly GraphArray[], offers?: ReadonlyMap<number, GraphArray>) => {
    if (session === undefined) throw new CompileError("session: used after it was released");
    const ports = portsFor(graph, inputs);
    const given = zip(ports.inputs, inputs).map(([port, array]) => {
      checkSame(`input ${port.name}`, { dtype: port.type as NdArray["dtype"], shape: port.shape }, array);
      return array;
    });
    const results = ports.outputs.map((port, at): GraphArray => {
      const offer = offers?.get(at);
      if (offer) checkSame(`offer ${port.name}`, { dtype: port.type, shape: port.shape }, offer);
      return offer ?? zeros(port.shape, port.type);
    });
    const [from, to] = [pointers(Math.max(1, given.length)), pointers(Math.max(1, results.length))];
    const pins = pinsOf(tensorOf, given, results);
    let isDone = false;
    try {
      pins.values.forEach((value, at) => {
        if (at < given.length) from[at] = value;
        else to[at - given.length] = value;
      });
      const reads = [inputNames.addresses, from, given.length] as const;
      await api.runOffThread(session, null, ...reads, outputNames.addresses, results.length, to);
      isDone = true;
    } finally {
      pins.release(isDone);
    }
    return results;
  };
  return {
    handle: session,
    fillsOffers: true,
    run: (inputs, offers) => {
      const result = last.then(() => runNow(inputs, offers));
      last = result.catch(() => undefined);
      return result;
    },
    release: async () => {
      await last;
      if (session !== undefined) api.free.ReleaseSession(session);
      session = undefined;
    },
  };
}

const isWide = (array: HostArray): array is NdArray => array.dtype === "float32" || array.dtype === "int32";

/** Where arrays of a device live; its sessions stay open as long as the runtime. */
async function settle(api: Api, tensorOf: Values, device: Device) {
  const opened = new Map<DType, CSession>();
  const copier = async (dtype: DType): Promise<CSession> => {
    const leaf = zeros([1], dtype);
    const signature = { structure: 0, leaves: [leaf] };
    const graph = trace((x) => tf.clone(x as Tensor), "copy", signature, {
      takesBits: false,
      isFree: () => true,
    });
    const session = opened.get(dtype) ?? createSession(api, tensorOf, graph, { device });
    opened.set(dtype, session);
    return session;
  };
  const { handle: session } = await copier("float32");
  return residentArrays(api, residence(api, { device, session, copier }));
}

/** @param api see `loadApi` */
export function capi(api: Api): Runtime {
  const tensorOf = hostValues(api);
  const homes = new Map<Device, ReturnType<typeof settle>>();
  return {
    name: `ONNX Runtime ${api.version}, C API`,
    takesBits: false,
    createSession: async (graph, options = {}) => createSession(api, tensorOf, graph, options),
    place: async (array, device) => {
      // The binding's way where memory of the device cannot be had: narrow numbers, and WebGPU.
      if (device === "webgpu" || !isWide(array)) return hostArray(array, device);
      const placed = homes.get(device) ?? settle(api, tensorOf, device);
      homes.set(device, placed);
      return (await placed)(array);
    },
  };
}
