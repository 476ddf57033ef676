/**
 * @module A CUDA card beside ONNX Runtime: its memory by address, and kernels of our own, compiled when they are first
 * asked for. The driver and CUDA's run-time compiler are called through koffi, in the context that ONNX Runtime uses.
 */
import process from "node:process";
import { CompileError, messageOf } from "../../../core/errors.js";
import { pointers } from "./api.js";

type Koffi = Awaited<typeof import("koffi")>["default"];

/** An argument of a kernel: an address or a 64-bit integer, or a number of that type. */
export type KernelArgument =
  | bigint
  | { readonly int32: number }
  | { readonly float32: number }
  | { readonly float64: number };

export interface Launch {
  readonly blocks: number;
  /** Of a block. */
  readonly threads: number;
  /** Default: none but what the kernel declares. */
  readonly sharedBytes?: number;
}

/** A kernel that can be queued. @throws CompileError for what the driver refuses */
export type Kernel = (launch: Launch, args: readonly KernelArgument[]) => void;

/** Calls are queued in order; `download` and `synchronize` return when all before them, and they, are done. */
export interface Card {
  /** As `NVIDIA H100 80GB HBM3`. */
  readonly name: string;
  readonly multiprocessors: number;
  upload(to: bigint, from: ArrayBufferView): void;
  download(from: bigint, into: ArrayBufferView): void;
  /** Fills with zero bytes. */
  clear(at: bigint, bytes: number): void;
  /** From one place of the card to another. */
  copy(to: bigint, from: bigint, bytes: number): void;
  /**
   * @param source CUDA C++ with functions that are `extern "C" __global__`; compiled once
   * @throws CompileError with what the compiler says
   */
  kernel(source: string, name: string): Kernel;
  /** Of the card, in bytes, whoever uses it. */
  memory(): { readonly free: number; readonly total: number };
  /** Waits for all that was queued here. */
  synchronize(): void;
}

const DRIVER = process.platform === "win32" ? "nvcuda.dll" : "libcuda.so.1";
const COMPILER = process.platform === "win32" ? "nvrtc64_130_0.dll" : "libnvrtc.so.13";
/** What brings each library. */
const CURES: Readonly<Record<string, string>> = {
  [DRIVER]: "install NVIDIA's driver for CUDA 13",
  [COMPILER]: "`pip install nvidia-cuda-nvrtc`, and its folder of libraries on LD_LIBRARY_PATH",
};

const MULTIPROCESSORS = 16;
const CAPABILITY = { major: 75, minor: 76 } as const;

/** Names and types of what is called. */
const DRIVER_CALLS = {
  cuInit: ["uint32_t"],
  cuDeviceGet: ["void *", "int"],
  cuDeviceGetName: ["void *", "int", "int"],
  cuDeviceGetAttribute: ["void *", "int", "int"],
  cuDevicePrimaryCtxRetain: ["void *", "int"],
  cuCtxSetCurrent: ["void *"],
  cuCtxSynchronize: [],
  cuMemGetInfo_v2: ["void *", "void *"],
  cuMemcpyHtoD_v2: ["uint64_t", "void *", "size_t"],
  cuMemcpyDtoH_v2: ["void *", "uint64_t", "size_t"],
  cuMemcpyDtoD_v2: ["uint64_t", "uint64_t", "size_t"],
  cuMemsetD8_v2: ["uint64_t", "uint8_t", "size_t"],
  cuModuleLoadData: ["void *", "void *"],
  cuModuleGetFunction: ["void *", "void *", "str"],
  cuLaunchKernel: [
    ...["void *", "uint32_t", "uint32_t", "uint32_t", "uint32_t", "uint32_t", "uint32_t"],
    ...["uint32_t", "void *", "void *", "void *"],
  ],
} as const;
const COMPILER_CALLS = {
  nvrtcCreateProgram: ["void *", "str", "str", "int", "void *", "void *"],
  nvrtcCompileProgram: ["void *", "int", "const char **"],
  nvrtcGetCUBINSize: ["void *", "void *"],
  nvrtcGetCUBIN: ["void *", "void *"],
  nvrtcGetProgramLogSize: ["void *", "void *"],
  nvrtcGetProgramLog: ["void *", "void *"],
  nvrtcDestroyProgram: ["void *"],
} as const;

type Value = bigint | number | string | readonly string[] | ArrayBufferView | null;
type Codes<Names extends string> = Readonly<Record<Names, (...args: Value[]) => number>>;

/** Functions of a library that answer 0 when all is well. The library is kept as long as they are. */
function load<Names extends string>(
  koffi: Koffi,
  name: string,
  calls: Readonly<Record<Names, readonly string[]>>,
) {
  try {
    const library = koffi.load(name);
    const functions = Object.entries<readonly string[]>(calls).map(([call, args]) => [
      call,
      library.func(call, "int", [...args]),
    ]);
    return { library, functions: Object.fromEntries(functions) as Codes<Names> };
  } catch (cause) {
    throw new CompileError(`CUDA: ${name}: ${messageOf(cause)}: ${CURES[name]}`, { cause });
  }
}

/** Memory that C writes numbers into. */
const int32s = (length: number): Int32Array => new Int32Array(new ArrayBuffer(4 * length));
const bytesOf = (length: number): Uint8Array => new Uint8Array(new ArrayBuffer(Math.max(1, length)));

/** Text that C has written, up to its zero. */
function textIn(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(bytes.subarray(0, end < 0 ? bytes.length : end)).toString("utf8");
}

