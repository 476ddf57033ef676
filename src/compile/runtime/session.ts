/**
 * @module What a runtime gives: sessions, one per compiled graph, and arrays that stay where the work is. Nothing
 * above this folder knows which runtime answers.
 */
import type { DType, NarrowArray, NarrowType, NdArray, Params } from "../../core/ndarray.js";
import type { Card } from "./capi/card.js";

export interface RuntimeOptions {
  /** Where the graph runs; default `cpu`. `sharegrpo doctor` tries each on this machine. */
  readonly device?: Device;
  /** How ONNX Runtime is called: its C API, or its npm binding. Default: the C API where it loads. */
  readonly binding?: "c" | "npm";
  /** What many runs read is kept in the runtime's own memory; default: on cuda. Elsewhere it is a way to try that. */
  readonly keepsArrays?: boolean;
  /** What matrix products compute with; default `float32`. */
  readonly precision?: Precision;
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
  /**
   * Lay constant matrices out for the processor when the graph is loaded: faster products of few rows, at the price of
   * a second copy. Default: true, but for graphs that map files.
   */
  readonly prepacks?: boolean;
  /**
   * Whether long runs, too, keep the thread that asks for them: a twentieth faster where nobody else waits for it.
   * Default: false.
   */
  readonly blocks?: boolean;
  /** Compute what depends on constants alone when the graph is loaded. Default: true, but for graphs that map files. */
  readonly folds?: boolean;
  /**
   * Runs that are bound to arrays on a card are captured as CUDA graphs and replayed, which saves launching their
   * kernels one by one; such a run is made on the thread that asks for it. Elsewhere it means nothing. Default: false.
   */
  readonly replays?: boolean;
}

export type Device = "cpu" | "cuda" | "webgpu";

/**
 * What matrix products compute with: numbers of 24, 11 and 8 significant bits; sums are float32 in any case, as is
 * everything but products. Elsewhere than on cuda the last two are emulated by rounding, which is slower than float32.
 */
export type Precision = "float32" | "tf32" | "bf16";

/** Numbers in memory of a device. They change in place, by `write` and by runs that are given the array to fill. */
export interface DeviceArray {
  readonly device: Device;
  readonly dtype: DType | NarrowType;
  readonly shape: readonly number[];
  /** A copy on the host. */
  read(): Promise<HostArray>;
  /** @throws ShapeError when shape or dtype differ */
  write(array: HostArray): Promise<void>;
  /** Frees the memory; whoever uses the array afterwards is told so. */
  dispose(): void;
}

/** What an array is made for. */
export type ArrayKind = Pick<DeviceArray, "dtype" | "shape">;

/** A device's memory by address. What a call changes is changed when it returns. */
export interface AddressSpace {
  upload(to: bigint, from: ArrayBufferView): void;
  download(from: bigint, into: ArrayBufferView): void;
  /** Fills with zero bytes. */
  clear(at: bigint, bytes: number): void;
  copy(to: bigint, from: bigint, bytes: number): void;
  /** What computes on it by kernels, where it is a card's. */
  readonly card?: Card;
  /** The numbers themselves, where it is the host's: used at once and kept by nobody, because they can be freed. */
  view?(at: bigint, length: number): Float32Array;
}

/** A part of a block. */
export interface BlockPart extends ArrayKind {
  readonly name: string;
  /** Bytes from the block's address. */
  readonly start: number;
}

/** A piece of a device's memory and the arrays it consists of, in order; between them there may be gaps of zeros. */
export interface Block {
  readonly arrays: Readonly<Record<string, DeviceArray>>;
  readonly parts: readonly BlockPart[];
  readonly bytes: number;
  /** Stays the same as long as the block lives. @throws CompileError once it is disposed of */
  address(): bigint;
  /** Host arrays into parts of their names; others are left alone. */
  write(params: Params): void;
  /** Parts into host arrays of their names; others are left alone. */
  readInto(params: Params): void;
  /** The numbers of another block of the same parts. */
  copyFrom(other: Block): void;
  clear(): void;
  /** Frees the memory, with all arrays in it; so does disposing of the last of them. */
  dispose(): void;
}

