/**
 * @module Arrays in memory of the runtime's own: on a card, or (to try all of it without one) on the CPU. What a run
 * reads or fills is freed after the run at the earliest. A run that is to fill what it reads does so in place where the
 * graph allows it; else it fills other memory, which then takes the place of the array's own, or is copied there where
 * the array is a part of a block.
 */
import { CompileError, messageOf } from "../../../core/errors.js";
import { bytesOf, type Params } from "../../../core/ndarray.js";
import { formatBytes } from "../../../core/table.js";
import { zip } from "../../../core/zip.js";
import { ONNX_TYPE_CODE } from "../../onnxWriter.js";
import { checkSame, emptyHost, kindOf } from "../hostArray.js";
import type {
  AddressSpace,
  ArrayKind,
  Block,
  BlockPart,
  Device,
  DeviceArray,
  DeviceMemory,
  HostArray,
} from "../session.js";
import { type Api, pointers } from "./api.js";
import { dimensions } from "./values.js";

/** What ONNX Runtime has allocated: freed when nothing is left that lies in it. */
interface Allocation {
  readonly owner: bigint;
  readonly address: bigint;
  users: number;
}

/** A piece of an allocation, and ONNX Runtime's tensor over it. */
interface Memory {
  readonly within: Allocation;
  readonly address: bigint;
  readonly value: bigint;
  /** Runs that use it. */
  pins: number;
  isUnwanted: boolean;
}

/** A device array of this runtime. */
export interface Resident extends DeviceArray {
  /** Where its numbers are; it changes only when a run fills other memory for it. @throws CompileError once it is disposed of */
  address(): bigint;
  /** The tensor that a run is given; `done` after the run. @throws CompileError once it is disposed of */
  pin(): Pinned;
  /** Other memory of the same size. `done(true)` puts its numbers in the place of what the array has. */
  pinSpare(): Pinned;
}

export interface Pinned {
  readonly value: bigint;
  done(isFilled: boolean): void;
}

export const isResident = (array: object): array is Resident => "pinSpare" in array;

/** Memory by address, and what ONNX Runtime allocates it with. */
export interface Residence extends AddressSpace {
  readonly device: Device;
  /** OrtAllocator and OrtMemoryInfo. */
  readonly allocator: bigint;
  readonly info: bigint;
}

/** A device's memory, and arrays that lie there alone. */
export interface ResidentMemory extends DeviceMemory {
  place(array: HostArray): DeviceArray;
}

const DEFAULT_MEMORY = 0;
const DEVICE_ALLOCATOR = 0;
/** Of parts of a block: what kernels that read several numbers at once want at most. */
const ALIGNMENT = 256;

/** @param session one that runs on the card */
export function cardResidence(api: Api, space: AddressSpace, session: bigint): Residence {
  const info = api.made((out) => api.CreateMemoryInfo("Cuda", DEVICE_ALLOCATOR, 0, DEFAULT_MEMORY, out));
  const allocator = api.made((out) => api.CreateAllocator(session, info, out));
  return { ...space, device: "cuda", info, allocator };
}

export function hostResidence(api: Api, space: AddressSpace): Residence {
  const info = api.made((out) => api.CreateCpuMemoryInfo(1, 0, out));
  return {
    ...space,
    device: "cpu",
    info,
    allocator: api.made((out) => api.GetAllocatorWithDefaultOptions(out)),
  };
}

/** @throws CompileError when there is no room */
function allocate(api: Api, { allocator, device }: Residence, bytes: number): Allocation {
  try {
    // One byte at least: an address must not be null.
    const sides = dimensions([Math.max(1, bytes)]);
    const owner = api.made((out) =>
      api.CreateTensorAsOrtValue(allocator, sides, 1, ONNX_TYPE_CODE.uint8, out),
    );
    const address = pointers(1);
    api.GetTensorMutableData(owner, address);
    return { owner, address: address[0] as bigint, users: 0 };
  } catch (cause) {
    throw new CompileError(
      `${device}: no room for arrays of ${formatBytes(bytes)}: ${messageOf(cause)}: train a smaller model or with lora.rank, or lower update.microBatchUnits`,
      { cause },
    );
  }
}

function memoryIn(
  api: Api,
  { info }: Residence,
  { within, at = 0, kind }: { within: Allocation; at?: number; kind: ArrayKind },
): Memory {
  const { dtype, shape } = kind;
  const address = within.address + BigInt(at);
  const sides = [dimensions(shape), shape.length, ONNX_TYPE_CODE[dtype]] as const;
  const value = api.made((out) =>
    api.CreateTensorWithDataAsOrtValue(info, address, bytesOf(kind), ...sides, out),
  );
  within.users++;
  return { within, address, value, pins: 0, isUnwanted: false };
}

/** Frees memory as soon as no run uses it. */
function discard(api: Api, memory: Memory): void {
  memory.isUnwanted = true;
  if (memory.pins > 0) return;
  api.free.ReleaseValue(memory.value);
  memory.within.users--;
  if (memory.within.users === 0) api.free.ReleaseValue(memory.within.owner);
}

