/**
 * @module ONNX Runtime's C API, called through koffi: no native code of our own. The functions stand in a table whose
 * order is fixed by the public header (`onnxruntime_c_api.h`): later versions only append.
 */
import { CompileError, messageOf } from "../../../core/errors.js";
import { libraryToLoad } from "./library.js";

/** Version of the table that is asked for. */
const API_VERSION = 24;

/** Memory that C writes a pointer or reads an array of pointers from: outside V8's heap, so that it does not move. */
export const pointers = (length: number): BigUint64Array => new BigUint64Array(new ArrayBuffer(8 * length));

/** A pointer as koffi takes it: an address, memory of ours, or none. */
export type Pointer = bigint | ArrayBufferView | null;

const OUT = "void *";
/** Place in the table, and types of the arguments; those that return a status are checked. */
const CHECKED = {
  CreateSessionFromArray: [8, ["void *", "void *", "size_t", "void *", OUT]],
  CreateEnv: [3, ["int", "str", OUT]],
  Run: [9, ["void *", "void *", "void *", "void *", "size_t", "void *", "size_t", "void *"]],
  CreateSessionOptions: [10, [OUT]],
  CreateRunOptions: [39, [OUT]],
  AddRunConfigEntry: [165, ["void *", "str", "str"]],
  EnableMemPattern: [16, ["void *"]],
  DisableMemPattern: [17, ["void *"]],
  EnableCpuMemArena: [18, ["void *"]],
  DisableCpuMemArena: [19, ["void *"]],
  SetSessionLogSeverityLevel: [22, ["void *", "int"]],
  SetSessionGraphOptimizationLevel: [23, ["void *", "int"]],
  SetIntraOpNumThreads: [24, ["void *", "int"]],
  SetInterOpNumThreads: [25, ["void *", "int"]],
  CreateTensorWithDataAsOrtValue: [49, ["void *", "void *", "size_t", "void *", "size_t", "int", OUT]],
  GetTensorMutableData: [51, ["void *", OUT]],
  CreateTensorAsOrtValue: [48, ["void *", "void *", "size_t", "int", OUT]],
  CreateMemoryInfo: [68, ["str", "int", "int", "int", OUT]],
  GetAllocatorWithDefaultOptions: [78, [OUT]],
  CreateAllocator: [131, ["void *", "void *", OUT]],
  CreateCpuMemoryInfo: [69, ["int", "int", OUT]],
  AddSessionConfigEntry: [130, ["void *", "str", "str"]],
  SessionOptionsAppendExecutionProvider_CUDA_V2: [204, ["void *", "void *"]],
  CreateCUDAProviderOptions: [205, [OUT]],
  UpdateCUDAProviderOptions: [206, ["void *", "const char **", "const char **", "size_t"]],
  SessionOptionsAppendExecutionProvider: [216, ["void *", "str", "const char **", "const char **", "size_t"]],
} as const;
/** Those that free. */
const FREEING = {
  ReleaseStatus: 93,
  ReleaseSession: 95,
  ReleaseValue: 96,
  ReleaseRunOptions: 97,
  ReleaseSessionOptions: 100,
  ReleaseCUDAProviderOptions: 208,
} as const;
const GET_ERROR_MESSAGE = 2;
const TABLE_LENGTH = 262;

type Argument = Pointer | number | string | readonly string[];
type Checked = (...args: Argument[]) => void;

export interface Api extends Readonly<Record<Exclude<keyof typeof CHECKED, "Run">, Checked>> {
  readonly version: string;
  /** Kept as long as its functions are. */
  readonly library: unknown;
  readonly free: Readonly<Record<keyof typeof FREEING, (pointer: bigint) => void>>;
  /** Runs a session on this thread. @throws CompileError with ONNX Runtime's message */
  readonly Run: Checked;
  /** Runs a session on a thread of the pool, so that the event loop goes on. */
  runOffThread(...args: Argument[]): Promise<void>;
  /** The pointer that a function writes. */
  made(call: (out: BigUint64Array) => void): bigint;
  readonly env: bigint;
  readonly koffi: Koffi;
}

type Koffi = Awaited<typeof import("koffi")>["default"];

interface Table {
  readonly addresses: readonly bigint[];
  readonly version: string;
  /** koffi unloads a library whose handle is collected. */
  readonly library: unknown;
}

/** The functions' addresses. @throws CompileError when library or table are not of the version that is asked for */
function table(koffi: Koffi): Table {
  const { path, version: wanted } = libraryToLoad();
  const library = koffi.load(path);
  const base = koffi.struct({ GetApi: "void *", GetVersionString: "void *" });
  const found = koffi.decode(library.func("OrtGetApiBase", koffi.pointer(base), [])(), base) as Record<
    string,
    bigint
  >;
  const version = koffi.decode(found["GetVersionString"], koffi.proto("str", []))() as string;
  if (version !== wanted) {
    throw new CompileError(
      `${path}: wrong version: ${version}, expected ${wanted}: reinstall onnxruntime-node`,
    );
  }
  const api = koffi.decode(found["GetApi"], koffi.proto("void *", ["uint32_t"]))(API_VERSION) as
    | bigint
    | null;
  if (api === null)
    throw new CompileError(`${path}: no API of version ${API_VERSION}: reinstall onnxruntime-node`);
  return { addresses: koffi.decode(api, koffi.array("void *", TABLE_LENGTH)) as bigint[], version, library };
}

function bind(koffi: Koffi): Api {
  const { addresses, version, library } = table(koffi);
  const functionAt = (at: number, result: string, args: readonly string[]) =>
    koffi.decode(addresses[at], koffi.proto(result, [...args]));
  const message = functionAt(GET_ERROR_MESSAGE, "str", ["void *"]);
  const free = Object.fromEntries(
    Object.entries(FREEING).map(([name, at]) => [name, functionAt(at, "void", ["void *"])]),
  ) as Api["free"];
  const check = (status: bigint | null): void => {
    if (status === null) return;
    const text = message(status) as string;
    free.ReleaseStatus(status);
    throw new CompileError(`ONNX Runtime: ${text}`);
  };
  const raw = Object.entries(CHECKED).map(
    ([name, [at, args]]) => [name, functionAt(at, "void *", args)] as const,
  );
  const checked = Object.fromEntries(
    raw.map(([name, f]) => [name, (...args: Argument[]) => check(f(...args))]),
  ) as Record<keyof typeof CHECKED, Checked>;
  const run = raw.find(([name]) => name === "Run")?.[1];
  const made: Api["made"] = (call) => {
    const out = pointers(1);
    call(out);
    return out[0] as bigint;
  };
  return {
    ...checked,
    version,
    library,
    free,
    made,
    koffi,
    env: made((out) => checked.CreateEnv(3, "sharegrpo", out)),
    runOffThread: (...args) =>
      new Promise((resolve, reject) => {
        run?.async(...args, (error: Error | null, status: bigint | null) => {
          try {
            if (error) throw error;
            resolve(check(status));
          } catch (cause) {
            reject(cause);
          }
        });
      }),
  };
}

/** Loads koffi and the library. @throws CompileError saying which of them does not load, and why */
export async function loadApi(): Promise<Api> {
  try {
    const koffi = await import("koffi");
    return bind(koffi.default);
  } catch (cause) {
    if (cause instanceof CompileError) throw cause;
    throw new CompileError(`koffi: ${messageOf(cause)}: run \`npm ci\``, { cause });
  }
}
