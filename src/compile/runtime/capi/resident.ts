/**
 * @module Arrays in memory of the runtime's own: on a card, or (to try all of it without one) on the CPU. Numbers cross
 * by runs of a graph that copies. What a run reads or fills is freed after the run at the earliest; a run that is to
 * fill what it reads fills other memory, and the two change places when it is done, as for host arrays.
 */
import { CompileError } from "../../../core/errors.js";
import { BYTES_PER_NUMBER, type DType, type NdArray, sizeOf } from "../../../core/ndarray.js";
import { ONNX_TYPE_CODE } from "../../onnxWriter.js";
import { checkSame, kindOf } from "../hostArray.js";
import type { Device, DeviceArray, HostArray, Session } from "../session.js";
import { type Api, pointers } from "./api.js";
import { dimensions } from "./values.js";

/** A block of memory, and ONNX Runtime's tensors over it. */
interface Memory {
  readonly owner: bigint;
  readonly views: { readonly shaped: bigint; readonly flat: bigint };
  /** Runs that use it. */
  pins: number;
  isUnwanted: boolean;
}

/** A device array of this runtime. */
export interface Resident extends DeviceArray {
  /** The tensor that a run is given; `done` after the run. @throws CompileError once it is disposed of */
  pin(): Pinned;
  /** Other memory of the same size. `done(true)` puts it in the place of what the array has. */
  pinSpare(): Pinned;
}

export interface Pinned {
  readonly value: bigint;
  done(isFilled: boolean): void;
}

export const isResident = (array: object): array is Resident => "pinSpare" in array;

/** What lies where, and how it gets there. */
export interface Residence {
  readonly device: Device;
  /** OrtAllocator and OrtMemoryInfo. */
  readonly allocator: bigint;
  readonly info: bigint;
  /** A graph `[n] → [n]` that copies numbers of a dtype. */
  readonly copier: (dtype: DType) => Promise<Session>;
}

const DEFAULT_MEMORY = 0;
const DEVICE_ALLOCATOR = 0;

/** @param session one that runs on the device */
export function residence(
  api: Api,
  { device, session, copier }: Pick<Residence, "device" | "copier"> & { readonly session: bigint },
): Residence {
  if (device === "cpu") {
    const info = api.made((out) => api.CreateCpuMemoryInfo(1, 0, out));
    return { device, copier, info, allocator: api.made((out) => api.GetAllocatorWithDefaultOptions(out)) };
  }
  const info = api.made((out) => api.CreateMemoryInfo("Cuda", DEVICE_ALLOCATOR, 0, DEFAULT_MEMORY, out));
  return { device, copier, info, allocator: api.made((out) => api.CreateAllocator(session, info, out)) };
}

function allocate(
  api: Api,
  { allocator, info }: Residence,
  { dtype, shape }: Pick<NdArray, "dtype" | "shape">,
): Memory {
  const code = ONNX_TYPE_CODE[dtype];
  const length = sizeOf(shape);
  // One number at least: an address must not be null.
  const owner = api.made((out) =>
    api.CreateTensorAsOrtValue(allocator, dimensions([Math.max(1, length)]), 1, code, out),
  );
  const address = pointers(1);
  api.GetTensorMutableData(owner, address);
  const bytes = length * BYTES_PER_NUMBER[dtype];
  const view = (sides: readonly number[]) =>
    api.made((out) =>
      api.CreateTensorWithDataAsOrtValue(
        ...([info, address[0] as bigint, bytes, dimensions(sides), sides.length, code, out] as const),
      ),
    );
  return { owner, views: { shaped: view(shape), flat: view([length]) }, pins: 0, isUnwanted: false };
}

/** Frees memory as soon as no run uses it. */
function discard(api: Api, memory: Memory): void {
  memory.isUnwanted = true;
  if (memory.pins > 0) return;
  for (const value of [memory.views.shaped, memory.views.flat, memory.owner]) api.free.ReleaseValue(value);
}

function pinned(
  api: Api,
  memory: Memory,
  view: keyof Memory["views"],
  after?: (isFilled: boolean) => void,
): Pinned {
  memory.pins++;
  return {
    value: memory.views[view],
    done(isFilled) {
      memory.pins--;
      if (memory.isUnwanted) discard(api, memory);
      after?.(isFilled);
    },
  };
}

/** Memory of arrays that nobody has any more. */
interface Held {
  memory: Memory | undefined;
}

/** @returns makes an array of these numbers where the residence is */
export function residentArrays(api: Api, home: Residence): (array: NdArray) => Promise<DeviceArray> {
  const collected = new FinalizationRegistry(({ memory }: Held) => {
    if (memory && !memory.isUnwanted) discard(api, memory);
  });
  return async (array) => {
    const { dtype, shape } = array;
    const kind = { dtype, shape };
    const flatKind = { dtype, shape: [sizeOf(shape)] };
    const held: Held = { memory: allocate(api, home, kind) };
    const copier = await home.copier(dtype);
    const current = (): Memory => {
      if (held.memory) return held.memory;
      throw new CompileError(`device array: used after it was disposed of: ${kindOf(kind)}`);
    };
    const replaceBy = (next: Memory) => {
      const before = held.memory;
      if (before === undefined) return discard(api, next);
      held.memory = next;
      discard(api, before);
    };
    const made: Resident = {
      device: home.device,
      ...kind,
      pin: () => pinned(api, current(), "shaped"),
      pinSpare: () => {
        current();
        const next = allocate(api, home, kind);
        return pinned(api, next, "shaped", (isFilled) => (isFilled ? replaceBy(next) : discard(api, next)));
      },
      read: async () => {
        const flat = flatten();
        const [copy] = flatKind.shape[0] === 0 ? [array] : await copier.run([flat]);
        return { ...kind, data: (copy as NdArray).data.slice() } as HostArray;
      },
      write: async (next) => {
        checkSame("device array: write", made, next);
        const flat = flatten();
        if (flatKind.shape[0] !== 0)
          await copier.run([{ ...flatKind, data: next.data } as NdArray], new Map([[0, flat]]));
      },
      dispose: () => {
        const { memory } = held;
        held.memory = undefined;
        if (memory) discard(api, memory);
      },
    };
    const flatten = (): Resident => {
      current();
      return { ...made, ...flatKind, pin: () => pinned(api, current(), "flat") };
    };
    collected.register(made, held);
    await made.write(array);
    return made;
  };
}