/** Products and sums are rounded apart, as on the host. */
const ROUNDS_APART = "--fmad=false";

/** CUDA's run-time compiler for an architecture, as `sm_90`. */
function compiler(koffi: Koffi, architecture: string) {
  const { library, functions: nvrtc } = load(koffi, COMPILER, COMPILER_CALLS);
  const check = (what: string, code: number) => {
    if (code !== 0) throw new CompileError(`CUDA: ${what}: error ${code} of ${COMPILER}`);
  };
  const text = (of: "ProgramLog" | "CUBIN", program: bigint): Uint8Array => {
    const size = pointers(1);
    check(of, nvrtc[`nvrtcGet${of}Size`](program, size));
    const bytes = bytesOf(Number(size[0]));
    check(of, nvrtc[`nvrtcGet${of}`](program, bytes));
    return bytes;
  };
  return {
    library,
    /** The machine code. @throws CompileError with the compiler's words */
    compile(source: string): Uint8Array {
      const program = pointers(1);
      check("a program", nvrtc.nvrtcCreateProgram(program, source, "kernels.cu", 0, null, null));
      const handle = program[0] as bigint;
      try {
        const options = [`--gpu-architecture=${architecture}`, ROUNDS_APART];
        if (nvrtc.nvrtcCompileProgram(handle, options.length, options) === 0) return text("CUBIN", handle);
        throw new CompileError(`CUDA: kernels do not compile: ${textIn(text("ProgramLog", handle)).trim()}`);
      } finally {
        nvrtc.nvrtcDestroyProgram(program);
      }
    },
  };
}

/** Arguments as the driver takes them: addresses of 8-byte places that hold them. */
function argumentsOf(koffi: Koffi, args: readonly KernelArgument[]) {
  const memory = new ArrayBuffer(8 * Math.max(1, args.length));
  const view = new DataView(memory);
  args.forEach((arg, at) => {
    if (typeof arg === "bigint") view.setBigInt64(8 * at, BigInt.asIntN(64, arg), true);
    else if ("int32" in arg) view.setInt32(8 * at, arg.int32, true);
    else if ("float32" in arg) view.setFloat32(8 * at, arg.float32, true);
    else view.setFloat64(8 * at, arg.float64, true);
  });
  const places = new Uint8Array(memory);
  const start = koffi.address(places);
  const addresses = pointers(Math.max(1, args.length));
  args.forEach((_, at) => {
    addresses[at] = start + BigInt(8 * at);
  });
  return { places, addresses };
}

/**
 * The first card. Its context is that of ONNX Runtime's CUDA provider, so that both see the same memory.
 * @throws CompileError naming what is missing, and what mends it
 */
export function openCard(koffi: Koffi): Card {
  const { library, functions: cuda } = load(koffi, DRIVER, DRIVER_CALLS);
  const call = (name: keyof typeof DRIVER_CALLS, ...args: Value[]): void => {
    const code = cuda[name](...args);
    if (code !== 0)
      throw new CompileError(`CUDA: ${name}: error ${code}: see \`nvidia-smi\` and cuda.h (CUresult)`);
  };
  call("cuInit", 0);
  const [device, text, context] = [int32s(1), bytesOf(256), pointers(1)];
  call("cuDeviceGet", device, 0);
  const ordinal = device[0] as number;
  const attribute = (of: number): number => {
    const value = int32s(1);
    call("cuDeviceGetAttribute", value, of, ordinal);
    return value[0] as number;
  };
  call("cuDeviceGetName", text, text.length, ordinal);
  call("cuDevicePrimaryCtxRetain", context, ordinal);
  call("cuCtxSetCurrent", context[0] as bigint);
  const architecture = `sm_${attribute(CAPABILITY.major)}${attribute(CAPABILITY.minor)}`;
  const modules = new Map<string, bigint>();
  let found: ReturnType<typeof compiler> | undefined;

  const moduleOf = (source: string): bigint => {
    const known = modules.get(source);
    if (known !== undefined) return known;
    found ??= compiler(koffi, architecture);
    const made = pointers(1);
    call("cuModuleLoadData", made, found.compile(source));
    modules.set(source, made[0] as bigint);
    return made[0] as bigint;
  };
  return {
    // Kept with the functions: koffi unloads a library whose handle is collected.
    ...{ library },
    name: textIn(text),
    multiprocessors: attribute(MULTIPROCESSORS),
    upload: (to, from) => call("cuMemcpyHtoD_v2", to, from, from.byteLength),
    download: (from, into) => call("cuMemcpyDtoH_v2", into, from, into.byteLength),
    clear: (at, bytes) => call("cuMemsetD8_v2", at, 0, bytes),
    copy: (to, from, bytes) => call("cuMemcpyDtoD_v2", to, from, bytes),
    kernel(source, name) {
      const handle = pointers(1);
      call("cuModuleGetFunction", handle, moduleOf(source), name);
      return ({ blocks, threads, sharedBytes = 0 }, args) => {
        const { places, addresses } = argumentsOf(koffi, args);
        const grid = [blocks, 1, 1, threads, 1, 1] as const;
        call("cuLaunchKernel", handle[0] as bigint, ...grid, sharedBytes, null, addresses, null);
        places.fill(0); // read by the driver before it answers, and kept until then
      };
    },
    memory() {
      const [free, total] = [pointers(1), pointers(1)];
      call("cuMemGetInfo_v2", free, total);
      return { free: Number(free[0]), total: Number(total[0]) };
    },
    synchronize: () => call("cuCtxSynchronize"),
  };
}
