/**
 * @module ONNX Runtime through its C API: outputs are written where they are wanted, and nothing is copied on the way.
 */
import { availableParallelism } from "node:os";
import { setImmediate } from "node:timers/promises";
import { CompileError, messageOf } from "../../../core/errors.js";
import { inTurn } from "../../../core/inTurn.js";
import { memoized } from "../../../core/memoized.js";
import { type NdArray, zeros } from "../../../core/ndarray.js";
import { type Tensor, tf } from "../../../core/tf.js";
import { zip } from "../../../core/zip.js";
import { trace } from "../../trace.js";
import { checkSame, emptyHost, hostArray, hostOf } from "../hostArray.js";
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
import { cardSpace, hostSpace } from "./addressSpace.js";
import { type Api, type Pointer, pointers } from "./api.js";
import { openCard } from "./card.js";
import { replays } from "./replays.js";
import { cardResidence, hostResidence, isResident, type Pinned, residentMemory } from "./resident.js";
import { hostValues } from "./values.js";

const ALL_OPTIMIZATIONS = 99;
/** Higher levels fuse products into operators that WebGPU lacks. */
const BASIC = 1;
const ERRORS_ONLY = 3;

/**
 * Memory is taken as it is needed: the default doubles what it has each time. Products in bfloat16 leave the few that
 * stay float32 to TF32.
 */
const cudaOptions = ({ precision = "float32" }: RuntimeOptions) => ({
  arena_extend_strategy: "kSameAsRequested",
  use_tf32: precision === "float32" ? "0" : "1",
});

