/**
 * @module Keys and values of responses in progress, in memory of a device: `KvCache` without a copy to or from the host.
 */
import type { KernelQueue } from "../../../compile/runtime/deviceKernel.js";
import type { Block, DeviceArray, DeviceMemory } from "../../../compile/runtime/session.js";
import { type NdArray, ndarray, sizeOf, zeros } from "../../../core/ndarray.js";
import { MASKED } from "../../../model/transformer/prefix.js";
import { blockSlots } from "../kvCache.js";
import { APPEND_SLOT, GATHER_ROWS } from "./cacheKernels.js";

const THREADS = 256;
const MOST_BLOCKS = 4096;

const over = (work: number) => ({
  blocks: Math.min(MOST_BLOCKS, Math.max(1, Math.ceil(work / THREADS))),
  threads: THREADS,
});

/** Memory of a device and the kernels on it. */
export interface Device {
  readonly memory: DeviceMemory;
  readonly kernels: KernelQueue;
}

/** A block of `count` float32 arrays of one shape. */
export function alike(memory: DeviceMemory, count: number, shape: readonly number[]): Block {
  const kinds = Array.from({ length: count }, (_, at) => [at, { dtype: "float32", shape }] as const);
  return memory.block(Object.fromEntries(kinds));
}

/** From one array of a block of like ones to the next, in 32-bit words. */
const strideOf = ({ parts, bytes }: Block): number => (parts[1]?.start ?? bytes) / 4;

/** A block with only these rows of every array, in this order; the old one is freed. */
function gathered({ memory, kernels }: Device, block: Block, rows: readonly number[]): Block {
  const [, ...rest] = only(block).shape;
  const shape = [rows.length, ...rest];
  const words = sizeOf(rest);
  const parts = block.parts.length;
  const kept = alike(memory, parts, shape);
  const wanted = ndarray(rows, [rows.length], "int32");
  const indices = memory.block({ wanted });
  indices.write({ wanted });
  kernels.launch(GATHER_ROWS, over(parts * rows.length * words), {
    ...{ to: kept.address(), toStride: strideOf(kept), from: block.address(), fromStride: strideOf(block) },
    ...{ indices: indices.address(), parts, count: rows.length, words },
  });
  kernels.synchronize();
  indices.dispose();
  block.dispose();
  return kept;
}

/** What a cache is of. */
export interface CacheSizes {
  readonly layers: number;
  /** Heads of keys and values, and their size. */
  readonly K: number;
  readonly D: number;
  /** Of the first block. */
  readonly slots: number;
}

/** The prompts' keys, then values, of every layer. */
export interface DevicePrompt {
  /** `2·layers` of `[U, K, P, D]` */
  readonly keysAndValues: Block;
  /** One `[U, P]` */
  readonly mask: Block;
}

/** The first half of a block's arrays, and the second. */
export function halvesOf(block: Block): { keys: readonly DeviceArray[]; values: readonly DeviceArray[] } {
  const arrays = Object.values(block.arrays);
  return { keys: arrays.slice(0, arrays.length / 2), values: arrays.slice(arrays.length / 2) };
}

/** The one array of a block. */
export const only = ({ arrays }: Block): DeviceArray => Object.values(arrays)[0] as DeviceArray;

/** The part of these prompts; the rest is freed. */
function keptPrompts(device: Device, prompt: DevicePrompt, units: readonly number[]): DevicePrompt {
  const { mask, keysAndValues } = prompt;
  if (units.length === only(mask).shape[0] && units.every((unit, at) => unit === at)) return prompt;
  return { mask: gathered(device, mask, units), keysAndValues: gathered(device, keysAndValues, units) };
}

/** A cache of `rows` responses under prompts, which it takes over. */
export function deviceCache(
  device: Device,
  { layers, K, D, slots }: CacheSizes,
  start: DevicePrompt,
  startRows: number,
) {
  const { memory, kernels } = device;
  let prompt = start;
  let rows = startRows;
  let [filled, room, last] = [0, 0, 0];
  let blocks: Block[] = [];
  const grow = () => {
    last = blockSlots(room, slots);
    blocks.push(alike(memory, 2 * layers, [rows, K, last, D]));
    room += last;
  };
  grow();
  return {
    /** Response tokens per row. */
    length: () => filled,
    /** What the decode graph reads, but for the mask of slots. */
    inputs() {
      const { keys: promptKeys, values: promptValues } = halvesOf(prompt.keysAndValues);
      return { promptKeys, promptValues, promptMask: only(prompt.mask), blocks: blocks.map(halvesOf) };
    },
    /** `[C]` of the last block: 0 for filled slots, MASKED for empty ones. */
    slotMask(): NdArray {
      const mask = zeros([last]);
      mask.data.fill(MASKED, filled - (room - last));
      return mask;
    },
    /**
     * Appends one token per row.
     * @param fresh `2·layers` of `[rows, K, D]`
     * @returns whether there is a new block
     */
    append(fresh: Block): boolean {
      const isFull = filled === room;
      if (isFull) grow();
      const block = blocks.at(-1) as Block;
      kernels.launch(APPEND_SLOT, over(2 * layers * rows * K * D), {
        ...{ cache: block.address(), cacheStride: strideOf(block) },
        ...{ fresh: fresh.address(), freshStride: strideOf(fresh) },
        ...{ parts: 2 * layers, rows: rows * K, slots: last, words: D, slot: filled - (room - last) },
      });
      filled++;
      return isFull;
    },
    /** Keeps only these prompts and these rows. */
    keep(units: readonly number[], keptRows: readonly number[]) {
      prompt = keptPrompts(device, prompt, units);
      blocks = blocks.map((block) => gathered(device, block, keptRows));
      rows = keptRows.length;
    },
    dispose() {
      for (const block of [...blocks, prompt.mask, prompt.keysAndValues]) block.dispose();
    },
  };
}