/** A device's memory that arrays can be made in. */
export interface DeviceMemory extends AddressSpace {
  /**
   * Arrays of zeros in one piece, each at a multiple of 256 bytes.
   * @throws CompileError when there is no room, with how much was wanted
   */
  block(kinds: Readonly<Record<string, ArrayKind>>): Block;
}

/** Numbers on the host. */
export type HostArray = NdArray | NarrowArray;

/** What graphs read and write. */
export type GraphArray = HostArray | DeviceArray;

/** A side of any length: the number of rows, the same throughout a graph. */
export const FREE = -1;

/** An input or output of a graph. */
export interface Port {
  readonly name: string;
  /** uint16: a bfloat16's bits. */
  readonly type: DType | NarrowType | "uint16";
  /** The first side may be FREE. */
  readonly shape: readonly number[];
}

/** A graph as a runtime loads it. */
export interface LoadableGraph {
  /** An `.onnx` file's. */
  readonly bytes: Uint8Array;
  readonly inputs: readonly Port[];
  readonly outputs: readonly (Port & { readonly type: DType | NarrowType })[];
  /** Where the files stand that the graph maps. */
  readonly folder?: string;
  /** By output, inputs whose memory it may be written into: nothing else reads them, and it does so number by number. */
  readonly overwrites?: ReadonlyMap<number, ReadonlySet<number>>;
}

/** A loaded graph. */
export interface Session {
  /** Whether runs fill the memory they are offered, so that it pays to keep some. */
  readonly fillsOffers: boolean;
  /**
   * @param inputs in the graph's order; read in place, and not to be changed before the run is done
   * @param offers by output: memory for its numbers, read by nobody meanwhile
   * @returns the outputs in order: an offer that was filled, or a fresh host array
   */
  run(inputs: readonly GraphArray[], offers?: ReadonlyMap<number, GraphArray>): Promise<GraphArray[]>;
  /** Binds runs to arrays; only where arrays have addresses. @param outputs all of them, none of them an input */
  bind?(inputs: readonly GraphArray[], outputs: readonly GraphArray[]): BoundRun;
  /** Why runs that were to be replayed are not; undefined while they are. */
  notReplayed?(): string | undefined;
  release(): Promise<void>;
}

/** A run on arrays that stay where they are: nothing is looked up or checked again. */
export interface BoundRun {
  /** Fills the outputs. @throws CompileError for failures of the runtime */
  run(): Promise<void>;
  /** Lets go of the arrays, which belong to the caller. */
  release(): void;
}

/** One way to run graphs. */
export interface Runtime {
  readonly name: string;
  /** Whether bfloat16 inputs are to be declared as uint16. */
  readonly takesBits: boolean;
  createSession(graph: LoadableGraph, options?: RuntimeOptions): Promise<Session>;
  /** A copy of a host array on a device. */
  place(array: HostArray, device: Device): Promise<DeviceArray>;
  /** A device's memory by address; undefined where the runtime has no way to it. */
  memory(device: Device): Promise<DeviceMemory | undefined>;
}

/** The ports of a graph for these inputs: the number of rows in the place of FREE. */
export function portsFor(
  { inputs, outputs }: Pick<LoadableGraph, "inputs" | "outputs">,
  given: readonly GraphArray[],
): Pick<LoadableGraph, "inputs" | "outputs"> {
  const free = inputs.findIndex(({ shape }) => shape[0] === FREE);
  if (free < 0) return { inputs, outputs };
  const rows = given[free]?.shape[0] ?? 0;
  const sized = <P extends Port>(port: P): P =>
    port.shape[0] === FREE ? { ...port, shape: [rows, ...port.shape.slice(1)] } : port;
  return { inputs: inputs.map(sized), outputs: outputs.map(sized) };
}

export function isDeviceArray(array: object): array is DeviceArray {
  return "read" in array;
}

export function isHostArray(array: object): array is HostArray {
  return "data" in array;
}