/** Puts the device's operators before the processor's. @throws CompileError with the loader's message */
function appendDevice(api: Api, settings: bigint, options: RuntimeOptions, isReplaying: boolean): void {
  const { device } = options;
  if (device === "webgpu") api.SessionOptionsAppendExecutionProvider(settings, "WebGPU", [], [], 0);
  if (device !== "cuda") return;
  const chosen = { ...cudaOptions(options), ...(isReplaying ? { enable_cuda_graph: "1" } : {}) };
  const cuda = api.made((out) => api.CreateCUDAProviderOptions(out));
  try {
    const [keys, values] = [Object.keys(chosen), Object.values(chosen)];
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

/** The event loop can wait so long. */
const SHORT_RUN_MS = 100;

/**
 * How a session runs: on this thread until a run is long, then on another, so that the event loop goes on. Handing over
 * makes a run of a millisecond a quarter slower, and one of a second a twentieth.
 */
function runnerOf(api: Api, { blocks = false }: RuntimeOptions): Api["runOffThread"] {
  let isShort = true;
  return async (...args) => {
    const start = performance.now();
    if (isShort) api.Run(...args);
    else await api.runOffThread(...args);
    isShort = blocks || performance.now() - start < SHORT_RUN_MS;
  };
}

/** A session with its address. */
interface CSession extends Session {
  readonly handle: bigint;
}

/** Tensors of what a run reads and fills, those of the runtime's own memory kept until it is over. */
function pinsOf(
  tensorOf: Values,
  { overwrites }: LoadableGraph,
  { given, filled }: { readonly given: readonly GraphArray[]; readonly filled: readonly GraphArray[] },
) {
  const pins: Pinned[] = [];
  // So that nothing is collected before the run is over, whatever is disposed of meanwhile.
  const kept: HostArray[] = [];
  const reads = new Map<GraphArray, number[]>();
  const release = (isFilled: boolean) => {
    for (const pin of pins) pin.done(isFilled);
    kept.length = 0;
  };
  const tensorFor = (array: GraphArray, output?: number): bigint => {
    if (!isResident(array)) {
      const host = hostOf(array);
      kept.push(host);
      return tensorOf(host);
    }
    const readers = output === undefined ? [] : (reads.get(array) ?? []);
    const isFree = readers.every((input) => overwrites?.get(output as number)?.has(input));
    const pin = isFree ? array.pin() : array.pinSpare();
    pins.push(pin);
    return pin.value;
  };
  try {
    const values = given.map((each, input) => {
      if (isResident(each)) reads.set(each, [...(reads.get(each) ?? []), input]);
      return tensorFor(each);
    });
    values.push(...filled.map((each, output) => tensorFor(each, output)));
    return { values, release };
  } catch (error) {
    release(false);
    throw error;
  }
}

/** A session that can be opened anew: without replays where they are refused. */
function openSession(api: Api, graph: LoadableGraph, options: RuntimeOptions) {
  const open = (isReplaying: boolean) => {
    const settings = sessionOptions(api, graph, options);
    try {
      appendDevice(api, settings, options, isReplaying);
      const handle = api.made((out) =>
        api.CreateSessionFromArray(api.env, graph.bytes, graph.bytes.length, settings, out),
      );
      return { handle, ...(isReplaying ? { replays: replays(api) } : {}) };
    } finally {
      api.free.ReleaseSessionOptions(settings);
    }
  };
  let refusal: string | undefined;
  const openReplaying = () => {
    try {
      return open(true);
    } catch (error) {
      refusal = messageOf(error);
      return open(false);
    }
  };
  const wantsReplays = options.replays === true && options.device === "cuda";
  let opened: ReturnType<typeof open> | undefined = wantsReplays ? openReplaying() : open(false);
  const release = () => {
    opened?.replays?.release();
    if (opened) api.free.ReleaseSession(opened.handle);
    opened = undefined;
  };
  return {
    /** @throws CompileError once it is released */
    current() {
      if (opened) return opened;
      throw new CompileError("session: used after it was released");
    },
    refusal: () => refusal,
    /** @param reason why nothing is replayed any more; none: captures are dropped, and made anew */
    reopen(reason?: string) {
      release();
      refusal = reason;
      opened = reason === undefined ? openReplaying() : open(false);
    },
    run: runnerOf(api, options),
    release,
  };
}

/** Tensors and names of a run, as C takes them. */
type RunArguments = readonly [Pointer, Pointer, number, Pointer, number, Pointer];

/** Runs what is bound to addresses: on this thread where it is replayed, which ONNX Runtime does by thread. */
async function runBound(
  api: Api,
  session: ReturnType<typeof openSession>,
  args: RunArguments,
  addresses: string,
): Promise<void> {
  if (session.current().replays?.isFull()) session.reopen();
  const { handle, replays } = session.current();
  if (!replays) return session.run(handle, null, ...args);
  const chosen = replays.next(addresses);
  try {
    api.Run(handle, chosen, ...args);
    await setImmediate(); // so that the event loop goes on between runs
  } catch (error) {
    if (chosen === replays.plain) throw error;
    session.reopen(messageOf(error));
    await session.run(session.current().handle, null, ...args);
  }
}

function createSession(api: Api, tensorOf: Values, graph: LoadableGraph, options: RuntimeOptions): CSession {
  const session = openSession(api, graph, options);
  const [inputNames, outputNames] = [names(api, graph.inputs), names(api, graph.outputs)];
  const take = inTurn();

  /** Tensors of a run's arrays; the caller releases the pins. */
  const argumentsOf = (inputs: readonly GraphArray[], offers?: ReadonlyMap<number, GraphArray>) => {
    session.current();
    const ports = portsFor(graph, inputs);
    const given = zip(ports.inputs, inputs).map(([port, array]) => {
      checkSame(`input ${port.name}`, { dtype: port.type as NdArray["dtype"], shape: port.shape }, array);
      return array;
    });
    const results = ports.outputs.map((port, at): GraphArray => {
      const offer = offers?.get(at);
      if (offer) checkSame(`offer ${port.name}`, { dtype: port.type, shape: port.shape }, offer);
      return offer ?? emptyHost({ dtype: port.type, shape: port.shape });
    });
    const [from, to] = [pointers(Math.max(1, given.length)), pointers(Math.max(1, results.length))];
    const pins = pinsOf(tensorOf, graph, { given, filled: results });
    pins.values.forEach((value, at) => {
      if (at < given.length) from[at] = value;
      else to[at - given.length] = value;
    });
    const args: RunArguments = [
      ...([inputNames.addresses, from, given.length] as const),
      ...([outputNames.addresses, results.length, to] as const),
    ];
    return { args, pins, results };
  };

  const runNow = async (inputs: readonly GraphArray[], offers?: ReadonlyMap<number, GraphArray>) => {
    const { args, pins, results } = argumentsOf(inputs, offers);
    let isDone = false;
    try {
      const { handle, replays } = session.current();
      await session.run(handle, replays?.plain ?? null, ...args);
      isDone = true;
    } finally {
      pins.release(isDone);
    }
    return results;
  };
  return {
    handle: session.current().handle,
    fillsOffers: true,
    run: (inputs, offers) => take(() => runNow(inputs, offers)),
    bind(inputs, outputs) {
      const { args, pins } = argumentsOf(inputs, new Map(outputs.entries()));
      const addresses = options.replays === true ? addressesOf(api, pins.values) : "";
      return {
        run: () => take(() => runBound(api, session, args, addresses)),
        release: () => pins.release(true),
      };
    },
    notReplayed: session.refusal,
    release: () => take(async () => session.release()),
  };
}

/** Where tensors lie. */
function addressesOf(api: Api, values: readonly bigint[]): string {
  return values.map((value) => api.made((out) => api.GetTensorMutableData(value, out))).join();
}

/** A device's memory; undefined for WebGPU's. A session of the card's stays open for its allocator. */
async function settle(api: Api, tensorOf: Values, device: Device) {
  if (device === "webgpu") return undefined;
  if (device === "cpu") return residentMemory(api, hostResidence(api, hostSpace(api)));
  const graph = trace((x) => tf.clone(x as Tensor), "settle", { structure: 0, leaves: [zeros([1])] });
  const { handle } = createSession(api, tensorOf, graph, { device });
  return residentMemory(api, cardResidence(api, cardSpace(openCard(api.koffi)), handle));
}

/** @param api see `loadApi` */
export function capi(api: Api): Runtime {
  const tensorOf = hostValues(api);
  const memory = memoized((device: Device) => settle(api, tensorOf, device));
  return {
    name: `ONNX Runtime ${api.version}, C API`,
    takesBits: false,
    createSession: async (graph, options = {}) => createSession(api, tensorOf, graph, options),
    // The binding's way where memory of the device cannot be had.
    place: async (array, device) => (await memory(device))?.place(array) ?? hostArray(array, device),
    memory,
  };
}