function pinned(api: Api, memory: Memory, after?: (isFilled: boolean) => void): Pinned {
  memory.pins++;
  return {
    value: memory.value,
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

type Collected = FinalizationRegistry<Held>;

/** Makes an array of memory. @param isPart of a block, whose place it keeps */
function resident(
  api: Api,
  home: Residence,
  {
    kind,
    memory,
    isPart,
    collected,
  }: { kind: ArrayKind; memory: Memory; isPart: boolean; collected: Collected },
): Resident {
  const held: Held = { memory };
  const current = (): Memory => {
    if (held.memory) return held.memory;
    throw new CompileError(`device array: used after it was disposed of: ${kindOf(kind)}`);
  };
  const takeOver = (next: Memory) => {
    const before = held.memory;
    if (before === undefined || isPart) {
      if (before) home.copy(before.address, next.address, bytesOf(kind));
      return discard(api, next);
    }
    held.memory = next;
    discard(api, before);
  };
  const made: Resident = {
    device: home.device,
    dtype: kind.dtype,
    shape: kind.shape,
    address: () => current().address,
    pin: () => pinned(api, current()),
    pinSpare: () => {
      current();
      const next = memoryIn(api, home, { within: allocate(api, home, bytesOf(kind)), kind });
      return pinned(api, next, (isFilled) => (isFilled ? takeOver(next) : discard(api, next)));
    },
    read: async () => {
      const host = emptyHost(kind);
      home.download(current().address, host.data);
      return host;
    },
    write: async (next) => {
      checkSame("device array: write", made, next);
      home.upload(current().address, next.data);
    },
    dispose: () => {
      const last = held.memory;
      held.memory = undefined;
      if (last) discard(api, last);
    },
  };
  collected.register(made, held);
  return made;
}

/** Where the arrays of a block begin. */
function layOut(kinds: Readonly<Record<string, ArrayKind>>) {
  let bytes = 0;
  const parts = Object.entries(kinds).map(([name, { dtype, shape }]): BlockPart => {
    const start = bytes;
    bytes += ALIGNMENT * Math.ceil(bytesOf({ dtype, shape }) / ALIGNMENT);
    return { name, dtype, shape, start };
  });
  return { parts, bytes };
}

function blockIn(
  api: Api,
  home: Residence,
  { kinds, collected }: { kinds: Readonly<Record<string, ArrayKind>>; collected: Collected },
): Block {
  const { parts, bytes } = layOut(kinds);
  const within = allocate(api, home, bytes);
  // Stands for the block among the allocation's users.
  const whole: Held = { memory: memoryIn(api, home, { within, kind: { dtype: "uint8", shape: [bytes] } }) };
  const leave = () => {
    const last = whole.memory;
    whole.memory = undefined;
    if (last) discard(api, last);
  };
  const left = new Set(parts);
  const residents = parts.map((part) => {
    const { start: at, ...kind } = part;
    const memory = memoryIn(api, home, { within, at, kind });
    const array = resident(api, home, { kind, memory, isPart: true, collected });
    const { dispose: free } = array;
    const dispose = () => {
      free();
      left.delete(part);
      if (left.size === 0) leave();
    };
    return Object.assign(array, { dispose });
  });
  const arrays = Object.fromEntries(zip(parts, residents).map(([{ name }, array]) => [name, array]));
  const each = (params: Params, move: (at: bigint, data: HostArray["data"]) => void) => {
    for (const [{ name }, array] of zip(parts, residents)) {
      const host = params[name];
      if (host) checkSame(`block: ${name}`, array, host);
      if (host && bytesOf(array) > 0) move(array.address(), host.data);
    }
  };
  const block: Block = {
    arrays,
    parts,
    bytes,
    address() {
      if (whole.memory) return whole.memory.address;
      throw new CompileError(`block of ${formatBytes(bytes)}: used after it was disposed of`);
    },
    write: (params) => each(params, home.upload),
    readInto: (params) => each(params, home.download),
    copyFrom: (other) => home.copy(block.address(), other.address(), bytes),
    clear: () => home.clear(block.address(), Math.max(1, bytes)),
    dispose() {
      for (const array of residents) array.dispose();
      leave();
    },
  };
  collected.register(block, whole);
  block.clear();
  return block;
}

/** @returns makes arrays where the residence is */
export function residentMemory(api: Api, home: Residence): ResidentMemory {
  const collected: Collected = new FinalizationRegistry(({ memory }) => {
    if (memory && !memory.isUnwanted) discard(api, memory);
  });
  return {
    ...home,
    block: (kinds) => blockIn(api, home, { kinds, collected }),
    place({ dtype, shape, data }) {
      const kind = { dtype, shape };
      const memory = memoryIn(api, home, { within: allocate(api, home, bytesOf(kind)), kind });
      const array = resident(api, home, { kind, memory, isPart: false, collected });
      if (data.byteLength > 0) home.upload(array.address(), data);
      return array;
    },
  };
}
